"""What `validate` has found to be sound so far, for the rules that look across files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from modelreg.domain.document import Document
from modelreg.domain.finding import Finding


@dataclass(slots=True)
class Checked:
    """`documents` passed their schemas; `contents` are the raw bytes of every file that was read; `sound_policy`: the
    policy by itself was found sound before."""

    documents: dict[str, Document] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sound_policy: bool = False

    def beside(self, paths: Iterable[str]) -> Checked:
        """What was found of these files, to find more beside it."""
        wanted = frozenset(paths)
        return Checked(
            {path: document for path, document in self.documents.items() if path in wanted},
            {path: data for path, data in self.contents.items() if path in wanted},
        )

    def sha256(self, path: str) -> str | None:
        data = self.contents.get(path)
        return None if data is None else hashlib.sha256(data).hexdigest()
