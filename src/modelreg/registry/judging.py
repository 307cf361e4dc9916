"""The judge: one transition, by the policy, gates, roles and signers of the base. `stage set`, `gate`, the hook and
`verify` all ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from modelreg.domain.approvals import gate_digest, statement
from modelreg.domain.context import FORGE, Actor, Candidate, Context, Facts
from modelreg.domain.gate import effective, judge, judge_other, judge_rollback
from modelreg.domain.lifecycle import recorded_rightly
from modelreg.domain.names import ModelName
from modelreg.domain.policy import Gate, Policy
from modelreg.domain.reviews import Review, account_of
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Report, Verdict
from modelreg.domain.version import Version
from modelreg.registry.facts import artifact_level
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.statements import Statements
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What trees do not say. `now` is epoch seconds (UTC); `account` is the author's on the forge; for the rest see
    domain/context.py (Facts). `remote`: whether the artifact remote may be asked."""

    now: int
    via: Literal["pull-request", "direct"] | None = "direct"
    account: str | None = None
    reviews: tuple[Review, ...] | None = None
    again: bool = False
    remote: bool = True


class Judge:
    """Judges transitions of a range: `base` decides, `head` is what would stand there afterwards.

    For a direct change both are the branch's tip, and the transition is not in a tree yet.
    """

    def __init__(self, workspace: Workspace, base: Snapshot, head: Snapshot, circumstances: Circumstances) -> None:
        self.workspace = workspace
        self.base = base
        self.head = head
        self.circumstances = circumstances
        self.statements = Statements(workspace, base, head, circumstances.now)

    @cached_property
    def policy(self) -> Policy:
        """The policy of the base. Raises InvalidError where it does not pass its schema."""
        return self.base.policy(check=True)

    def judge(self, transition: Transition, stages: Stages, signer: str | None = None) -> Report:
        """Judge one transition on the state before it. `signer` is whose signature the record carries, if it holds."""
        context = self._context(transition, stages, signer)
        record = recorded_rightly(transition, stages, self.policy)
        if transition.kind in ("promote", "archive"):
            model = transition.model
            report = judge(self.policy, self.gates(model), context, self._task(model), self._tags(model))
        elif transition.kind == "rollback":
            report = judge_rollback(self.policy, context, former=self._held(transition))
        else:
            report = judge_other(self.policy, context)
        return Report((*record, *report.verdicts))

    def actor(self, by: str, signer: str | None) -> Actor:
        """Who acts: the signer of the record, else the forge's account, else the git e-mail."""
        if signer is not None:
            return Actor(signer, "signature")
        if self.circumstances.account is not None:
            return Actor(self.policy.person_of(FORGE, self.circumstances.account), "forge")
        return Actor(by, "git")

    def access(self, action: str, actor: Actor, model: str, stage: str | None = None) -> Verdict | None:
        """The verdict on an action that is no transition; None where the policy has no access rules."""
        if not self.policy.access:
            return None
        passed = self.policy.may(actor.person, action, model, stage)
        reason = "" if passed else f"no entry of the policy's access lets {actor.person or 'an unmapped account'} do it"
        return Verdict("access", passed, f"may {action} {model}", str(actor), reason)

    def gates(self, model: ModelName) -> tuple[Gate, ...]:
        """The base's; a model that is new brings none, so that it cannot weaken or fake any."""
        if not self.base.has_model(model):
            return self.policy.gates
        return self.base.gates(model, self.policy)

    def asked(self, model: ModelName, to: str | None) -> list[Gate]:
        """The gates that a version of the model has to meet to enter the stage."""
        return effective(self.gates(model), to, model, self._task(model), self._tags(model))

    def wanted(self, transition: Transition) -> dict[str, Any]:
        """What an approval of the transition must say."""
        model, to = transition.model, transition.to
        digest = gate_digest(self.policy.stage_settings.get(str(to), {}), self.asked(model, to))
        entry = sum(1 for earlier in self._transitions(model, transition.number) if earlier.to == to)
        return statement(self.workspace.settings.id, transition, digest, entry)

    def barred(self, transition: Transition, signer: str | None) -> dict[str, str]:
        """Four eyes: who may not approve it, and why. Whoever could be the author is taken for one."""
        version = transition.version
        author = {} if version is None else self.head.manifest(transition.model, version).body.get("author") or {}
        barred = {str(author.get("email")): "registered the version"}
        proposers = [transition.by, signer]
        # Who fills in a form on the forge proposes through a bot's account, and is named by the record's address.
        accounts = (self.circumstances.account, account_of(transition.by))
        proposers += [self.policy.person_of(FORGE, account) for account in accounts if account is not None]
        barred |= {person: "proposed the change" for person in proposers if person is not None}
        return {name: reason for person, reason in barred.items() for name in self.policy.also(person)} | barred

    def _context(self, transition: Transition, stages: Stages, signer: str | None) -> Context:
        model, version, to = transition.model, transition.version, transition.to
        if version is None:  # an alias is removed
            version = stages.aliases[next(iter(transition.aliases))]
        promotes = transition.kind in ("promote", "archive")
        holder = stages.answer(to) if to is not None and promotes else None
        if holder == version:
            holder = None
        circumstances = self.circumstances
        facts = Facts(
            artifact_level=self._level(transition, version),
            via=circumstances.via,
            now=circumstances.now,
            stage_since=self._since(transition) if promotes else None,
            reviews=circumstances.reviews,
            again=circumstances.again,
        )
        return Context(
            candidate=self._candidate(model, version),
            holder=None if holder is None else self._candidate(model, holder),
            transition=transition,
            facts=facts,
            primary_metric=self._about(model).get("primary_metric"),
            policy=self.policy,
            actor=self.actor(transition.by, signer),
            barred=self.barred(transition, signer) if promotes else {},
            wanted=self.wanted(transition) if promotes else {},
            model_tags=self._tags(model),
        )

    def _candidate(self, model: ModelName, version: Version) -> Candidate:
        return Candidate(
            self.head.manifest(model, version, check=True),
            version in self.head.withdrawn(model),
            self.statements.of(model, version),
        )

    def _level(self, transition: Transition, version: Version) -> Any:
        statements = self.statements.of(transition.model, version)
        asked = [g for g in self.gates(transition.model) if g.stage == transition.to]
        return artifact_level(
            self.workspace, self.head, asked, transition.model, version, statements, remote=self.circumstances.remote
        )

    def _since(self, transition: Transition) -> int | None:
        """Since when the version stands where it stands: the landing of the record that brought it there.

        Asked only where a gate wants it soaked. What the range itself brings has not landed: it stands since now.
        """
        asked = (g for g in self.gates(transition.model) if g.stage == transition.to)
        if not any("soak" in gate.require for gate in asked) or transition.version is None:
            return None
        entered = [
            earlier.number
            for earlier in self._transitions(transition.model, transition.number)
            if earlier.to == transition.from_ and earlier.version == transition.version
        ]
        if not entered or self.base.commit is None:
            return None
        path = self.workspace.layout.transition(transition.model, entered[-1])
        if self.base.tree.read(path) is None:
            return self.circumstances.now
        return self.workspace.repository.landed_at(self.base.commit, path)

    def _held(self, transition: Transition) -> bool:
        """Whether the version held the stage before."""
        earlier = self._transitions(transition.model, transition.number)
        return any(e.version == transition.version and e.to == transition.to for e in earlier)

    def _transitions(self, model: ModelName, before: int) -> list[Transition]:
        return [t for t in self.head.transitions(model) if t.number < before]

    def _about(self, model: ModelName) -> Mapping[str, Any]:
        """model.yaml as the base has it; of a new model, its own."""
        known = self.base.has_model(model)
        snapshot = self.base if known else self.head
        value: Mapping[str, Any] = snapshot.checked(snapshot.layout.model(model), "model").value
        return value

    def _task(self, model: ModelName) -> str:
        return str(self._about(model).get("task", "other"))

    def _tags(self, model: ModelName) -> Mapping[str, Any]:
        return self._about(model).get("tags") or {}
