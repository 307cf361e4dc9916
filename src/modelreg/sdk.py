"""The SDK: a registry as Python objects. It does what the command line does, through the same use cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from modelreg.auditing import Audited
from modelreg.describing import Kind
from modelreg.domain.address import Address
from modelreg.domain.names import parse_alias, parse_model
from modelreg.domain.version import Bump, Version, parse_label
from modelreg.errors import UsageError
from modelreg.locating import locate, one_state
from modelreg.model_version import ModelVersion
from modelreg.registered_model import RegisteredModel
from modelreg.registry.request import Request
from modelreg.registry.resolve import resolve
from modelreg.wiring import open_workspace

if TYPE_CHECKING:
    from modelreg.capture import Capture
    from modelreg.domain.compare import Comparison
    from modelreg.registry.listing import Row
    from modelreg.training import Training


class Registry(Audited):
    """A registry in the git repository at or around `path`, or at a git URL (docs/remote.md).

    Reads see the protected branch as it is at each call. `branch` names that branch, and lets writes land on it while
    another one is checked out. Of a URL the branch is fetched at each call, unless the last fetch was at most `max_age`
    seconds ago (`math.inf`: the first one is enough); `offline` asks nothing of the network; whatever is written there
    is pushed in the same step. Without them MODELREG_MAX_AGE and MODELREG_OFFLINE count. Raises NotARegistryError where
    there is none, UnavailableError where a URL does not answer, IntegrityError where its branch no longer holds what
    was seen of it.
    """

    def __init__(
        self,
        path: str | Path = ".",
        *,
        branch: str | None = None,
        max_age: float | None = None,
        offline: bool | None = None,
    ) -> None:
        self._workspace = open_workspace(locate(str(path), max_age=max_age, offline=offline), branch)

    def __getitem__(self, model: str) -> RegisteredModel:
        """A registered model. Raises NotFoundError."""
        name = parse_model(model)
        self._workspace.snapshot().require_model(name)
        return RegisteredModel(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.models())

    def models(self) -> tuple[str, ...]:
        """Names of the registered models, sorted."""
        return self._workspace.snapshot().models()

    def get(self, address: str) -> ModelVersion:
        """`churn@1.3.0`, `churn@latest`, `churn#production`, `churn@champion`. Raises NotFoundError."""
        parsed = Address.parse(address)
        return ModelVersion(self, parsed.model, resolve(self._workspace.snapshot(), parsed))

    def compare(self, *addresses: str) -> Comparison:
        """Versions side by side, the first as baseline; of one model, or of several. Raises UsageError for fewer than
        two addresses, NotFoundError, InvalidError."""
        from modelreg.registry.compare import compare

        return compare(self._workspace.snapshot(), [Address.parse(address) for address in addresses])

    def search(
        self, expression: str | None = None, *, order_by: str | Sequence[str] = (), limit: int | None = None
    ) -> Sequence[Row]:
        """The versions that meet an expression, as `modelreg search` (docs/search.md).

        Each says model, version, stage (None: withdrawn), aliases, created, metrics and tags; `get` opens it. Raises
        UsageError for what cannot be read, NotFoundError for a stage that the policy does not have.
        """
        from modelreg.registry.search import query_of, search

        return search(self._workspace.snapshot(), query_of(expression, _several(order_by), limit), self._known())

    def load(self, address: str, **options: Any) -> Any:
        """The model at an address, loaded; options as for `ModelVersion.load`."""
        with one_state(self._workspace):
            return self.get(address).load(**options)

    def register(
        self,
        name: str,
        *,
        model: Any = None,
        artifacts: str | Path | Sequence[str | Path] = (),
        from_remote: str | Sequence[str] = (),
        source: str | Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        X: Any = None,
        y: Any = None,
        signature: Mapping[str, Any] | None = None,
        predict_params: Mapping[str, Any] | None = None,
        importance: Literal["permutation"] | None = None,
        benchmark: bool | Mapping[str, Any] = False,
        data: str | Path | Sequence[str | Path] = (),
        features: str | Sequence[str | Mapping[str, Any]] = (),
        parents: str | Sequence[str] = (),
        lock: str | Path | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        task: str | None = None,
        primary_metric: str | None = None,
        about: Mapping[str, Any] | None = None,
        version: str | None = None,
        bump: Bump | None = None,
        pre: str | None = None,
        format: Kind = "skops",  # noqa: A002 - the manifest's word
        entry_point: str | None = None,
        again: bool = False,
        alias: str | Sequence[str] = (),
        push: bool = False,
    ) -> ModelVersion:
        """Register a scikit-learn estimator (`model`), or files and folders (`artifacts`), or both; `from_remote` are
        artifacts that lie in a storage already, by URL or `.dvc` pointer (docs/remote.md).

        The estimator is saved as canonical skops (the same model gives the same bytes); pickle or joblib only when
        `format` says so, and the manifest then says it too. With `X` (rows as they go into `predict`) signature and
        input example are recorded. `data` are files and folders, `features` say how columns came to be (texts as of
        `--feature`, or mappings); a pipeline's own transformations, the state of the code, environment, seeds and
        command are recorded without asking. Metrics are finite numbers or mappings with a `value`; parameters default
        to the estimator's own. `predict_params` are parameters of a prediction with their defaults, `importance` by
        permutation needs `y`, `benchmark` (True, or `{"batch_sizes": [1, 100], "calls": 200}`) measures on the example.
        Files say of themselves what their format allows; `signature` is for those that do not (`infer_signature`).
        `source` says where files lie that are not brought here (an address), or where the version came from (a mapping
        as in the manifest); alone it makes a version without artifacts, which no gate takes for present. Content that
        is registered already gives the version that holds it, but for `again`. `bump="auto"` compares with the last
        release and raises the part that the differences ask for, as `registration.reasons` then tells; `pre="rc"` makes
        a pre-release. `alias`, one or several, names the version in the same commit, by the rules of `alias set`; one
        that is registered already is named too. Raises InvalidError, DeniedError, IdentityError, UnavailableError,
        ConflictError; nothing is changed then.
        """
        from modelreg import describing
        from modelreg.bringing import brought
        from modelreg.capture import Capture
        from modelreg.registry.request import Source

        if model is None and not artifacts and not from_remote and not source:
            raise UsageError("there is nothing to register", hint="give model=estimator or artifacts=[path]")
        if model is None and (y is not None or importance or predict_params is not None):
            raise UsageError("y, importance and predict_params are about an estimator", hint="give model=estimator")
        with TemporaryDirectory(prefix="modelreg-") as folder, brought(self._workspace, _several(from_remote)) as found:
            capture = Capture.of_script(entry_point)
            facts: dict[str, Any] = {}
            sources: list[Source] = []
            if model is not None:
                sources, facts = describing.estimator(
                    model, Path(folder), kind=format, X=X, y=y, importance=importance, predict_params=predict_params
                )
                capture.add_estimator(model)
            files = [*map(Path, _several(artifacts)), *found]
            sources += [Source(p, "model" if i == 0 and model is None else "other") for i, p in enumerate(files)]
            if model is None and X is not None:
                sources.append(describing.example(X, Path(folder)))
            if signature is not None:
                facts["signature"] = dict(signature)
            if params is not None:
                facts["params"] = dict(params)
            if source is not None:
                facts["source"] = {"uri": source} if isinstance(source, str) else dict(source)
            inferred = facts.pop("task", "other")
            for path in _several(data):
                capture.add_data(Path(path))
            capture.add_features(_several(features))
            request = Request(
                model=parse_model(name),
                sources=sources,
                metrics=metrics or {},
                facts=facts,
                about=_about(task or inferred, primary_metric, about),
                tags=tags or {},
                description=description,
                version=Version.parse(version) if version else None,
                bump=_part(bump),
                pre=parse_label(pre) if pre is not None else None,
                again=again,
                aliases=tuple(map(parse_alias, _several(alias))),
            )
            own, beside = model is not None, Path(folder)
            return self._land(
                request, capture, beside, parents=_several(parents), lock=lock, benchmark=benchmark, own=own, push=push
            )

    def training(
        self,
        name: str,
        *,
        parents: str | Sequence[str] = (),
        lock: str | Path | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        task: str | None = None,
        primary_metric: str | None = None,
        about: Mapping[str, Any] | None = None,
        features: str | Sequence[str | Mapping[str, Any]] = (),
        version: str | None = None,
        bump: Bump | None = None,
        pre: str | None = None,
        benchmark: bool | Mapping[str, Any] = False,
        entry_point: str | None = None,
        alias: str | Sequence[str] = (),
        push: bool = False,
    ) -> Training:
        """A block around code that trains, which records what goes into a version and registers it at the end:

            with Registry().training("churn_predictor") as run:
                frame = pd.read_csv(run.log_data("data/customers.csv"))
                run.log_model(model, X=X_train)

        Nothing is registered where the block raises. See `modelreg.training.Training`; options as of `register`.
        """
        from modelreg.training import DEFAULT_BUMP, Training

        plan = Request(
            model=parse_model(name),
            sources=(),
            about=_about(task, primary_metric, about),
            tags=tags or {},
            description=description,
            version=Version.parse(version) if version else None,
            bump=_part(bump) or (None if version else DEFAULT_BUMP),
            pre=parse_label(pre) if pre is not None else None,
            aliases=tuple(map(parse_alias, _several(alias))),
        )
        land = partial(self._land, parents=_several(parents), lock=lock, benchmark=benchmark, push=push)
        return Training(plan, land, features=_several(features), entry_point=entry_point)

    def _land(
        self,
        request: Request,
        capture: Capture,
        folder: Path,
        *,
        parents: Sequence[str],
        lock: str | Path | None,
        benchmark: bool | Mapping[str, Any],
        own: bool,
        push: bool,
    ) -> ModelVersion:
        """Register with the lineage that was captured; `folder` is for what is kept beside the artifacts, `own` says
        that the model was made in this process."""
        from modelreg import describing
        from modelreg.registry.register import register

        capture.check_data()
        capture.ran()
        lineage = capture.lineage(parents=parents, lock=Path(lock) if lock else None)
        request, notes = describing.completed(replace(request, facts={**request.facts, "lineage": lineage}))
        request = describing.benchmarked(request, benchmark, own=own)
        kept = capture.kept(folder, [source.path.name for source in request.sources])
        done = register(self._workspace, replace(request, sources=[*request.sources, *kept]), push=push)
        _say(() if done.existing else [*capture.notes, *notes])  # of a version that stands nothing was recorded anew
        return ModelVersion(self, done.model, done.version, registration=done)


def _part(bump: Bump | None) -> Bump | None:
    if bump not in (None, "major", "minor", "patch", "auto"):
        raise UsageError(f"bump={bump!a} is not known", hint="use major, minor, patch or auto")
    return bump


def _several(given: Any) -> Sequence[Any]:
    """What is given where several may be: one text or path is one, not its letters."""
    return [given] if isinstance(given, str | Path) else given


def _about(task: str | None, primary_metric: str | None, about: Mapping[str, Any] | None) -> dict[str, Any]:
    body: dict[str, Any] = ({"task": task} if task else {}) | dict(about or {})
    if primary_metric is not None:
        body["primary_metric"] = primary_metric
    return body


def _say(notes: Sequence[str]) -> None:
    """On standard error, unless the program has set up its logging to do otherwise."""
    import logging

    for note in notes:
        logging.getLogger("modelreg").warning("modelreg: %s", note)
