"""What `validate` has found to be sound so far, for the rules that look across files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from modelreg.domain.document import Document
from modelreg.domain.finding import Finding


@dataclass(slots=True)
class Checked:
    """`documents` passed their schemas; `contents` are the raw bytes of every file that was read; `sound` names the
    model.yaml of models that were found sound before, and not read; `sound_policy`: so was the policy by itself."""

    documents: dict[str, Document] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sound: list[str] = field(default_factory=list)
    sound_policy: bool = False

    def sha256(self, path: str) -> str | None:
        data = self.contents.get(path)
        return None if data is None else hashlib.sha256(data).hexdigest()
