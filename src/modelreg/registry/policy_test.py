"""`policy test`: what a version would have to meet to enter a stage, and what of it it meets. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.names import ModelName, Stage
from modelreg.domain.verdict import Report
from modelreg.domain.version import Version
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.moving import Wish, draft
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Tested:
    """`demanded` are the requirements of all gates that match, each with the file that asks; `report` is the judge's.

    `stands_there` where the version is in the stage already: nothing is asked then.
    """

    model: ModelName
    version: Version
    from_: Stage
    to: Stage
    demanded: tuple[Mapping[str, Any], ...]
    report: Report
    stands_there: bool = False

    @property
    def met(self) -> bool:
        return self.stands_there or self.report.allowed

    def to_mapping(self) -> dict[str, Any]:
        """The shape of schemas/output/policy-test.v1.json."""
        verdicts = [verdict.to_mapping() for verdict in self.report.verdicts]
        return {
            "model": self.model,
            "version": str(self.version),
            "from": self.from_,
            "to": self.to,
            "met": self.met,
            "demanded": [dict(demand) for demand in self.demanded],
            "fulfilled": [verdict for verdict in verdicts if verdict["passed"]],
            "missing": [verdict for verdict in verdicts if not verdict["passed"]],
        }


def try_policy(workspace: Workspace, snapshot: Snapshot, model: ModelName, version: Version, to: Stage) -> Tested:
    """Judge the move as it would be made in the way that the stage is entered. Raises NotFoundError."""
    policy = snapshot.policy(check=True)
    rule = policy.stages.get(to)
    proposed = rule is not None and rule.via == "pull-request"
    circumstances = Circumstances(workspace.clock(), via="pull-request" if proposed else "direct")
    by = workspace.repository.identity().email
    drafted = draft(workspace, snapshot, Wish(model, version, to, by), circumstances)
    judge = Judge(workspace, snapshot, snapshot, circumstances)
    demanded = tuple({"origin": gate.origin, "require": dict(gate.require)} for gate in judge.asked(model, to))
    stands = drafted.stages.stage_of(version, policy.initial)
    return Tested(model, version, stands, to, demanded, drafted.report, drafted.transition is None)
