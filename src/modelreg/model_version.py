"""One version as a Python object: what `Registry` gives for an address."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from modelreg.describing import SUFFIXES
from modelreg.domain.address import Address
from modelreg.domain.names import ModelName, parse_alias, parse_stage
from modelreg.domain.version import Version
from modelreg.errors import DeniedError
from modelreg.locating import one_state
from modelreg.registry import listing
from modelreg.registry.pull import Pulled, pull
from modelreg.services import export

if TYPE_CHECKING:
    from modelreg.domain.evidence import Evidence
    from modelreg.domain.manifest import Manifest
    from modelreg.registry.approvals import Standing
    from modelreg.registry.editing import Edited
    from modelreg.registry.policy_test import Tested
    from modelreg.registry.propose import Proposed
    from modelreg.registry.register import Registration
    from modelreg.registry.reproduce import Reproduction
    from modelreg.registry.stage import StageChange
    from modelreg.registry.stating import Stated
    from modelreg.registry.verify import Verification
    from modelreg.sdk import Registry


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version. `registration` tells what `register` did, on the object that it returned."""

    registry: Registry
    model: ModelName
    version: Version
    registration: Registration | None = None

    def __repr__(self) -> str:
        return f"<{self.model}@{self.version}>"

    @property
    def manifest(self) -> Manifest:
        """The manifest. Raises InvalidError where it is not as its schema wants it."""
        return self.registry._workspace.snapshot().manifest(self.model, self.version)

    @property
    def metrics(self) -> dict[str, float]:
        return {name: metric.value for name, metric in self.manifest.metrics.items()}

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.manifest.body.get("params") or {})

    @property
    def stage(self) -> str | None:
        """Where it stands; None when it is withdrawn."""
        stage: str | None = self.describe()["stage"]
        return stage

    @property
    def aliases(self) -> tuple[str, ...]:
        return self.registry._workspace.snapshot().stages(self.model).aliases_of(self.version)

    @property
    def description(self) -> str | None:
        text: str | None = self.describe()["annotations"].get("description")
        return text

    @property
    def tags(self) -> dict[str, str]:
        """Those of its registration, and over them those that were set since."""
        from modelreg.domain.card import annotated

        snapshot = self.registry._workspace.snapshot()
        body = snapshot.manifest(self.model, self.version).body
        return dict(annotated(body, snapshot.annotations(self.model, self.version)).get("tags") or {})

    def describe(self) -> dict[str, Any]:
        """What `modelreg show --json` prints."""
        return listing.show(self.registry._workspace.snapshot(), Address(self.model, version=self.version))

    def lineage(self, *, reverse: bool = False, depth: int | None = None) -> dict[str, Any]:
        """What `modelreg lineage --json` prints: what it was made of, or with `reverse` what was made of it.

        Nodes and edges; `depth` generations, all of them for None.
        """
        from modelreg.registry import lineage

        snapshot, address = self.registry._workspace.snapshot(), Address(self.model, version=self.version)
        find = lineage.reverse if reverse else lineage.lineage
        return find(snapshot, address, depth).to_mapping()

    def set_stage(
        self, stage: str, *, reason: str = "", key: str | Path | None = None, push: bool = False
    ) -> StageChange:
        """As `modelreg stage set`; `key` is the file of an SSH key that signs the record. Raises GateDeniedError with
        every verdict."""
        from modelreg.registry.stage import set_stage

        return set_stage(
            self.registry._workspace,
            self.model,
            self.version,
            parse_stage(stage),
            reason=reason,
            key=key_file(key),
            push=push,
        )

    def set_alias(self, alias: str, *, reason: str = "", push: bool = False) -> StageChange:
        """Point an alias at it, as `modelreg alias set`; `RegisteredModel.remove_alias` removes one. Raises DeniedError
        where the policy asks for a stage that it is not in, GateDeniedError."""
        from modelreg.registry.stage import set_alias

        workspace, label = self.registry._workspace, parse_alias(alias)
        return set_alias(workspace, self.model, label, self.version, reason=reason, push=push)

    def propose(
        self,
        stage: str,
        *,
        reason: str = "",
        refresh: bool = False,
        key: str | Path | None = None,
        push: bool = False,
    ) -> Proposed:
        """A branch with the record, for a pull request, as `modelreg propose`; `refresh` makes an open one again. It
        says `branch`, `title` and `body` of the pull request, which is not opened here. Raises GateDeniedError for what
        can never land."""
        from modelreg.registry.moving import Wish
        from modelreg.registry.propose import propose

        workspace = self.registry._workspace
        by = workspace.repository.identity().email
        wish = Wish(self.model, self.version, parse_stage(stage), by, reason, key=key_file(key))
        return propose(workspace, wish, refresh=refresh, push=push)

    def test_policy(self, stage: str) -> Tested:
        """What it would have to meet to enter a stage, and what of it it meets (`met`), as `modelreg policy test`."""
        from modelreg.registry.policy_test import try_policy

        workspace = self.registry._workspace
        return try_policy(workspace, workspace.snapshot(), self.model, self.version, parse_stage(stage))

    def annotate(
        self,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        untag: Collection[str] = (),
        push: bool = False,
    ) -> Edited:
        """As `RegisteredModel.annotate`, of one version; tags of its registration can be set anew, not removed."""
        from modelreg.registry.editing import annotate, changing

        change = changing(description=description, tags=tags, untag=untag)
        return annotate(self.registry._workspace, self.model, self.version, change, push=push)

    def evidence(self) -> tuple[Evidence, ...]:
        """What counts as evidence of it on the protected branch, oldest first, as `modelreg evidence list`."""
        from modelreg.registry.evidence import list_evidence

        return list_evidence(self.registry._workspace, self.model, self.version)

    def add_evidence(
        self, type_: str, fields: Mapping[str, Any], *, key: str | Path | None = None, push: bool = False
    ) -> Stated:
        """State something about it, as `modelreg evidence add --file`: a type and the type's own fields. Raises
        UsageError for another type, InvalidError, GateDeniedError where the policy forbids it."""
        from modelreg.registry.evidence import Content, add_evidence

        workspace, said = self.registry._workspace, Content(type_, fields)
        return add_evidence(workspace, self.model, self.version, said, key=key_file(key), push=push)

    def approvals(self) -> tuple[Standing, ...]:
        """Its approvals, on the protected branch and on open proposals: which count, and why others do not; as
        `modelreg approval list`."""
        from modelreg.registry.approvals import list_approvals

        return list_approvals(self.registry._workspace, self.model, self.version)

    def verify(self, *, content: bool = False, offline: bool = False, strict: bool = False) -> Verification:
        """As `modelreg verify MODEL@VERSION`; options as of `Registry.verify`."""
        from modelreg.registry.verify import verify

        workspace, options = self.registry._workspace, {"content": content, "offline": offline, "strict": strict}
        return verify(workspace, self.model, self.version, **options)

    def withdraw(self, reason: str, *, push: bool = False) -> None:
        """As `modelreg withdraw`."""
        from modelreg.registry.withdraw import withdraw

        withdraw(self.registry._workspace, self.model, self.version, reason=reason, push=push)

    def export(self, kind: str) -> str:
        """As `modelreg export`: `ml-bom` (CycloneDX, JSON), `model-card` (Markdown) or `provenance` (in-toto, JSON).
        Raises UsageError for another kind, UnavailableError where a library for it is not installed."""
        return export(self.registry._workspace, kind, Address(self.model, version=self.version))

    def reproduce(
        self,
        *,
        command: str | None = None,
        env: Literal["fresh", "current"] = "fresh",
        upstream: bool = False,
        tolerance: float | None = None,
        time_limit: float | None = None,
        pass_env: Sequence[str] = (),
        keep: str | Path | None = None,
    ) -> Reproduction:
        """As `modelreg reproduce --yes`: make it again in a throwaway clone, and compare. **This runs the code of the
        recorded commit as you** (docs/reproduce.md).

        `time_limit` is in minutes, `keep` a folder that is not there yet. `ok` of the answer says whether it came out
        the same, `to_mapping` is what `--json` prints; nothing is recorded. Raises UsageError, DeniedError where it can
        be done nowhere, UnavailableError where not here, IntegrityError where the record does not hold.
        """
        from modelreg.registry.reproduce import Options, perform, prepare
        from modelreg.services import open_sandbox, predictions_apart

        options = Options.checked(env, tolerance, time_limit, command=command, upstream=upstream, pass_env=pass_env)
        workspace = self.registry._workspace
        prepared = prepare(workspace, Address(self.model, version=self.version), options)
        folder = None if keep is None else Path(keep)
        sandbox = open_sandbox(workspace, prepared.code.commit, prepared.code.records, folder)
        return perform(workspace, prepared, sandbox, predictions_apart)

    def pull(self, target: str | Path) -> Pulled:
        """All artifacts, checked, into a folder. Raises as `modelreg.registry.pull.pull`."""
        return pull(self.registry._workspace, Address(self.model, version=self.version), Path(target))

    def load(self, *, trusted: Sequence[str] = (), allow_pickle: bool = False) -> Any:
        """The model, from checked bytes: a scikit-learn estimator; of ONNX an `onnxruntime.InferenceSession`; of
        safetensors NumPy arrays by name, those of all shards.

        Types outside scikit-learn, NumPy and SciPy must be named in `trusted`; pickle and joblib run code when they
        are loaded and need `allow_pickle=True`. Raises DeniedError otherwise, and for formats that are not loaded
        here; UnavailableError without the format's extra.
        """
        with one_state(self.registry._workspace):
            return self._loaded(trusted, allow_pickle=allow_pickle)

    def _loaded(self, trusted: Sequence[str], *, allow_pickle: bool) -> Any:
        from modelreg.integrations import formats, sklearn

        primary = self.manifest.primary
        kind = next((known for known in SUFFIXES if known == primary.format), None)
        if kind is None and primary.format not in formats.LOADABLE:
            raise DeniedError(
                f"{primary.path} is {primary.format}, which the SDK does not load",
                hint=f"modelreg pull {self.model}@{self.version}, and load it with its own framework",
            )
        with TemporaryDirectory(prefix="modelreg-") as folder:
            address = Address(self.model, version=self.version)
            roles = () if kind is None else ("model",)  # weights may stand in files beside the model's own
            pulled = pull(self.registry._workspace, address, Path(folder) / "model", roles=roles)
            path = pulled.path / primary.path
            if kind is None:
                return formats.load(path, primary.format)
            return sklearn.load(path, kind, trusted=trusted, allow_pickle=allow_pickle)


def key_file(named: str | Path | None) -> Path | None:
    """The file of a key that signs, private or public, as `--key` takes it."""
    return None if named is None else Path(named).expanduser()
