"""A transition: one record per change of stage or alias, numbered per model without gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modelreg.domain.names import Alias, ModelName, Stage, parse_alias, parse_model, parse_stage
from modelreg.domain.version import Version

Kind = Literal["promote", "rollback", "archive", "withdraw", "alias"]


@dataclass(frozen=True, slots=True)
class Displaced:
    """A holder that makes room, and where it goes."""

    version: Version
    to: Stage


@dataclass(frozen=True, slots=True)
class Transition:
    """One file under transitions/. `at` is UTC (`2026-11-24T12:30:00Z`), informative: order is the number.

    For kind alias `aliases` holds the one change and `version` its version (None: removed); `from_` and `to` are None.
    For kind withdraw `to` is None: the version leaves every stage.
    """

    number: int
    kind: Kind
    model: ModelName
    version: Version | None
    manifest_sha256: str | None
    from_: Stage | None
    to: Stage | None
    by: str
    at: str
    reason: str
    policy_serial: int
    displaces: tuple[Displaced, ...] = ()
    aliases: Mapping[Alias, Version | None] = field(default_factory=dict)
    cause: str | None = None

    @classmethod
    def from_mapping(cls, body: Mapping[str, Any]) -> Transition:
        """From a document that has passed its schema. Raises InvalidError for a bad name or version."""
        aliases = {parse_alias(k): _version(v) for k, v in (body.get("aliases") or {}).items()}
        if body["kind"] == "alias":
            aliases[parse_alias(body["alias"])] = _version(body["version"])
        return cls(
            number=body["number"],
            kind=body["kind"],
            model=parse_model(body["model"]),
            version=_version(body["version"]),
            manifest_sha256=body.get("manifest_sha256"),
            from_=_stage(body.get("from")),
            to=_stage(body.get("to")),
            by=body["by"],
            at=body["at"],
            reason=body["reason"],
            policy_serial=body["policy_serial"],
            displaces=tuple(
                Displaced(Version.parse(d["version"]), parse_stage(d["to"])) for d in body.get("displaces") or ()
            ),
            aliases=aliases,
            cause=body.get("cause"),
        )

    def to_mapping(self) -> dict[str, Any]:
        """For the YAML file, in the order that a reviewer reads."""
        body: dict[str, Any] = {"format": 1, "number": self.number, "kind": self.kind, "model": self.model}
        if self.kind == "alias":
            body["alias"] = next(iter(self.aliases))
        body["version"] = None if self.version is None else str(self.version)
        if self.manifest_sha256 is not None:
            body["manifest_sha256"] = self.manifest_sha256
        if self.kind != "alias":
            body["from"] = self.from_
            body["to"] = self.to
            body["displaces"] = [{"version": str(d.version), "to": d.to} for d in self.displaces]
            body["aliases"] = {a: None if v is None else str(v) for a, v in sorted(self.aliases.items())}
        body |= {"by": self.by, "at": self.at, "reason": self.reason}
        if self.cause is not None:
            body["cause"] = self.cause
        return body | {"policy_serial": self.policy_serial}


def _version(text: str | None) -> Version | None:
    return None if text is None else Version.parse(text)


def _stage(text: str | None) -> Stage | None:
    return None if text is None else parse_stage(text)
