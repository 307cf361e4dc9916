"""scikit-learn estimators: saving them so that the same model is the same bytes, loading them with care, and saying
what they are. Everything heavy is imported when it is needed (skops takes four seconds).
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from modelreg.domain.skops_types import TRUSTED
from modelreg.errors import DeniedError, InvalidError, UnavailableError, UsageError
from modelreg.integrations.examples import input_example
from modelreg.integrations.importance import IMPORTANCES
from modelreg.integrations.skops_form import canonical
from modelreg.integrations.tabular import infer_signature

__all__ = [
    "IMPORTANCES",
    "describe",
    "feature_importance",
    "infer_signature",
    "input_example",
    "load",
    "save",
    "types_of",
]

Format = Literal["skops", "pickle", "joblib"]


def save(estimator: Any, path: Path, format: Format = "skops") -> None:  # noqa: A002 - the manifest's word
    """Write an estimator to `path`. skops is canonical: the same model gives the same bytes.

    Raises UsageError for another format, InvalidError where skops cannot hold the estimator, UnavailableError
    without the extra.
    """
    path = Path(path)
    if format == "skops":
        path.write_bytes(canonical(_skops(estimator)))
    elif format in {"joblib", "pickle"}:
        import pickle

        try:
            if format == "joblib":
                _require("joblib").dump(estimator, path)
            else:
                path.write_bytes(pickle.dumps(estimator, protocol=5))
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise InvalidError(f"{format} cannot hold this {type(estimator).__name__}: {_first_line(error)}") from error
    else:
        raise UsageError(f"{format!a} is no format for an estimator", hint="use skops, joblib or pickle")


def _skops(estimator: Any) -> bytes:
    """The estimator as skops writes it. Raises InvalidError where it cannot, or where nobody could read it again: a
    lambda or a local function is written down by a name under which it is not found."""
    io = _require("skops.io")
    name = type(estimator).__name__
    try:
        data: bytes = io.dumps(estimator)
    except (TypeError, NotImplementedError, AttributeError) as error:
        raise InvalidError(
            f"skops cannot hold this {name}: {_first_line(error)}",
            hint='format="joblib" can, but whoever loads it must then trust the file: it can run any code',
        ) from error
    nameless = sorted(found for found in io.get_untrusted_types(data=data) if "<" in found)
    if nameless:
        raise InvalidError(
            f"skops cannot hold this {name}: nobody finds {nameless[0][:200]} again",
            hint="write a function with def at the top of a module, and use that",
        )
    return data


def load(path: Path, format: Format, *, trusted: Sequence[str] = (), allow_pickle: bool = False) -> Any:  # noqa: A002
    """Read an estimator, or the one in a folder as MLflow keeps it. The bytes must be checked: the caller's duty.

    Raises DeniedError for types that are neither scikit-learn's own nor in `trusted`, and for pickle and joblib
    without `allow_pickle`; InvalidError for a file that does not load.
    """
    path = Path(path)
    if format == "skops":
        return _load_skops(_skops_file(path), trusted)
    if format not in {"joblib", "pickle"}:
        raise UsageError(f"{format!a} is no format for an estimator", hint="use skops, joblib or pickle")
    if not allow_pickle:
        raise DeniedError(
            f"{path.name} is {format}, and loading it can run any code",
            hint="if you trust whoever wrote it: allow_pickle=True; better: register it as skops",
        )
    if format == "joblib":
        return _require("joblib").load(path)
    import pickle

    with path.open("rb") as source:
        return pickle.load(source)  # noqa: S301 - asked for by allow_pickle


def types_of(path: Path) -> list[str]:
    """The types in a skops file that skops does not know, for whoever made the file. Raises UnavailableError."""
    return list(_require("skops.io").get_untrusted_types(file=_skops_file(path)))


def describe(estimator: Any) -> dict[str, Any]:
    """What the manifest says of an estimator: framework, architecture, params, task; and `features`, its input names.

    `params` are the final estimator's own (`get_params(deep=False)`) as far as they are plain values; `features` is
    None where it was fitted without names.
    """
    final = _final(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    params = final.get_params(deep=False) if hasattr(final, "get_params") else {}
    return {
        "framework": _framework(final),
        "architecture": _architecture(estimator)[:500],
        "params": {name: plain for name, value in sorted(params.items()) if (plain := _plain(value)) is not _NOT_PLAIN},
        "task": _task(estimator),
        "features": None if names is None else [str(name) for name in names],
    }


def feature_importance(estimator: Any, names: Sequence[str] | None = None) -> dict[str, Any] | None:
    """`{"method": "impurity" | "coefficients", "values": {name: number}}`, largest first; None where there is none.

    `names` are those of the inputs; a pipeline's transformers say what they make of them. Coefficients keep their
    sign, except over several classes, where it is the mean of their sizes. At most the `IMPORTANCES` largest.
    """
    import numpy as np

    final = _final(estimator)
    method, raw = "impurity", getattr(final, "feature_importances_", None)
    if raw is None:
        method, raw = "coefficients", getattr(final, "coef_", None)  # not there for an SVC with a kernel
    if raw is None:
        return None
    weights = np.asarray(raw.toarray() if hasattr(raw, "toarray") else raw, dtype=float)
    weights = weights.reshape(1, -1) if weights.ndim == 1 else weights.reshape(-1, weights.shape[-1])
    values = weights[0] if len(weights) == 1 else np.abs(weights).mean(axis=0)
    if not np.isfinite(values).all():
        return None
    labels = _feature_names(estimator, names, len(values))
    ranked = sorted(zip(labels, values.tolist(), strict=True), key=lambda item: -abs(item[1]))[:IMPORTANCES]
    return {"method": method, "values": {label: float(f"{value:.6g}") for label, value in ranked}}


def _skops_file(path: Path) -> Path:
    """`path`, or the one file of a folder that is skops. Raises InvalidError."""
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.skops"))
    if len(found) != 1:
        raise InvalidError(f"holds {len(found)} skops files, not one", file=str(path))
    return found[0]


def _load_skops(path: Path, trusted: Sequence[str]) -> Any:
    io = _require("skops.io")
    data = path.read_bytes()  # read once: what is judged is what is loaded
    try:
        unknown = set(io.get_untrusted_types(data=data))
        refused = sorted(unknown - TRUSTED - set(trusted))
        if not refused:
            return io.loads(data, trusted=sorted(unknown))
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, RecursionError, zipfile.BadZipFile) as error:
        raise InvalidError(f"is not a skops file that loads here: {_first_line(error)}", file=str(path)) from error
    raise DeniedError(
        f"{path.name} holds types that are not trusted: {', '.join(name[:100] for name in refused[:10])}",
        hint=f"if you know them: trusted={refused[:10]!a}",
    )


def _require(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UnavailableError(
            f"{module} is not installed or does not import: {_first_line(error)}",
            hint="pip install 'modelreg[sklearn]'",
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _final(estimator: Any) -> Any:
    """The last step of a pipeline, which predicts; what a search settled on."""
    for _ in range(20):
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif _is_pipeline(estimator) and estimator.steps[-1][1] not in {None, "passthrough"}:
            estimator = estimator.steps[-1][1]
        else:
            break
    return estimator


def _is_pipeline(estimator: Any) -> bool:
    return isinstance(getattr(estimator, "steps", None), list) and bool(estimator.steps)


def _framework(final: Any) -> dict[str, str]:
    from importlib import metadata

    root = type(final).__module__.partition(".")[0]
    name = {"sklearn": "scikit-learn"}.get(root, root)
    try:
        return {"name": name, "version": metadata.version(name)}
    except metadata.PackageNotFoundError:
        return {"name": name}


def _architecture(estimator: Any) -> str:
    """The public dotted name; a pipeline or column transformer with what is in it."""
    name = _public_name(type(estimator))
    if _is_pipeline(estimator):
        parts = [step for _, step in estimator.steps]
    elif isinstance(getattr(estimator, "transformers", None), list):
        parts = [entry[1] for entry in estimator.transformers]
    else:
        parts = [estimator.estimator] if hasattr(estimator, "best_estimator_") else []
    inner = [
        part if isinstance(part, str) else _architecture(part).rpartition(".")[2] for part in parts if part is not None
    ]
    return f"{name}({', '.join(inner)})" if inner else name


def _public_name(cls: type) -> str:
    """`sklearn.ensemble.RandomForestClassifier` for a class that lives in `sklearn.ensemble._forest`."""
    import sys

    public = cls.__module__.partition("._")[0]
    known = getattr(sys.modules.get(public), cls.__name__, None) is cls
    return f"{public if known else cls.__module__}.{cls.__qualname__}"


def _task(estimator: Any) -> str:
    base = _require("sklearn.base")
    tests: tuple[tuple[str, Callable[[Any], bool]], ...] = (
        ("classification", base.is_classifier),
        ("regression", base.is_regressor),
        ("clustering", base.is_clusterer),
    )
    try:
        return next((task for task, test in tests if test(estimator)), "other")
    except AttributeError:  # of a class that does not come from scikit-learn's, and so has no tags
        return "other"


_NOT_PLAIN = object()


def _plain(value: Any) -> Any:
    """A parameter as JSON and YAML hold it, or `_NOT_PLAIN`."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _NOT_PLAIN
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in items) else items
    if isinstance(value, Mapping):
        pairs = {str(key): _plain(item) for key, item in value.items()}
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in pairs.values()) else pairs
    return _NOT_PLAIN


def _feature_names(estimator: Any, names: Sequence[str] | None, count: int) -> list[str]:
    """Names for what the final estimator saw, as far as anybody knows them; else x0, x1, …"""
    if hasattr(estimator, "best_estimator_"):
        return _feature_names(estimator.best_estimator_, names, count)
    known = list(names) if names is not None else None
    if _is_pipeline(estimator) and len(estimator.steps) > 1:
        try:
            known = [str(name) for name in estimator[:-1].get_feature_names_out(known)]
        except (AttributeError, ValueError, NotImplementedError):
            known = None  # a transformer that does not say what it makes
    if known is None or len(known) != count or len(set(known)) != count:
        return [f"x{n}" for n in range(count)]
    return known
