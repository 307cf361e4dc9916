"""What a skops file says of itself is what the live estimator says."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from modelreg.errors import InvalidError
from modelreg.integrations import sklearn as flavour
from modelreg.integrations import skops_file
from tests.integrations.test_sklearn import NAMES, estimators

pytest.importorskip("skops")

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:sklearn"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:skops"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_what_the_estimator_says(name: str, tmp_path: Path) -> None:
    estimator = estimators()[name]()
    if name == "search":
        import numpy as np

        estimator.fit(np.arange(20).reshape(10, 2), [0, 1] * 5)
    path = tmp_path / "model.skops"
    flavour.save(estimator, path)
    live = flavour.describe(estimator)
    found = skops_file.describe(path).fields
    assert found == {"framework": live["framework"], "architecture": live["architecture"]}


def _zip(path: Path, **files: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)


@pytest.mark.parametrize(
    "schema",
    ["", "[]", "{}", '{"__class__": 1, "__module__": "a"}', '{"a": 1, "a": 2}', "[" * 100_000, '{"__class__": NaN}'],
    ids=lambda text: text[:20],
)
def test_what_is_no_skops_is_refused(tmp_path: Path, schema: str) -> None:
    path = tmp_path / "model.skops"
    _zip(path, schema_json=schema)
    with pytest.raises(InvalidError):
        skops_file.describe(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    for content in (b"", b"\x80\x04N.", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(InvalidError, match="no zip file with a schema"):
            skops_file.describe(path)
    _zip(path, other_json="{}")
    with pytest.raises(InvalidError, match="no zip file with a schema"):
        skops_file.describe(path)


def test_odd_trees_end(tmp_path: Path) -> None:
    """Whatever a stranger nests or leaves out is no reason to fail, and names only what a manifest can hold."""
    path = tmp_path / "model.skops"
    node: dict[str, object] = {"__class__": "P", "__module__": "sklearn.p"}
    for _ in range(100):
        steps = {"content": [{"content": [{}, node]}, 5, {"content": "x"}, {"content": [1, 2]}]}
        node = {"__class__": "P", "__module__": "sklearn._p.q", "content": {"content": {"steps": steps}}}
    _zip(path, schema_json=json.dumps(node))
    found = skops_file.describe(path).fields
    assert found["architecture"].startswith("sklearn.P(P(P(")
    assert found["framework"] == {"name": "scikit-learn"}
    _zip(path, schema_json=json.dumps({"__class__": "\x1b[31m", "__module__": "\x00.b", "content": {"content": 5}}))
    assert skops_file.describe(path).fields == {}
