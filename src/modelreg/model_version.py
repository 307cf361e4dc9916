"""One version as a Python object: what `Registry` gives for an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from modelreg.describing import SUFFIXES
from modelreg.domain.address import Address
from modelreg.domain.names import ModelName, Stage, parse_stage
from modelreg.domain.version import Version
from modelreg.errors import DeniedError
from modelreg.locating import one_state
from modelreg.registry import listing
from modelreg.registry.pull import Pulled, pull
from modelreg.services import export

if TYPE_CHECKING:
    from modelreg.domain.manifest import Manifest
    from modelreg.registry.register import Registration
    from modelreg.registry.reproduce import Reproduction
    from modelreg.registry.stage import StageChange
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

    def set_stage(self, stage: str, *, reason: str = "", push: bool = False) -> StageChange:
        """As `modelreg stage set`. Raises GateDeniedError with every verdict."""
        from modelreg.registry.stage import set_stage

        return set_stage(
            self.registry._workspace,
            self.model,
            self.version,
            Stage(parse_stage(stage)),
            reason=reason,
            push=push,
        )

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
