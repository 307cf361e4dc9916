"""What reverse lineage is asked by: `data:customers`, `data:f989a989`, `commit:a665175`, `env:b33e592a`, `run:42`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from modelreg.domain.lineage_graph import Node, NodeKind
from modelreg.domain.lineage_parts import Part
from modelreg.errors import InvalidError, UsageError

Asked = Literal["data", "commit", "env", "run"]
_NODES: dict[str, NodeKind] = {"data": "data", "commit": "code", "env": "environment", "run": "run"}
_LEAST = 4
"""Digits of a prefix, as git wants them."""
_PREFIX = re.compile(r"[0-9a-fA-F]{4,64}(?:\.dir)?")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Query:
    """`text` is the name, id or beginning of a digest. `path`: what may be a local file, whose digest is `text` once
    somebody has taken it; `bare`: it is written without `data:`, and can be nothing else."""

    kind: Asked
    text: str
    path: str | None = None
    bare: bool = False

    @classmethod
    def parse(cls, address: str) -> Query | None:
        """None for what is no query, but the address of a version. Raises UsageError."""
        head, colon, rest = address.partition(":")
        if not colon and "/" in address:
            return cls("data", address, path=address, bare=True)
        kind = next((kind for kind in ("data", "commit", "env", "run") if kind == head and colon), None)
        if kind is None:
            return None
        if not rest:
            raise UsageError(f"{address!a} names nothing", hint=f"write something after {head}:")
        if kind in ("commit", "env") and not _PREFIX.fullmatch(rest):
            hint = f"at least {_LEAST} hexadecimal digits, of a whole {'commit id' if kind == 'commit' else 'SHA-256'}"
            raise UsageError(f"{rest[:80]!a} is not the beginning of a digest", hint=hint)
        return cls(kind, rest, path=rest if kind == "data" and "/" in rest else None)

    def __str__(self) -> str:
        return self.path if self.bare and self.path else f"{self.kind}:{self.path or self.text}"

    @property
    def texts(self) -> tuple[str, ...]:
        """One of these stands in every manifest that `fits`."""
        digits = self.text.lower()
        return (self.text,) if self.kind == "run" or digits == self.text else (self.text, digits)

    def fits(self, part: Part) -> bool:
        """Whether a part of a version is what is asked for."""
        return part.node.kind == _NODES[self.kind] and bool(self._names(part) or self._digests(part.node))

    def mark(self, part: Part) -> tuple[object, ...]:
        """All that `choose` looks at: of parts with the same mark it needs one."""
        return (*self._digests(part.node), self._names(part), part.name if self.kind == "data" else "")

    def choose(self, found: Iterable[Part]) -> None:
        """Raises InvalidError where what fitted is not one thing: a prefix of several digests, a name and a prefix."""
        parts = list(found)
        digests = sorted({digest for part in parts for digest in self._digests(part.node)})
        named = {part.name for part in parts if self._names(part)} if self.kind == "data" else set()
        if len(self.text) < 64 and len(digests) > 1 and not named:
            more = f" and {len(digests) - _SHOWN} more" if len(digests) > _SHOWN else ""
            listed = ", ".join(digest[:20] for digest in digests[:_SHOWN])
            raise InvalidError(f"{self} is the beginning of several: {listed}{more}", hint="write more digits")
        if named and any(not self._names(part) for part in parts):
            raise InvalidError(
                f"{self} is a data set's name and the beginning of another's digest",
                hint="write more digits of the digest, or the digest of the data that is meant",
            )

    def _names(self, part: Part) -> bool:
        if self.kind == "run":
            return part.node.facts.get("id") == self.text
        return self.kind == "data" and part.name == self.text

    def _digests(self, node: Node) -> list[str]:
        """The digests of a node that begin as asked, one where it is known by several."""
        if self.kind == "run" or not _PREFIX.fullmatch(self.text):
            return []
        keys = {"data": ("sha256", "md5"), "commit": ("commit",), "env": ("sha256",)}[self.kind]
        facts = node.facts.get("lock") or {} if self.kind == "env" else node.facts
        known = [facts[key] for key in keys if facts.get(key, "").startswith(self.text.lower())]
        return known[:1]
