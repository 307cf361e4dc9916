"""One model as a Python object: what `Registry` gives for a name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelreg.domain.address import Address
from modelreg.domain.names import ModelName, parse_alias, parse_stage
from modelreg.domain.version import Version
from modelreg.model_version import ModelVersion, key_file
from modelreg.registry.resolve import latest, resolve

if TYPE_CHECKING:
    from modelreg.registry.editing import Edited
    from modelreg.registry.history import Event
    from modelreg.registry.monitor import Monitored
    from modelreg.registry.promote import Promotion
    from modelreg.registry.proposals import Proposal
    from modelreg.registry.propose import Proposed
    from modelreg.registry.snapshot import Snapshot
    from modelreg.registry.stage import StageChange
    from modelreg.registry.verify import Verification
    from modelreg.sdk import Registry


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """One model of a registry. What changes it is one commit each, and raises DeniedError or GateDeniedError where the
    policy does not allow it; `key` is the file of an SSH key that signs the record; with `push` the commit goes to
    origin in the same step, or nothing changes."""

    registry: Registry
    name: ModelName

    def __getitem__(self, version: str) -> ModelVersion:
        """`model["1.2.0"]`. Raises NotFoundError, InvalidError."""
        parsed = Version.parse(version)
        self._now().manifest(self.name, parsed)
        return ModelVersion(self.registry, self.name, parsed)

    def versions(self) -> list[ModelVersion]:
        """All versions, oldest first, withdrawn ones too."""
        return [ModelVersion(self.registry, self.name, version) for version in self._now().versions(self.name)]

    def latest(self) -> ModelVersion:
        """The highest version in good standing. Raises NotFoundError."""
        return ModelVersion(self.registry, self.name, latest(self._now(), self.name))

    def stage(self, stage: str) -> ModelVersion:
        """The version that answers for a stage. Raises NotFoundError where it is empty."""
        return self._at(Address(self.name, stage=parse_stage(stage)))

    def alias(self, alias: str) -> ModelVersion:
        """The version that an alias names. Raises NotFoundError."""
        return self._at(Address(self.name, alias=parse_alias(alias)))

    def stages(self) -> dict[str, list[str]]:
        """Who stands where: the versions in each stage of the policy, the last of a list answers; as `modelreg stage
        list`."""
        stages: dict[str, list[str]] = self._standing()["stages"]
        return stages

    def aliases(self) -> dict[str, str]:
        """The version that each alias names."""
        aliases: dict[str, str] = self._standing()["aliases"]
        return aliases

    def describe(self) -> dict[str, Any]:
        """What model.yaml says: task, owners, description, tags, primary metric, gates of its own and more."""
        return {key: value for key, value in self._now().model(self.name).value.items() if key != "format"}

    @property
    def description(self) -> str | None:
        text: str | None = self.describe().get("description")
        return text

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.describe().get("tags") or {})

    def history(self) -> list[Event]:
        """What happened to it, oldest first, as `modelreg history MODEL`. Raises UnavailableError in a shallow
        clone."""
        from modelreg.registry.history import history

        return history(self.registry._workspace, self.name, index=self.registry._known())

    def proposals(self) -> tuple[Proposal, ...]:
        """Its open proposals, as `modelreg proposals MODEL`."""
        from modelreg.registry.proposals import open_proposals

        return open_proposals(self.registry._workspace, self.name)

    def verify(self, *, content: bool = False, offline: bool = False, strict: bool = False) -> Verification:
        """As `modelreg verify MODEL`; options as of `Registry.verify`."""
        from modelreg.registry.verify import verify

        return verify(self.registry._workspace, self.name, content=content, offline=offline, strict=strict)

    def remove_alias(self, alias: str, *, reason: str = "", push: bool = False) -> StageChange:
        """As `modelreg alias remove`. Raises NotFoundError for an alias that there is not."""
        from modelreg.registry.stage import set_alias

        return set_alias(self.registry._workspace, self.name, parse_alias(alias), None, reason=reason, push=push)

    def promote(
        self,
        to: str,
        *,
        propose: bool = False,
        reason: str = "",
        key: str | Path | None = None,
        push: bool = False,
    ) -> Promotion:
        """Promote the newest version whose gate is met, as `modelreg promote --auto`; proposed where that is asked for
        or the policy wants it. `version` is None where none is met, `considered` says why."""
        from modelreg.registry.promote import promote

        workspace, stage = self.registry._workspace, parse_stage(to)
        return promote(workspace, self.name, stage, proposed=propose, reason=reason, key=key_file(key), push=push)

    def rollback(
        self,
        stage: str = "production",
        *,
        cause: str,
        to: str | None = None,
        reason: str = "",
        propose: bool = False,
        key: str | Path | None = None,
        push: bool = False,
    ) -> StageChange | Proposed:
        """Bring back the last former holder of a stage, or `to`, as `modelreg rollback`; a proposal where that is asked
        for or the policy wants it. Raises DeniedError where there is nobody to bring back."""
        from modelreg.registry.rollback import roll_back

        _, done = roll_back(
            self.registry._workspace,
            self.name,
            parse_stage(stage),
            None if to is None else Version.parse(to),
            cause=cause,
            reason=reason,
            proposed=propose,
            key=key_file(key),
            push=push,
        )
        return done

    def monitor(
        self,
        metrics: Mapping[str, Any],
        *,
        stage: str = "production",
        of: str | None = None,
        key: str | Path | None = None,
        push: bool = False,
    ) -> Monitored:
        """Ask the policy's rollback_when rules of live metrics, measured of version `of`, as `modelreg monitor`: a
        breach is recorded and rolled back, or proposed; else nothing is written. Raises InvalidError for what is no
        finite number, UnavailableError where a rule cannot be evaluated, ConflictError where another version serves."""
        from modelreg.registry.monitor import monitor
        from modelreg.registry.register import parse_metrics

        return monitor(
            self.registry._workspace,
            self.name,
            parse_stage(stage),
            parse_metrics(metrics),
            of=None if of is None else Version.parse(of),
            key=key_file(key),
            push=push,
        )

    def annotate(
        self,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        untag: Collection[str] = (),
        display_name: str | None = None,
        push: bool = False,
    ) -> Edited:
        """Change what may change, as `modelreg annotate MODEL`: `tags` are set, those named in `untag` removed; an
        empty text removes what stood there. Raises UsageError where nothing is to change, InvalidError."""
        from modelreg.registry.editing import changing, edit_model

        change = changing(description=description, tags=tags, untag=untag, display_name=display_name)
        return edit_model(self.registry._workspace, self.name, change, push=push)

    def retire(self, reason: str, *, push: bool = False) -> Edited:
        """Take the model out of service for ever, as `modelreg retire`: all of its versions are withdrawn, in one
        commit. Twice is no error, and lands nothing."""
        from modelreg.registry.editing import retire

        return retire(self.registry._workspace, self.name, reason=reason, push=push)

    def _now(self) -> Snapshot:
        return self.registry._workspace.snapshot()

    def _standing(self) -> dict[str, Any]:
        from modelreg.registry.listing import stage_list

        return stage_list(self._now(), self.name)

    def _at(self, address: Address) -> ModelVersion:
        return ModelVersion(self.registry, self.name, resolve(self._now(), address))
