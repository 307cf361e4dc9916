"""`import gto`: the tags of a GTO repository become versions, transitions and tombstones, in GTO's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelreg.domain import gto
from modelreg.domain.gto import Event, Step
from modelreg.domain.names import parse_stage
from modelreg.domain.plan import CommitId
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, NotFoundError
from modelreg.registry.editing import retire
from modelreg.registry.import_git import Brought, Coming, Wanted, bring, check_tags, come_before, our_names
from modelreg.registry.origin import GitOrigin
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import set_stage
from modelreg.registry.transfer import REFUSALS
from modelreg.registry.withdraw import withdraw
from modelreg.registry.workspace import Workspace

TOOL = "gto"
_DEFAULT_MESSAGE = ("Registering artifact", "Registering version")


def import_gto(
    workspace: Workspace, origin: GitOrigin, wanted: Wanted, reach: Callable[[int, int], None]
) -> Iterator[Brought]:
    """Bring in the artifacts that have tags; each is told when it is done. `reach` hears how many events of how many.

    Raises NotFoundError for a name without tags, ConflictError where GTO's tags stand in the registry's own way,
    UnavailableError; what landed before stays.
    """
    found = gto.events(origin.gto_tags())
    missing = next((name for name in wanted.names if name not in found), None)
    if missing is not None:
        raise NotFoundError(f"no tag of GTO's names {missing!a} there", hint=f"known are: {', '.join(found) or 'none'}")
    chosen = {name: found[name] for name in found if not wanted.names or name in wanted.names}
    names = our_names(chosen, wanted)
    for model in names:
        check_tags(workspace, origin, model)
    total, before = sum(map(len, chosen.values())), 0
    for model, name in names.items():
        one = _Artifact(workspace, origin, wanted, Brought(name, model))
        for done in one.bring(chosen[name]):
            reach(before + done, total)
        before += len(chosen[name])
        yield one.told


@dataclass(frozen=True, slots=True)
class _Artifact:
    """One artifact on its way."""

    workspace: Workspace
    origin: GitOrigin
    wanted: Wanted
    told: Brought

    def bring(self, history: Sequence[Event]) -> Iterator[int]:
        """Replay the events after the last one that is on record; says how many are done."""
        snapshot = self.workspace.snapshot()
        versions = come_before(snapshot, TOOL, self.told, self.told.name)
        if versions is None:
            return
        places = {event.tag.name: number for number, event in enumerate(history)}
        recorded, moved_here = self._recorded(snapshot) if snapshot.has_model(self.told.model) else ([], frozenset())
        todo = gto.outstanding(history, recorded, moved_here)
        for step in gto.steps(history):
            if step.kind == "register":
                self._register(step, versions)
            elif step in todo:
                self._act(step, versions)
            yield places[step.event.tag.name] + 1

    def _recorded(self, snapshot: Snapshot) -> tuple[list[str], frozenset[str]]:
        """The tags for which there is a record here, and the versions that were moved here for other reasons."""
        tags: list[str] = []
        moved: set[str] = set()
        for transition in snapshot.transitions(self.told.model):
            tag = gto.tag_of(transition.reason)
            if tag is not None:
                tags.append(tag)
            elif transition.kind != "alias" and transition.version is not None:
                moved |= {str(transition.version), *(str(one.version) for one in transition.displaces)}
        retired = snapshot.model(self.told.model).value.get("retired") or {}
        tag = gto.tag_of(str(retired.get("reason", "")))
        return [*tags, *([tag] if tag else [])], frozenset(moved)

    def _register(self, step: Step, versions: dict[str, Version]) -> None:
        tag, name = step.event.tag, step.event.version or ""
        if name in versions:
            self.told.present += 1
            return
        if self.wanted.dry_run:
            self.told.registered.append((str(step.version), self.wanted.artifacts))
            return
        try:
            version = Version.parse(str(step.version))
            commit = CommitId(tag.target)
            declared = self.origin.artifacts(commit).get(self.told.name)
            said = "" if tag.message.startswith(_DEFAULT_MESSAGE) else tag.message
            coming = Coming(TOOL, self.told.name, name, commit, tag.at, tag.by, version, description=said)
            versions[name] = bring(self.workspace, self.origin, coming, declared, self.wanted, self.told)
        except REFUSALS as error:
            self.told.refuse(f"version {step.version}", error)

    def _act(self, step: Step, versions: dict[str, Version]) -> None:
        what = _told(step)
        if step.kind == "nothing":
            self.told.refuse(f"tag {step.event.tag.name}", step.why)
            return
        if self.wanted.dry_run:
            self.told.moves.append(what)
            return
        try:
            if self._moved(step, versions):
                self.told.moves.append(what)
        except REFUSALS as error:
            self.told.refuse(what, error)

    def _moved(self, step: Step, versions: dict[str, Version]) -> bool:
        """Whether anything landed. Raises one of REFUSALS."""
        reason, push = step.event.reason, self.wanted.push
        if step.kind == "retire":
            return retire(self.workspace, self.told.model, reason=reason, push=push).commit is not None
        version = versions.get(f"v{step.version}")
        if version is None:
            raise NotFoundError("the version is not here")
        snapshot = self.workspace.snapshot()
        if version in snapshot.withdrawn(self.told.model):
            if step.kind == "withdraw":
                return False
            raise DeniedError("the version is withdrawn")
        if step.kind == "withdraw":
            return withdraw(self.workspace, self.told.model, version, reason=reason, push=push).commit is not None
        policy = snapshot.policy()
        to = policy.initial if step.to is None else parse_stage(self.wanted.stages.get(step.to, step.to))
        if to not in policy.stages:
            raise NotFoundError(f"the policy has no stage {to}", hint=f"--stage {step.to}=production")
        return set_stage(self.workspace, self.told.model, version, to, reason=reason, push=push).commit is not None


def _told(step: Step) -> str:
    if step.kind == "retire":
        return "retired"
    if step.kind == "withdraw":
        return f"{step.version} withdrawn"
    return f"{step.version} to {step.to or 'the initial stage'}"
