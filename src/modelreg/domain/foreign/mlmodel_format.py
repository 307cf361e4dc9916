"""Which format a folder of MLflow's is of: that of the model in it, where loading it runs no code of the folder's.

MLflow does what the MLmodel file says: it imports the module that is named there, puts `code` on the path, unpickles if
the flavour says so, and trusts the types that it lists. So a folder is called `mlflow`, which no template of a policy
allows, unless everything in it is known to be harmless. Source of the keys: `mlflow.pyfunc.add_to_model`,
`mlflow.sklearn.save_model`, `mlflow.onnx.save_model` (3.17).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from modelreg.domain.foreign.mlmodel import FILE, FORMAT
from modelreg.domain.formats import format_of
from modelreg.domain.skops_types import TRUSTED

_GENERIC = "python_function"
_FLAVORS = {"skops": "sklearn", "onnx": "onnx"}
"""The flavour that a format is loaded by."""
_KEYS = {
    _GENERIC: {"code", "data", "env", "loader_module", "model_path", "predict_fn", "python_version"},
    "sklearn": {"code", "pickled_model", "serialization_format", "skops_trusted_types", "sklearn_version"},
    "onnx": {"code", "data", "onnx_session_options", "onnx_version", "providers"},
}
_BESIDE = (".csv", ".json", ".md", ".txt", ".yaml", ".yml")
"""Endings of what MLflow puts beside a model: environments, examples. Loading reads them as data, if at all."""


def folder_format(body: Mapping[str, Any], files: Collection[str]) -> str:
    """`skops` or `onnx` for a folder with such a model and an MLmodel file (`body`) that does no more than load it;
    `mlflow` for all others. `files` are the paths below the folder, every one of them."""
    odd = [name for name in files if name not in (FILE, "LICENSE", "registered_model_meta")]
    odd = [name for name in odd if not name.lower().endswith(_BESIDE)]
    if len(odd) != 1 or "/" in odd[0]:
        return FORMAT
    kind = format_of(odd[0])
    return kind if kind in _FLAVORS and _loads_only(body.get("flavors"), kind, odd[0]) else FORMAT


def _loads_only(flavors: Any, kind: str, model: str) -> bool:
    own = _FLAVORS[kind]
    if not isinstance(flavors, Mapping) or own not in flavors or set(flavors) - {own, _GENERIC}:
        return False
    for name, said in flavors.items():
        if not isinstance(said, Mapping) or set(said) - _KEYS[name] or said.get("code"):
            return False
    generic = flavors.get(_GENERIC, {"loader_module": f"mlflow.{own}"})
    if generic.get("loader_module") != f"mlflow.{own}" or {generic.get("model_path"), generic.get("data")} - {
        model,
        None,
    }:
        return False
    return _sklearn(flavors[own], model) if kind == "skops" else _onnx(flavors[own], model)


def _sklearn(said: Mapping[str, Any], model: str) -> bool:
    trusted = said.get("skops_trusted_types") or []
    return (
        said.get("pickled_model") == model
        and said.get("serialization_format") == "skops"
        and isinstance(trusted, list)
        and all(isinstance(name, str) and name in TRUSTED for name in trusted)
    )


def _onnx(said: Mapping[str, Any], model: str) -> bool:
    """Sessions may be told of libraries to load, by options of the session or of a provider."""
    providers = said.get("providers") or []
    return (
        said.get("data") == model
        and not said.get("onnx_session_options")
        and isinstance(providers, list)
        and all(isinstance(name, str) for name in providers)
    )
