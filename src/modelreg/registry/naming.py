"""Aliases as records, by the same rules whether they land alone or in one commit with the version that they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelreg.domain.clock import stamp
from modelreg.domain.lifecycle import name_alias
from modelreg.domain.names import Alias, ModelName
from modelreg.domain.plan import CommitId
from modelreg.domain.policy import Policy
from modelreg.domain.stages import apply
from modelreg.domain.tags import Moved, Step
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, GateDeniedError
from modelreg.registry.carried import Planned
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import manifest_sha256, next_number, transition_files


@dataclass(frozen=True, slots=True)
class Named:
    """Records of aliases in their order, and the files that bring them; none where all is as it should be."""

    policy: Policy
    at: int
    transitions: tuple[Transition, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    def steps(self, commit: CommitId) -> list[Step]:
        """What is announced of them when they land in `commit`."""
        policy = self.policy
        return [Moved(made, commit, self.at, policy.announced, policy.initial) for made in self.transitions]

    @property
    def trailers(self) -> dict[str, str]:
        """What the commit says of the records, for people."""
        numbers = ", ".join(str(made.number) for made in self.transitions)
        return {"Modelreg-Transition": numbers} if numbers else {}


def named(
    workspace: Workspace,
    base: Snapshot,
    model: ModelName,
    aliases: Sequence[Alias],
    version: Version | None,
    *,
    by: str,
    at: int,
    reason: str = "",
    dry_run: bool = False,
    brought: Mapping[str, bytes] | None = None,
) -> Named:
    """The records that point aliases at a version, or (None) remove them; one that names it already needs none.

    `brought` are the files of a registration that lands in the same commit. Raises NotFoundError for an unknown version
    or alias, DeniedError for a version that is withdrawn or in another stage than the policy asks for, GateDeniedError
    where the actor may not (but for `dry_run`).
    """
    layout, policy = workspace.layout, base.policy(check=True)
    head = base if brought is None else Snapshot(Planned(base.tree, brought), workspace.documents, layout)
    stages = head.stages(model)
    wanted = [a for a in dict.fromkeys(aliases) if version is None or stages.aliases.get(a) != version]
    digest = None
    if version is not None and wanted:
        head.manifest(model, version, check=True)
        if version in head.withdrawn(model):
            raise DeniedError(f"{model}@{version} is withdrawn", hint="name a version in good standing")
        digest = manifest_sha256(head, layout.manifest(model, version))
    judge = Judge(workspace, base, head, Circumstances(at))
    made: list[Transition] = []
    files: dict[str, bytes] = {}
    for number, alias in enumerate(wanted, next_number(base, model)):
        transition = name_alias(
            stages, policy, model=model, alias=alias, version=version, manifest_sha256=digest, number=number, by=by,
            at=stamp(at), reason=reason,
        )  # fmt: skip
        report = judge.judge(transition, stages)
        if not report.allowed and not dry_run:
            failures = "; ".join(verdict.reason for verdict in report.failures)
            raise GateDeniedError(f"alias {alias} of {model} may not be changed: {failures}", report.to_mapping())
        files |= transition_files(workspace, policy, stages, transition)
        stages = apply(stages, transition, policy.initial)
        made.append(transition)
    return Named(policy, at, tuple(made), files)


def check_free(policy: Policy, aliases: Sequence[Alias], by: str, model: ModelName) -> None:
    """What can be told before a new version's artifacts go anywhere. Raises DeniedError for an alias that requires a
    stage, since a new version is in the initial one, and for a person who may not set any."""
    for alias in aliases:
        if required := policy.alias_requires.get(alias):
            raise DeniedError(
                f"alias {alias} requires stage {required}, and a new version is in {policy.initial}",
                hint=f"register it without the alias, then modelreg stage set {model} VERSION {required}",
            )
    if aliases and not policy.may(by, "alias", model, None):
        raise DeniedError(
            f"no entry of the policy's access lets {by} set an alias of {model}",
            hint="policy.yaml says under access who may; git config user.email says who you are",
        )
