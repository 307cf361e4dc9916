"""A parsed document that still knows where each of its values stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelreg.domain.finding import Finding, Severity

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of a document: `("metrics", "accuracy", "value")`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Line and column, both from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """`value` as plain data, `marks` from each value's path to where it (of a mapping: its key) stands."""

    file: str
    value: Any
    marks: Mapping[Path, Mark] = field(default_factory=dict)

    def mark(self, path: Path) -> Mark | None:
        """Where the value at `path` stands; where there is none, the nearest that encloses it."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path)

    def finding(
        self, path: Path, code: str, message: str, *, hint: str | None = None, severity: Severity = "error"
    ) -> Finding:
        """A finding at `path` of this document."""
        mark = self.mark(path)
        return Finding(
            file=self.file,
            code=code,
            message=message,
            line=mark.line if mark else None,
            column=mark.column if mark else None,
            field=dotted(path) or None,
            severity=severity,
            hint=hint,
        )


def dotted(path: Path) -> str:
    """`("artifacts", 0, "sha256")` as `artifacts[0].sha256`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text
