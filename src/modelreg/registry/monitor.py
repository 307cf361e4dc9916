"""Live metrics against the policy's `rollback_when`: a breach is put on record and the holder rolled back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.domain.clock import seconds
from modelreg.domain.context import Actor
from modelreg.domain.evidence import of_type
from modelreg.domain.lifecycle import check_stage
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.policy import LiveRule
from modelreg.domain.rules import RuleError, evaluate, judge_rules, variables
from modelreg.domain.verdict import Report
from modelreg.domain.version import Version
from modelreg.errors import ConflictError, DeniedError, GateDeniedError, NotFoundError, UnavailableError
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.moving import Wish
from modelreg.registry.propose import Proposed
from modelreg.registry.rollback import roll_back, whom
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import StageChange
from modelreg.registry.stating import common, rendered, signed, statement_plan
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule says of the live metrics. `broken` None: it cannot be evaluated, and `told` says why."""

    rule: LiveRule
    broken: bool | None
    told: str


@dataclass(frozen=True, slots=True)
class Monitored:
    """What came of it. `breach` is the first rule that holds, None where none does: then nothing was written.

    `evidence` is the path of the statement that records the breach. `rolled_back_to` is None where there is nobody to
    bring back; `change` is what was done about it. `commit` is what landed; None for a proposal.
    """

    model: ModelName
    version: Version
    stage: Stage
    answers: tuple[Answer, ...]
    breach: LiveRule | None = None
    rolled_back_to: Version | None = None
    change: StageChange | Proposed | None = None
    evidence: str | None = None
    commit: CommitId | None = None


def monitor(
    workspace: Workspace,
    model: ModelName,
    stage: Stage,
    metrics: Mapping[str, Mapping[str, Any]],
    *,
    of: Version | None = None,
    key: Path | str | None = None,
    push: bool = False,
) -> Monitored:
    """Ask every `rollback_when` rule of the stage; where one holds, record it and roll back, or propose to.

    `metrics` as a manifest writes them, measured of version `of`: where another one serves by now, they say nothing of
    it (ConflictError). Raises NotFoundError where nothing is watched or nobody serves,
    UnavailableError where no rule holds and one cannot be evaluated, GateDeniedError where the rollback may not be.
    """
    snapshot = workspace.snapshot()
    version = _serving(snapshot, model, stage)
    if of is not None and of != version:
        raise ConflictError(
            f"{version} is in {stage} of {model}, and the metrics are of {of}", hint="measure what serves now"
        )
    answers = tuple(_ask(snapshot, model, version, rule, metrics) for rule in _rules(snapshot, stage))
    broken = next((answer for answer in answers if answer.broken), None)
    if broken is None:
        if unknown := [answer for answer in answers if answer.broken is None]:
            told = "; ".join(f"{answer.rule.name}: {answer.told}" for answer in unknown)
            raise UnavailableError(
                f"{model}@{version} in {stage} was not judged: {told}",
                hint="measure what the rules read: nothing was written, and it neither passes nor is rolled back",
            )
        return Monitored(model, version, stage, answers)
    breach = _Breach(workspace, model, version, stage, metrics, broken, key)
    try:
        back = whom(snapshot, model, stage)
    except DeniedError:
        commit = breach.record(push=push)
        return Monitored(model, version, stage, answers, broken.rule, evidence=breach.path, commit=commit)
    _, change = roll_back(workspace, model, stage, back, cause=breach.cause, key=key, push=push, beside=breach.beside)
    commit = change.commit if isinstance(change, StageChange) else None
    return Monitored(model, version, stage, answers, broken.rule, back, change, breach.path, commit)


def _serving(snapshot: Snapshot, model: ModelName, stage: Stage) -> Version:
    snapshot.require_model(model)
    check_stage(snapshot.policy(check=True), stage)
    version = snapshot.stages(model).answer(stage)
    if version is None:
        raise NotFoundError(f"no version of {model} is in {stage}", hint=f"modelreg stage list {model}")
    return version


def _rules(snapshot: Snapshot, stage: Stage) -> list[LiveRule]:
    rules = [rule for rule in snapshot.policy().rollback_when if rule.stage == stage]
    if not rules:
        hint = "add one to policy.yaml: rollback_when: [{stage: …, name: …, expr: live.metrics.accuracy < 0.8}]"
        raise NotFoundError(f"the policy has no rollback_when rule for {stage}: nothing is watched", hint=hint)
    return rules


def _ask(
    snapshot: Snapshot, model: ModelName, version: Version, rule: LiveRule, metrics: Mapping[str, Mapping[str, Any]]
) -> Answer:
    """`metrics` and `champion` of a rule are both what is recorded of the version that serves."""
    manifest = snapshot.manifest(model, version, check=True)
    live = {"metrics": {name: entry["value"] for name, entry in metrics.items()}}
    known = variables(manifest, manifest, snapshot.model(model).value.get("tags") or {}, live)
    values = next(iter(judge_rules([{"name": rule.name, "expr": rule.expr}], known))).actual
    try:
        return Answer(rule, evaluate(rule.expr, known), values)
    except RuleError as error:
        return Answer(rule, None, str(error))


class _Breach:
    """The statement that a rule holds of a version that serves, beside the rollback or alone."""

    def __init__(
        self,
        workspace: Workspace,
        model: ModelName,
        version: Version,
        stage: Stage,
        metrics: Mapping[str, Mapping[str, Any]],
        answer: Answer,
        key: Path | str | None,
    ) -> None:
        self.workspace = workspace
        self.model = model
        self.version = version
        self.stage = stage
        self.metrics = metrics
        self.rule = answer.rule
        self.key = key
        self.cause = f"live metrics meet {answer.rule.name} ({answer.rule.expr}): {answer.told}"[:2000]
        self.by = workspace.repository.identity().email
        self.path: str | None = None

    def beside(self, snapshot: Snapshot, wish: Wish) -> dict[str, bytes]:
        """The statement's files. Raises ConflictError where another version serves by now, or `wish` brings it."""
        if snapshot.stages(self.model).answer(self.stage) != self.version or wish.version == self.version:
            raise ConflictError(
                f"another version of {self.model} serves in {self.stage} by now", hint="monitor it anew"
            )
        return self._files(snapshot)

    def record(self, *, push: bool) -> CommitId | None:
        """Land the statement alone; None where this breach is on record since the version entered the stage."""

        def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
            self.path = self._known(snapshot)
            if self.path is not None:
                return None
            files = self._files(snapshot)
            title = f"Record a breach by {self.model} {self.version} in {self.stage}"
            now = self.workspace.clock()
            return statement_plan(self.workspace, None, base, files, self.model, self.version, title, now, self.cause)

        _, landed = land(self.workspace, plan, push=push, dry_run=False)
        return landed.commit if landed else None

    def _files(self, snapshot: Snapshot) -> dict[str, bytes]:
        workspace, judge = self.workspace, self._judge(snapshot)
        self._check_access(judge)
        own = common(workspace, snapshot, self.model, self.version, "monitoring", self.by, judge.circumstances.now)
        body = own | {"stage": self.stage, "metrics": dict(self.metrics), "breach": self.rule.name}
        self.path, data = rendered(workspace, self.model, self.version, body)
        files = {self.path: data}
        if self.key is not None:
            files[f"{self.path}.sig"] = signed(workspace, judge.statements, self.path, data, self.by, self.key)
        return files

    def _check_access(self, judge: Judge) -> None:
        verdict = judge.access("evidence", Actor(self.by, "git" if self.key is None else "signature"), self.model)
        if verdict is not None and not verdict.passed:
            report = Report((verdict,)).to_mapping()
            raise GateDeniedError(f"{self.by} may not add evidence of {self.model}: {verdict.reason}", report)

    def _known(self, snapshot: Snapshot) -> str | None:
        """The statement of this rule that was made since the version entered the stage."""
        entered = [
            transition.at
            for transition in snapshot.transitions(self.model)
            if (transition.version, transition.to) == (self.version, self.stage)
        ]
        since = seconds(entered[-1]) if entered else None
        for item in of_type(self._judge(snapshot).statements.of(self.model, self.version), "monitoring"):
            said = seconds(str(item.body["at"]))
            same = (item.body.get("breach"), item.body["stage"]) == (self.rule.name, self.stage)
            if same and said is not None and (since is None or said >= since):
                return item.path
        return None

    def _judge(self, snapshot: Snapshot) -> Judge:
        return Judge(self.workspace, snapshot, snapshot, Circumstances(self.workspace.clock()))
