"""A list takes the values of metrics without making manifests: from the same documents, and with the same errors."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.manifest import Manifest, values_in
from tests.samples import manifest

PATHS: tuple[tuple[Any, ...], ...] = (
    ("model",),
    ("version",),
    ("artifacts",),
    ("artifacts", 0),
    *(("artifacts", 0, key) for key in ("path", "role", "format", "size_bytes", "sha256", "md5", "listing")),
    ("metrics",),
    ("metrics", "f1"),
    *(("metrics", "f1", key) for key in ("value", "direction", "dataset", "split")),
    ("lineage",),
    ("lineage", "data"),
    ("lineage", "data", 0),
    *(("lineage", "data", 0, key) for key in ("name", "sha256")),
)
rubbish = st.sampled_from(
    (None, True, 3, 0.5, float("nan"), 10**400, "", "x", "Bad Name", [], ["x"], {}, {"path": "p"})
)


def found(make: Any, body: dict[str, Any]) -> Any:
    try:
        return make(body)
    except Exception as error:  # noqa: BLE001 - whatever a reader trips over
        return type(error), str(error)


def changed(body: dict[str, Any], path: tuple[Any, ...], value: Any, *, gone: bool) -> None:
    """With another value at a path, or none; where the path leads nowhere (any more), nothing happens."""
    within: Any = body
    for key in path[:-1]:
        try:
            within = within[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(within, dict) and gone:
        within.pop(path[-1], None)
    elif isinstance(within, dict) or (isinstance(within, list) and within and path[-1] == 0):
        within[path[-1]] = value


@given(st.lists(st.tuples(st.sampled_from(PATHS), rubbish, st.booleans()), max_size=3))
def test_values_alone_are_those_of_a_manifest(changes: list[tuple[tuple[Any, ...], Any, bool]]) -> None:
    body = copy.deepcopy(dict(manifest("1.0.0").to_mapping()))
    dataset = {"name": "test", "role": "test", "sha256": "ab" * 32}
    body["metrics"] = {"f1": {"value": 0.5, "dataset": "test", "split": "test", "direction": "higher"}}
    body["lineage"] = {"data": [dataset]}
    for path, value, gone in changes:
        changed(body, path, value, gone=gone)
    made = found(lambda body: {n: m.value for n, m in Manifest.from_mapping(body).metrics.items()}, body)
    assert found(values_in, body) == made
