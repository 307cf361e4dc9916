"""What an MLmodel file says of a model (https://mlflow.org/docs/latest/ml/model/): signature, framework, Python.

The file is data: no module that it names is imported, nothing of the model is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelreg.domain.formats import label

FILE = "MLmodel"
FORMAT = "mlflow"
"""The format of a folder that holds one."""
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "pytorch": "torch",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "sentence_transformers": "sentence-transformers",
}
_GENERIC = "python_function"


def mlmodel_facts(body: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the manifest: `signature`, `framework`, and below `environment` the Python version; what is missing
    or not as it should be is left out."""
    found: dict[str, Any] = {}
    flavors = body.get("flavors")
    flavors = flavors if isinstance(flavors, Mapping) else {}
    if framework := _framework(flavors):
        found["framework"] = framework
    if signature := _signature(body.get("signature")):
        found["signature"] = signature
    generic = flavors.get(_GENERIC)
    if isinstance(generic, Mapping) and (python := label(generic.get("python_version"), 50)):
        found["environment"] = {"python": python}
    return found


def _framework(flavors: Mapping[str, Any]) -> dict[str, str] | None:
    for name, flavor in flavors.items():
        if name == _GENERIC or not label(name, 80):
            continue
        made = {"name": _DISTRIBUTIONS.get(name, name)}
        version = label(flavor.get(f"{name}_version"), 100) if isinstance(flavor, Mapping) else None
        return made | ({"version": version} if version else {})
    return None


def _signature(given: Any) -> dict[str, Any] | None:
    """MLflow keeps three JSON texts. One that does not read leaves the whole signature out: half of one is another."""
    if not isinstance(given, Mapping):
        return None
    try:
        sides = {key: _loaded(given.get(key)) for key in ("inputs", "outputs", "params")}
        found: dict[str, Any] = {
            "inputs": [_column(*one) for one in enumerate(sides["inputs"])],
            "outputs": [_column(*one) for one in enumerate(sides["outputs"])],
        }
        if sides["params"]:
            found["parameters"] = [_parameter(entry) for entry in sides["params"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if found["inputs"] or found["outputs"] else None


def _loaded(text: Any) -> Any:
    """Raises ValueError for what is no JSON (RFC 8259): NaN is none."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse) if text else []


def _column(place: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A column, or a tensor; one without a name is named by its place. Optional in MLflow is nullable here; nested
    types are told as text."""
    column: dict[str, Any] = {"name": str(entry.get("name") or place)}
    if len(column["name"]) > 500:
        raise ValueError
    if entry["type"] == "tensor":
        spec = entry["tensor-spec"]
        return column | {"type": _type(spec["dtype"]), "shape": [_length(one) for one in spec["shape"]]}
    column["type"] = _type(_told(entry))
    return column | ({"nullable": True} if entry.get("required") is False else {})


def _told(entry: Mapping[str, Any]) -> str:
    kind = entry["type"]
    if kind == "array":
        return f"array<{_told(entry['items'])}>"
    if kind == "map":
        return f"map<{_told(entry['values'])}>"
    if kind == "object":
        inner = ",".join(f"{key}:{_told(value)}" for key, value in sorted(entry["properties"].items()))
        return f"object<{inner}>"
    return str(kind)


def _parameter(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": str(entry["name"]), "type": _type(entry["type"])}
    if "default" in entry:
        found["default"] = entry["default"]
    shape = entry.get("shape")
    return found | ({"shape": [_length(one) for one in shape]} if shape else {})


def _type(text: Any) -> str:
    """Types of a hundred characters tell all that people and gates compare; a longer one is cut."""
    return str(text)[:100] or "any"


def _length(value: Any) -> int:
    if type(value) is not int or value < -1:
        raise ValueError
    return value
