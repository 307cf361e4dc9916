"""What a check of the policy looks at: the policy, the models that it judges, and the people whom it names."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.context import FORGE
from modelreg.domain.document import Document, Path
from modelreg.domain.names import Stage
from modelreg.domain.policy import Gate, Policy, parse_gates


@dataclass(frozen=True, slots=True)
class PlacedGate:
    """A gate and where it stands; `model` is the one whose model.yaml asks it, None for a gate of the policy."""

    document: Document
    path: Path
    gate: Gate
    model: str | None

    def at(self, *parts: str | int) -> Path:
        """A path below the gate's `require`."""
        return (*self.path, "require", *parts)


@dataclass(frozen=True, slots=True)
class Setting:
    """`document` is policy.yaml and `policy` what it says; `models` are the model.yaml of all registered models.

    All have passed their schemas. `signers` are those principals of registry/allowed_signers who may sign approvals;
    None: there is no such file.
    """

    document: Document
    policy: Policy
    models: Sequence[Document]
    signers: frozenset[str] | None

    @property
    def gates(self) -> Iterator[PlacedGate]:
        """The policy's gates, then those of the models, in file order."""
        for document, model in ((self.document, None), *((d, d.value["name"]) for d in self.models)):
            for index, gate in enumerate(parse_gates(document.value.get("gates") or (), document.file)):
                yield PlacedGate(document, ("gates", index), gate, model)

    def fits(self, placed: PlacedGate, model: Document) -> bool:
        """Whether the gate is asked of versions of a model."""
        body = model.value
        mine = placed.model in (None, body["name"])
        return mine and placed.gate.matches(body["name"], body["task"], body.get("tags") or {})

    # --- people

    def members(self, role: str | None) -> frozenset[str]:
        """The persons of a role; without one all whom the registry knows."""
        if role is not None:
            return self.policy.members(role)
        return frozenset(self.policy.people).union(*self.policy.roles.values(), self.signers or ())

    def reviewing(self, persons: frozenset[str]) -> frozenset[str]:
        """Those whose reviews on the forge count: they have an account there, and nobody else has it."""
        people, person_of = self.policy.people, self.policy.person_of
        accounts = {person: people.get(person, {}).get(FORGE) for person in persons}
        return frozenset(p for p, account in accounts.items() if account and person_of(FORGE, account) == p)

    def signing(self, persons: frozenset[str]) -> frozenset[str]:
        """Those who have a key that may sign approvals."""
        return persons & (self.signers or frozenset())

    def allowed(self, action: str, stage: Stage | None = None, model: str | None = None) -> frozenset[str]:
        """Who may do something, to some model at least, by `access`; without such a list everybody may."""
        return frozenset(
            person
            for entry in self.policy.access
            if action in entry.actions
            and (stage is None or entry.stages is None or stage in entry.stages)
            and (model is None or any(fnmatch.fnmatchcase(model, glob) for glob in entry.models))
            for person in self.policy.members(entry.role)
        )


def roles_asked(require: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where a requirement names a role (`by`, `role`), and which."""
    for check in ("ab_test", "compliance", "approvals"):
        for key in ("by", "role"):
            if key in (require.get(check) or {}):
                yield (check, key), require[check][key]
    for name, bounds in (require.get("metrics") or {}).items():
        if "by" in bounds:
            yield ("metrics", name, "by"), bounds["by"]
