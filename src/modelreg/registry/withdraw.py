"""Withdrawal: a tombstone for a version that must not be served any more. Nothing is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelreg.domain import lifecycle
from modelreg.domain.clock import stamp
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import GateDeniedError
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import record_plan
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, manifest_sha256, next_number, paths_of, render, transition_files


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What came of it. `commit` is None for a dry run, or where the version was withdrawn already (`existing`)."""

    model: ModelName
    version: Version
    commit: CommitId | None
    existing: bool
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """One version to be taken out of service, as transition `number`; `at` is in epoch seconds (UTC)."""

    model: ModelName
    version: Version
    number: int
    by: str
    at: int
    reason: str

    def files(
        self, workspace: Workspace, snapshot: Snapshot, stages: Stages, *, dry_run: bool
    ) -> tuple[Transition, dict[str, bytes]]:
        """The record on `stages`, judged, and what is written: record, stages.yaml, tombstone. Raises GateDeniedError,
        but for a dry run."""
        layout, policy, model, version = workspace.layout, snapshot.policy(check=True), self.model, self.version
        digest = manifest_sha256(snapshot, layout.manifest(model, version))
        facts: dict[str, Any] = {
            "manifest_sha256": digest,
            "by": self.by,
            "at": stamp(self.at),
            "reason": self.reason,
        }
        transition = lifecycle.withdraw(stages, policy, model=model, version=version, number=self.number, **facts)
        report = Judge(workspace, snapshot, snapshot, Circumstances(self.at)).judge(transition, stages)
        if not report.allowed and not dry_run:
            failures = "; ".join(verdict.reason for verdict in report.failures)
            raise GateDeniedError(f"{model}@{version} may not be withdrawn: {failures}", report.to_mapping())
        path = layout.withdrawn(model, version)
        tombstone = {"format": 1, "model": model, "version": str(version)} | facts
        written = render(workspace.documents, layout, path, "withdrawn", tombstone)
        return transition, transition_files(workspace, policy, stages, transition) | {path: written}


def withdraw(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    *,
    reason: str,
    push: bool = False,
    dry_run: bool = False,
) -> Withdrawal:
    """Take a version out of service: it leaves every stage and alias, and a tombstone says why.

    Raises NotFoundError for an unknown version. Withdrawing twice is no error and lands nothing.
    """
    by = workspace.repository.identity().email
    existing: list[bool] = [False]

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        snapshot.manifest(model, version)
        existing[0] = version in snapshot.withdrawn(model)
        if existing[0]:
            return None
        at, policy = workspace.clock(), snapshot.policy(check=True)
        out = Withdrawing(model, version, next_number(snapshot, model), by, at, reason)
        transition, files = out.files(workspace, snapshot, snapshot.stages(model), dry_run=dry_run)
        return record_plan(workspace, base, policy, transition, files, at, f"Withdraw {model} {version}")

    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    commit = landed.commit if landed else None
    return Withdrawal(model, version, commit, existing[0], tuple(paths_of(planned)))
