"""The block around code that trains: what goes into a version is recorded on the way, the version registered at the
end. Where the block raises, nothing is registered and nothing stays behind."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from modelreg import describing
from modelreg.capture import Capture
from modelreg.domain.version import Bump
from modelreg.errors import InvalidError, NotFoundError, UsageError
from modelreg.registry.register import parse_metrics
from modelreg.registry.request import Request, Source

if TYPE_CHECKING:
    from modelreg.describing import Kind
    from modelreg.model_version import ModelVersion

_Path = TypeVar("_Path", str, Path)

DEFAULT_BUMP: Bump | None = "auto"
"""How a training block numbers its version where it is not told."""

_MAX_SEED = 2**32 - 1
"""NumPy takes no larger one."""


class Land(Protocol):
    """Registers what was logged."""

    def __call__(self, request: Request, capture: Capture, folder: Path, *, own: bool) -> ModelVersion: ...


class Training:
    """One run of a training, as `Registry.training` gives it; made for `with`.

    The state of the code is that at the block's entry, since training may change files. Every method raises
    UsageError outside of the block. At its end InvalidError is raised where data changed after it was logged, or a
    metric names data that was not; UsageError where there is nothing to register; else what `Registry.register`
    raises: nothing is changed then.
    """

    def __init__(
        self,
        plan: Request,
        land: Land,
        *,
        features: Sequence[str | Mapping[str, Any]] = (),
        entry_point: str | None = None,
    ) -> None:
        self._plan = plan
        self._land = land
        self._features = features
        self._entry_point = entry_point
        self._state: _State | None = None
        self._version: ModelVersion | None = None
        self._over = False

    def __enter__(self) -> Self:
        if self._state is not None or self._over:
            raise UsageError("a training block is entered once", hint="Registry.training(…) gives a new one")
        capture = Capture.of_script(self._entry_point)
        capture.code()  # what training changes is not to be seen
        self._state = _State(capture)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state, self._state, self._over = self._running, None, True
        with state.folder as folder:
            if error is None:
                self._version = self._register(state, Path(folder))

    @property
    def version(self) -> ModelVersion:
        """The registered version. Raises UsageError before the block's end, and where it raised."""
        if self._version is None:
            raise UsageError("nothing is registered yet", hint="a training block registers at its end")
        return self._version

    def log_data(
        self, path: _Path, *, name: str | None = None, role: str = "train", source: str | None = None
    ) -> _Path:
        """Record a data set, a file or a folder, as it is now; gives the path back, so that it can be read from.

        `name` is that of the file unless it is given; `role` train, validation, test, reference or other; `source`
        where it came from. Raises NotFoundError, InvalidError for what cannot be read.
        """
        capture = self._running.capture
        called = capture.add_data(Path(path), name=name, role=role)
        if source is not None:
            capture.add_sources({called: source})
        return path

    def seed(self, number: int) -> None:
        """Seed `random`, and NumPy where it is imported; recorded. 0 to 2**32 - 1."""
        import random

        capture = self._running.capture
        if type(number) is not int or not 0 <= number <= _MAX_SEED:
            raise InvalidError(f"the seed must be a whole number from 0 to {_MAX_SEED}", hint="run.seed(7)")
        random.seed(number)
        capture.seeds["python"] = number
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.random.seed(number)
            capture.seeds["numpy"] = number

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters: plain values, lists and mappings of them; they add to those of the estimator.

        Raises InvalidError for others, and for numbers that are not finite.
        """
        from modelreg.integrations.sklearn import _NOT_PLAIN, _plain

        logged = self._running.params
        for name, value in params.items():
            if (plain := _plain(value)) is _NOT_PLAIN:
                hint = "log a number, a text, true or false, or lists and mappings of them"
                raise InvalidError(f"is no plain value, but {type(value).__name__}", field=f"params.{name}", hint=hint)
            logged[str(name)] = plain

    def log_metrics(
        self,
        metrics: Mapping[str, Any],
        *,
        dataset: str | None = None,
        split: str | None = None,
        n: int | None = None,
        slice: str | None = None,  # noqa: A002 - the manifest's word
    ) -> None:
        """Record measured values: finite numbers, or mappings with a `value`. Of one name the last counts.

        `dataset` names logged data, `split` a part of it, `slice` a condition on its rows, `n` how many were measured.
        Raises InvalidError for what is no finite number, and for a name that was logged on something else.
        """
        logged = self._running.metrics
        given = {"dataset": dataset, "split": split, "slice": slice, "n": n}
        on = {key: value for key, value in given.items() if value is not None}
        for name, entry in parse_metrics(metrics).items():
            new = on | entry
            old = logged.get(name, new)
            if any(old.get(key) != new.get(key) for key in ("dataset", "split", "slice")):
                hint = f"log it by another name, as in {split or 'other'}_{name}"
                raise InvalidError("is logged already, measured on something else", field=f"metrics.{name}", hint=hint)
            logged[name] = {"value": new.pop("value"), "direction": new.pop("direction")} | new

    def log_model(
        self,
        model: Any,
        *,
        X: Any = None,
        y: Any = None,
        format: Kind = "skops",  # noqa: A002 - the manifest's word
        importance: Literal["permutation"] | None = None,
        predict_params: Mapping[str, Any] | None = None,
    ) -> None:
        """Save a scikit-learn estimator as it is now; options as of `Registry.register`. Raises as it does."""
        state = self._running
        if state.model:
            raise UsageError("a version holds one model, and one is logged", hint="log_artifact takes other files")
        folder = Path(state.folder.name)
        sources, facts = describing.estimator(
            model, folder, kind=format, X=X, y=y, importance=importance, predict_params=predict_params
        )
        state.capture.add_estimator(model)
        state.model, state.facts = sources, facts

    def log_artifact(self, path: str | Path, *, role: str | None = None) -> None:
        """A file or folder of the version, as it is at the block's end; the first is the model where none is logged.

        Raises NotFoundError.
        """
        state = self._running
        if not Path(path).exists():
            raise NotFoundError("there is no such file or folder", file=str(path), hint="is the path right?")
        state.artifacts.append((Path(path).absolute(), role))

    @property
    def _running(self) -> _State:
        if self._state is None:
            raise UsageError("no training block is open", hint="with Registry().training(NAME) as run: …")
        return self._state

    def _register(self, state: _State, folder: Path) -> ModelVersion:
        sources = state.sources()
        if not sources:
            hint = "call run.log_model(estimator) or run.log_artifact(path) in the block"
            raise UsageError("the training block ended without a model", hint=hint)
        for name, entry in state.metrics.items():
            dataset = entry.get("dataset")
            if isinstance(dataset, str) and dataset not in state.capture.datasets:
                known = ", ".join(state.capture.datasets) or "none"
                message = f"was measured on {dataset[:80]!a}, which was not logged; logged are: {known}"
                raise InvalidError(message, field=f"metrics.{name}", hint="run.log_data(path, name=…, role='test')")
        state.capture.add_features(self._features)
        facts = dict(state.facts)
        about = {"task": facts.pop("task", "other")} | dict(self._plan.about)
        if params := facts.pop("params", {}) | state.params:
            facts["params"] = params
        request = replace(self._plan, sources=sources, metrics=state.metrics, facts=facts, about=about)
        return self._land(request, state.capture, folder, own=bool(state.model))


class _State:
    """What was logged in an open block; `folder` is a temporary one for what is saved."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.folder = TemporaryDirectory(prefix="modelreg-")
        self.model: list[Source] = []
        self.artifacts: list[tuple[Path, str | None]] = []
        self.facts: dict[str, Any] = {}
        self.params: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}

    def sources(self) -> list[Source]:
        """The model first."""
        first = "other" if self.model else "model"
        files = [Source(path, role or (first if n == 0 else "other")) for n, (path, role) in enumerate(self.artifacts)]
        return [*self.model, *files]
