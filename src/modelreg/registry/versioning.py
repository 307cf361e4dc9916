"""Which number a registration gets, and why: on the base that it lands on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.bump import MOST, Asked, choose, raised, rules
from modelreg.domain.difference import Kind
from modelreg.domain.version import Version, following, leading_up
from modelreg.errors import DeniedError, UsageError
from modelreg.registry.request import Request
from modelreg.registry.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Decision:
    """A version and how it came to be. `kind` is the part that was raised, `first` or `explicit`; `compared` the
    version that it was compared with, or counted from. `existing`: there is no new one, it is this version."""

    version: Version
    kind: str | None
    compared: Version | None
    reasons: tuple[str, ...]
    existing: bool = False

    def to_mapping(self) -> dict[str, Any]:
        """`bump` of the manifest."""
        compared = None if self.compared is None else str(self.compared)
        return {"kind": self.kind, "from": compared, "reasons": list(self.reasons)}


def check_wish(request: Request) -> None:
    """Raises UsageError where what is asked of the number contradicts itself."""
    wished = [word for word, value in (("--bump", request.bump), ("--pre", request.pre)) if value is not None]
    if request.version is not None and wished:
        raise UsageError(f"--version and {wished[0]} exclude each other", hint="give one of them")


def wants_release(request: Request) -> bool:
    """Whether a release is asked for. A pre-release is a candidate: its content may be registered again as one."""
    return not request.version.is_prerelease if request.version is not None else request.pre is None


def decide(snapshot: Snapshot, request: Request, body: Callable[[], Mapping[str, Any]]) -> Decision:
    """The version that a request becomes on this snapshot; `body` gives the manifest's as it would be written.

    With `auto`, what differs from the highest release in good standing decides, by the table of the snapshot's own
    policy. Raises DeniedError where the version exists, InvalidError for a policy or manifest that is not sound.
    """
    taken, gone = snapshot.versions(request.model), snapshot.withdrawn(request.model)
    releases = [version for version in taken if not version.is_prerelease]
    last = max(releases, default=None)
    if request.version is not None:
        if request.version in taken:
            raise DeniedError(
                f"{request.model} {request.version} is registered already with other content",
                hint=f"a version is never overwritten; the next free one is {following(taken, gone, 'patch')}",
            )
        return Decision(request.version, "explicit", None, ("asked for",))
    if not taken:
        return Decision(following(taken, gone, "patch", request.pre), "first", None, ("the first version",))
    if request.bump == "auto":
        return _Automatic(snapshot, request, body(), taken, gone).decide(last)
    version = following(taken, gone, request.bump or "patch", request.pre)
    reason = "asked for" if request.bump or request.pre else "patch unless asked otherwise"
    return _counted(version, last, last, (reason,))


def _counted(version: Version, last: Version | None, compared: Version | None, reasons: tuple[str, ...]) -> Decision:
    kind = "first" if last is None else version.raised_over(last)
    return Decision(version, kind, compared, reasons)


@dataclass(frozen=True, slots=True)
class _Automatic:
    """One request beside what there is of its model."""

    snapshot: Snapshot
    request: Request
    after: Mapping[str, Any]
    taken: Collection[Version]
    gone: Collection[Version]

    def decide(self, last: Version | None) -> Decision:
        """`last` is the highest release, whose number is counted from; None: there is none."""
        table, led = rules(self.snapshot.policy(check=True).versioning), leading_up(self.taken, self.gone)
        if self.request.pre is not None and led is not None and (same := self._unchanged(led, table)):
            return same
        if last is None:
            version = following(self.taken, self.gone, "patch", self.request.pre)
            return _counted(version, None, None, ("no release yet to compare with",))
        good = [v for v in self.taken if not v.is_prerelease and v not in self.gone]
        compared = max(good, default=last)
        if compared not in self.gone and (same := self._unchanged(compared, table)):
            return same
        notes: list[str] = []
        if compared in self.gone:
            notes.append(f"compared with {compared}, though it is withdrawn: no release is in good standing")
        elif compared != last:
            notes.append(f"compared with {compared}: {last} is withdrawn")
        chosen = choose(self._body(compared), self.after, table, room=MOST - 3)
        part = raised(chosen.part, last)
        if chosen.part not in (part, "none"):
            notes.append("below 1.0.0 a major change raises the minor part")
        version = following(self.taken, self.gone, part, self.request.pre)
        if led is not None and version.core == led.core:
            notes.append(f"{led} leads up to {led.core}")
        return _counted(version, last, compared, (*chosen.reasons, *notes))

    def _body(self, version: Version) -> Mapping[str, Any]:
        return self.snapshot.manifest(self.request.model, version, check=True).body

    def _unchanged(self, version: Version, table: Mapping[Kind, Asked]) -> Decision | None:
        chosen = choose(self._body(version), self.after, table)
        if chosen.part != "none":
            return None
        return Decision(version, None, version, chosen.reasons, existing=True)
