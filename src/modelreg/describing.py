"""What is recorded of a model without being typed: where requests meet what the formats' libraries can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from modelreg.domain.address import Address
from modelreg.domain.benchmark import Measurement
from modelreg.domain.formats import format_of
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.errors import UsageError
from modelreg.registry.request import Request, Source
from modelreg.registry.workspace import Workspace

Kind = Literal["skops", "pickle", "joblib"]
SUFFIXES: dict[Kind, str] = {"skops": ".skops", "pickle": ".pkl", "joblib": ".joblib"}
EXAMPLE = "input-example"


def completed(request: Request) -> tuple[Request, tuple[str, ...]]:
    """The request with what its files say of themselves, and notes for people. What was said by hand stays.

    Raises InvalidError for a file that is not what its name says.
    """
    from modelreg.integrations.formats import describe_all

    paths = [(source.path, source.format) for source in request.sources]
    lineage = request.facts.get("lineage") or {}
    found = describe_all(paths, parents=bool(lineage.get("parents")))
    sources = [
        replace(source, format=source.format or facts.format, details=facts.details or None)
        for source, facts in zip(request.sources, found.artifacts, strict=True)
    ]
    return replace(request, sources=sources, facts={**found.fields, **request.facts}), found.notes


def benchmarked(request: Request, asked: bool | Mapping[str, Any], *, own: bool = False) -> Request:
    """The request with figures of the model, measured on its input example where `asked` is not False.

    `own`: the caller made the model in this process. Raises as `integrations.benchmark.measure`, UsageError where
    there is no example.
    """
    if asked is False:
        return request
    from modelreg.integrations.benchmark import measure

    plan = Measurement.parse(asked)
    example = next((source for source in request.sources if source.role == EXAMPLE), None)
    if example is None:
        raise UsageError("a benchmark needs rows to predict on", hint="--example FILE; X= in Python")
    signature = request.facts.get("signature") or {}
    found = measure(_typed(request.sources[0]), _typed(example), signature.get("inputs"), plan, own=own)
    return replace(request, facts={**request.facts, "benchmarks": found})


def measured(workspace: Workspace, model: ModelName, version: Version, plan: Measurement) -> list[dict[str, Any]]:
    """Figures of a registered version on this machine, on its own input example, from checked bytes.

    Raises as `integrations.benchmark.measure` and `pull`, UsageError where the version has no example.
    """
    from modelreg.integrations.benchmark import measure
    from modelreg.registry.pull import pull

    manifest = workspace.snapshot().manifest(model, version)
    example = next((artifact for artifact in manifest.artifacts if artifact.role == EXAMPLE), None)
    if example is None:
        raise UsageError(f"{model}@{version} has no input example to predict on", hint="measure it yourself: --file")
    inputs = (manifest.body.get("signature") or {}).get("inputs")
    with TemporaryDirectory(prefix="modelreg-") as folder:
        path = pull(workspace, Address(model, version=version), Path(folder) / "model").path
        primary = manifest.primary
        return measure((path / primary.path, primary.format), (path / example.path, example.format), inputs, plan)


def estimator(
    model: Any,
    folder: Path,
    *,
    kind: Kind,
    X: Any = None,
    y: Any = None,
    importance: Literal["permutation"] | None = None,
    predict_params: Mapping[str, Any] | None = None,
) -> tuple[list[Source], dict[str, Any]]:
    """Save an estimator into `folder`; what can be said of it: framework, architecture, params, task, signature,
    importance. Raises UsageError for another format and for what is no estimator, and as the functions of
    `integrations.sklearn`."""
    from modelreg.integrations import sklearn

    if isinstance(model, type) or not any(hasattr(model, name) for name in ("fit", "predict", "transform")):
        raise UsageError(f"{_named(model)} is no estimator", hint="a file or folder is an artifact: artifacts=[path]")
    if kind not in SUFFIXES:
        raise UsageError(f"{kind!a} is no format for an estimator", hint=f"use {', '.join(SUFFIXES)}")
    if importance not in (None, "permutation"):
        raise UsageError(f"importance={importance!a} is not known", hint='"permutation", or leave it out')
    if predict_params is not None and X is None:
        raise UsageError("predict_params are part of a signature, which needs rows", hint="give X=")
    path = folder / f"model{SUFFIXES[kind]}"
    sklearn.save(model, path, format=kind)
    sources = [Source(path, "model", kind)]
    facts = dict(sklearn.describe(model))
    names = facts.pop("features", None)
    if X is not None:
        facts["signature"] = sklearn.infer_signature(X, model.predict(X), predict_params)
        names = [column["name"] for column in facts["signature"]["inputs"]]
        sources.append(example(X, folder))
    if importance == "permutation":
        from modelreg.integrations.importance import permutation

        facts["feature_importance"] = permutation(model, X, y)
    elif (found := sklearn.feature_importance(model, names)) is not None:
        facts["feature_importance"] = found
    return sources, facts


def _named(model: Any) -> str:
    return f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"


def example(X: Any, folder: Path) -> Source:
    """The first rows as an artifact in `folder`. Raises InvalidError for what is no table or array."""
    from modelreg.integrations import examples

    kind, content = examples.write(X)
    path = folder / f"input_example.{kind}"
    path.write_bytes(content)
    return Source(path, EXAMPLE, kind)


def _typed(source: Source) -> tuple[Path, str]:
    return source.path, source.format or format_of(source.path.name, folder=source.path.is_dir())
