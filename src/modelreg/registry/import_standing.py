"""Stages and aliases of imported versions, brought to where they are there: as the policy allows, each on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.foreign.standing import IMPORTED, Move, Point, Refused, Standing, imported_last, moves, points
from modelreg.domain.names import Alias
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, InvalidError
from modelreg.registry.editing import edited
from modelreg.registry.foreign import Naming
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import StageChange, set_alias, set_stage
from modelreg.registry.transfer import REFUSALS, Imported, Options
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Stander:
    """`origin` is what the other registry is called in reasons; `told` hears what came of it."""

    workspace: Workspace
    origin: str
    naming: Naming
    options: Options
    told: Imported

    def stand(self, standing: Sequence[Standing], aliases: Mapping[str, int]) -> None:
        """Stages, then aliases; what was tried and refused is not tried again. A move displaces others and takes
        aliases with it, so that what is left to do is asked for again after each round."""
        done: set[Move | Point] = set()
        called = self._called(aliases)
        named = self._named(standing, aliases, called)
        refused: Collection[Refused] = ()
        while True:
            snapshot = self.workspace.snapshot()
            here = snapshot.stages(self.told.model)
            base = imported_last(snapshot.transitions(self.told.model))
            wanted, refused = moves(standing, here, base, snapshot.policy(check=True))
            todo: list[Move | Point] = [move for move in wanted if move not in done]
            todo = todo or [point for point in points(named, here, base) if point not in done]
            if not todo:
                break
            for step in todo:
                done.add(step)
                self._step(step, called)
        self.told.refused += refused

    def _called(self, aliases: Mapping[str, int]) -> dict[Alias, str]:
        """Our alias for each of theirs; those that are legal here keep their names."""
        snapshot = self.workspace.snapshot()
        known: dict[str, str] = dict(snapshot.model(self.told.model).value.get("alias_names") or {})
        found: dict[Alias, str] = {}
        for name in sorted(aliases, key=lambda name: (name != name.lower(), name)):
            taken = {*snapshot.stages(self.told.model).aliases, *found}
            try:
                found[self.naming.alias(name, known, taken)] = name
            except InvalidError as error:
                self.told.refuse(f"the alias {name}", error)
        return found

    def _named(
        self, standing: Sequence[Standing], aliases: Mapping[str, int], called: Mapping[Alias, str]
    ) -> dict[Alias, Version]:
        versions = {one.number: one.version for one in standing}
        found = {}
        for alias, name in called.items():
            if aliases[name] in versions:
                found[alias] = versions[aliases[name]]
            elif not self.options.dry_run:
                self.told.refuse(f"the alias {name}", f"version {aliases[name]} is not here, or withdrawn")
        return found

    def _step(self, step: Move | Point, called: Mapping[Alias, str]) -> None:
        what = _told(step)
        try:
            change = self._made(step, called)
            if isinstance(step, Move) and change.transition is not None and not change.report.allowed:  # in a dry run
                raise DeniedError("; ".join(verdict.reason for verdict in change.report.failures))
        except REFUSALS as error:
            self.told.refuse(what, error)
        else:
            self.told.changes += [what] if change.transition is not None else []

    def _made(self, step: Move | Point, called: Mapping[Alias, str]) -> StageChange:
        model, reason = self.told.model, f"{IMPORTED}{self.origin}"
        push, dry_run = self.options.push, self.options.dry_run
        if isinstance(step, Move):
            return set_stage(self.workspace, model, step.version, step.to, reason=reason, push=push, dry_run=dry_run)
        alias, name = step.alias, called.get(step.alias, str(step.alias))

        def extra(snapshot: Snapshot) -> Mapping[str, bytes]:
            if name == alias:
                return {}
            path = snapshot.layout.model(model)
            return edited(self.workspace, snapshot, path, "model", lambda before: _calling(before, alias, name))

        return set_alias(
            self.workspace, model, alias, step.version, reason=reason, push=push, dry_run=dry_run, extra=extra
        )


def _calling(before: Mapping[str, Any], alias: Alias, name: str) -> Mapping[str, Any]:
    """model.yaml that says what the alias is called there."""
    return {**before, "alias_names": {**(before.get("alias_names") or {}), str(alias): name}}


def _told(step: Move | Point) -> str:
    if isinstance(step, Move):
        return f"{step.version} to {step.to}"
    return f"alias {step.alias} at {step.version}" if step.version else f"no alias {step.alias}"
