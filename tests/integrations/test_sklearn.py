"""Estimators: the same model is the same bytes, loading asks first, and what is said of them."""
# ruff: noqa: N806 - X is scikit-learn's own name for its rows

from __future__ import annotations

import io
import json
import math
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelreg import Registry
from modelreg.errors import DeniedError, InvalidError, UnavailableError, UsageError
from modelreg.integrations import sklearn as flavour
from modelreg.integrations.examples import input_example
from modelreg.integrations.skops_form import canonical
from modelreg.integrations.tabular import infer_signature
from modelreg.wiring import init
from tests.support import Repo, run

pytest.importorskip("skops")
pd = pytest.importorskip("pandas")

# skops asks scikit-learn for all estimators when it is imported, deprecated ones too; and reads sparse and old names.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:sklearn"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:skops"),
]

ROWS = 60


def data() -> tuple[Any, Any]:
    """A frame with numbers and text, and a target of two classes."""
    rng = np.random.default_rng(7)
    X = pd.DataFrame(
        {
            "tenure": rng.integers(0, 60, ROWS),
            "charges": rng.normal(50, 10, ROWS).round(3),
            "plan": rng.choice(["basic", "plus", "pro"], ROWS),
        }
    )
    return X, (X["charges"] + X["tenure"] > 80).astype(int).rename("churn")


def mixed(final: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = [("num", StandardScaler(), ["tenure", "charges"]), ("cat", OneHotEncoder(), ["plan"])]
    return Pipeline([("columns", ColumnTransformer(columns)), ("final", final)])


def estimators() -> dict[str, Callable[[], Any]]:
    from sklearn import cluster, ensemble, linear_model, neighbors, neural_network, svm, tree
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.feature_selection import SelectKBest
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    forest = ensemble.RandomForestClassifier
    return {
        "forest": lambda: forest(5, random_state=0),
        "forest-regressor": lambda: ensemble.RandomForestRegressor(5, random_state=0),
        "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=5, random_state=0),
        "boosting-regressor": lambda: ensemble.GradientBoostingRegressor(n_estimators=5, loss="huber", random_state=0),
        "hist": lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=0),
        "hist-regressor": lambda: ensemble.HistGradientBoostingRegressor(max_iter=5, loss="poisson", random_state=0),
        "logistic": lambda: linear_model.LogisticRegression(max_iter=5000),
        "ridge": linear_model.Ridge,
        "tweedie": lambda: linear_model.TweedieRegressor(power=0),
        "sgd": lambda: linear_model.SGDClassifier(loss="modified_huber", random_state=0),
        "svc": svm.SVC,
        "svr": svm.SVR,
        "neighbors": neighbors.KNeighborsClassifier,
        "ball-tree": lambda: neighbors.KNeighborsRegressor(algorithm="ball_tree", metric="manhattan"),
        "kmeans": lambda: cluster.KMeans(2, random_state=0, n_init=2),
        "isolation": lambda: ensemble.IsolationForest(n_estimators=5, random_state=0),
        "tree": lambda: tree.DecisionTreeRegressor(random_state=0),
        "adaboost": lambda: ensemble.AdaBoostClassifier(n_estimators=3, random_state=0),
        "bagging": lambda: ensemble.BaggingClassifier(n_estimators=3, random_state=0),
        "neural": lambda: neural_network.MLPClassifier((4,), solver="sgd", tol=1.0, n_iter_no_change=1, random_state=0),
        "gauss": lambda: GaussianProcessClassifier(random_state=0),
        "calibrated": lambda: CalibratedClassifierCV(forest(3, random_state=0), cv=2),
        "voting": lambda: ensemble.VotingClassifier(
            [("a", forest(2, random_state=0)), ("b", tree.DecisionTreeClassifier(random_state=0))]
        ),
        "search": lambda: GridSearchCV(forest(3, random_state=0), {"max_depth": [1, 2]}, cv=2),
        "spline": lambda: make_pipeline(SplineTransformer(3), SelectKBest(k=2), linear_model.Ridge()),
        "mixed": lambda: mixed(forest(5, class_weight={0: 1.0, 1: 2.0}, random_state=0)),
        "mixed-linear": lambda: mixed(linear_model.LogisticRegression(max_iter=5000)),
    }


NAMES = [
    *("forest", "forest-regressor", "boosting", "boosting-regressor", "hist", "hist-regressor", "logistic", "ridge"),
    *("tweedie", "sgd", "svc", "svr", "neighbors", "ball-tree", "kmeans", "isolation", "tree", "adaboost", "bagging"),
    *("neural", "gauss", "calibrated", "voting", "search", "spline", "mixed", "mixed-linear"),
]


def fitted(name: str) -> tuple[Any, Any]:
    """A fitted estimator and what it was fitted on."""
    X, y = data()
    if not name.startswith("mixed"):
        X = X[["tenure", "charges"]]
    return estimators()[name]().fit(X, y), X


def saved(estimator: Any, path: Path) -> bytes:
    flavour.save(estimator, path)
    return path.read_bytes()


def test_every_estimator_is_named() -> None:
    assert list(estimators()) == NAMES


# -- the same model is the same bytes


@pytest.mark.parametrize("name", NAMES)
def test_the_same_model_is_the_same_bytes_and_loads(tmp_path: Path, name: str) -> None:
    estimator, X = fitted(name)
    path = tmp_path / "model.skops"
    first = saved(estimator, path)
    assert saved(estimator, path) == first
    if name != "search":  # which records how long it took
        assert saved(fitted(name)[0], path) == first
    assert canonical(first) == first
    loaded = flavour.load(path, "skops")
    assert np.array_equal(loaded.predict(X), estimator.predict(X))
    assert saved(loaded, tmp_path / "again.skops") == first


def test_the_same_bytes_in_another_process_with_other_hashes(tmp_path: Path) -> None:
    names = ["forest", "boosting", "hist", "mixed", "kmeans"]
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); from pathlib import Path\n"
        "from tests.integrations.test_sklearn import fitted, saved\n"
        f"for name in {names!r}: saved(fitted(name)[0], Path(sys.argv[1], name))\n"
    )
    root = str(Path(__file__).parents[2])
    path = [root, str(Path(root, "src"))]
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        prelude = f"import sys; sys.path[:0] = {path!r}\n"
        run("env", f"PYTHONHASHSEED={seed}", sys.executable, "-c", prelude + code, folder)
    for name in names:
        here = saved(fitted(name)[0], tmp_path / "here")
        assert {(tmp_path / seed / name).read_bytes() for seed in ("1", "2")} == {here}, name


def test_whether_equal_constants_are_one_object_does_not_matter(tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    def made(*, alike: bool) -> Any:
        pair = (1, 2)
        other = pair if alike else tuple([1, 2])  # noqa: C409 - on purpose another object
        half = 0.5
        alpha = half if alike else float("0.5")
        return make_pipeline(TfidfVectorizer(ngram_range=pair, max_df=half), Ridge(alpha)), TfidfVectorizer(
            ngram_range=other
        )

    assert saved(made(alike=True), tmp_path / "a") == saved(made(alike=False), tmp_path / "b")


def test_sets_are_sorted_and_shared_arrays_stay_shared(tmp_path: Path) -> None:
    shared = np.arange(3.0)
    value = {"words": {"b", "a", "c", "zz", "yy"}, "file": [shared, shared], "__id__": b"raw", "n": {3, 1, 2}}
    data_ = saved(value, tmp_path / "x")
    again = flavour.load(tmp_path / "x", "skops")
    assert again["words"] == value["words"]
    assert again["__id__"] == b"raw"
    assert again["file"][0] is again["file"][1]
    with zipfile.ZipFile(io.BytesIO(data_)) as archive:
        words = json.loads(archive.read("schema.json"))["content"]["words"]["content"]
        assert [json.loads(item["content"]) for item in words] == sorted(value["words"])  # type: ignore[type-var]
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text("abfile_", max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(plain)
def test_any_plain_value_survives_the_canonical_form(value: Any) -> None:
    import skops.io

    data_ = canonical(skops.io.dumps(value))
    assert skops.io.loads(data_) == value
    assert canonical(skops.io.dumps(value)) == canonical(data_) == data_


# -- loading asks first


class Own:
    """A type that nobody trusts."""

    def __init__(self) -> None:
        self.value = 1


def test_other_types_are_refused_by_name_and_load_when_trusted(tmp_path: Path) -> None:
    flavour.save([Own()], tmp_path / "m")
    name = f"{__name__}.Own"
    with pytest.raises(DeniedError, match="not trusted") as caught:
        flavour.load(tmp_path / "m", "skops")
    assert name in str(caught.value)
    assert f"trusted=['{name}']" in (caught.value.hint or "")
    assert flavour.load(tmp_path / "m", "skops", trusted=[name])[0].value == 1


@pytest.mark.parametrize("module", ["os.system", "builtins.eval", "subprocess.Popen", "sklearn.utils._bunch.Munch"])
def test_A26_a_crafted_file_starts_nothing(tmp_path: Path, module: str) -> None:
    where, _, name = module.rpartition(".")
    node = {"__class__": name, "__module__": where, "__loader__": "TypeNode", "__id__": 1}
    schema = {**node, "protocol": 2, "_skops_version": "0.16.0"}
    with zipfile.ZipFile(tmp_path / "m", "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises((DeniedError, InvalidError)):
        flavour.load(tmp_path / "m", "skops")


@pytest.mark.parametrize("data_", [b"", b"PK\x03\x04", b"not a zip", b"{}"])
def test_what_is_no_skops_file_is_refused(tmp_path: Path, data_: bytes) -> None:
    (tmp_path / "m").write_bytes(data_)
    with pytest.raises(InvalidError, match="not a skops file"):
        flavour.load(tmp_path / "m", "skops")


class Trap:
    def __reduce__(self) -> Any:
        return (sys.exit, ("it ran",))


@pytest.mark.parametrize("kind", ["pickle", "joblib"])
def test_A26_pickle_and_joblib_need_to_be_asked_for(tmp_path: Path, kind: Any) -> None:
    flavour.save(Trap(), tmp_path / "trap", format=kind)
    with pytest.raises(DeniedError, match="any code"):
        flavour.load(tmp_path / "trap", kind)
    estimator, X = fitted("forest")
    flavour.save(estimator, tmp_path / "m", format=kind)
    loaded = flavour.load(tmp_path / "m", kind, allow_pickle=True)
    assert np.array_equal(loaded.predict(X), estimator.predict(X))


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    for act in (lambda: flavour.save(1, tmp_path / "m", format="onnx"), lambda: flavour.load(tmp_path / "m", "onnx")):  # type: ignore[arg-type]
        with pytest.raises(UsageError):
            act()


def test_what_skops_cannot_hold_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="skops cannot hold") as caught:
        flavour.save((n for n in range(3)), tmp_path / "m")
    assert "joblib" in (caught.value.hint or "")
    assert not (tmp_path / "m").exists()


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(UnavailableError) as caught:
        flavour.save(1, tmp_path / "m")
    assert caught.value.hint == "pip install 'modelreg[sklearn]'"


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, modelreg.integrations.sklearn; assert not {'sklearn', 'skops', 'pandas', 'numpy'} & set(sys.modules)"
    run(sys.executable, "-c", code)


# -- signatures and examples


def entry(name: str, type_: str, *shape: int, nullable: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type_, "shape": [-1, *shape], "nullable": nullable}


def test_the_signature_of_a_frame() -> None:
    X = pd.DataFrame(
        {
            "i": [1, 2],
            "f": [1.5, None],
            "b": [True, False],
            "s": ["a", "b"],
            "o": pd.Series(["a", None], dtype=object),
            "c": pd.Categorical(["x", "y"]),
            "t": pd.to_datetime(["2026-11-24", None]),
            "n": pd.array([1, None], dtype="Int64"),
            "small": np.array([1, 2], dtype="float32"),
            "any": pd.Series(["a", 1], dtype=object),
        }
    )
    found = infer_signature(X, pd.Series([0, 1], name="churn"))
    assert found["inputs"] == [
        entry("i", "int64"),
        entry("f", "float64", nullable=True),
        entry("b", "bool"),
        entry("s", "string"),
        entry("o", "string", nullable=True),
        entry("c", "string"),
        entry("t", "datetime", nullable=True),
        entry("n", "int64", nullable=True),
        entry("small", "float32"),
        entry("any", "any"),
    ]
    assert found["outputs"] == [entry("churn", "int64")]
    assert found["parameters"] == []


def test_the_signature_of_arrays_lists_and_columns() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    assert infer_signature(np.zeros((3, 4), "float32"), np.array([1, 2, 3])) == {
        "inputs": [entry("input", "float32", 4)],
        "outputs": [entry("prediction", "int64")],
        "parameters": [],
    }
    assert infer_signature([[1, 2], [3, 4]], ["a", "b"])["outputs"] == [entry("prediction", "string")]
    assert infer_signature({"a": [1, 2], "b": ["x", "y"]}, [[0.1, 0.9]])["inputs"] == [
        entry("a", "int64"),
        entry("b", "string"),
    ]
    assert infer_signature(sparse.csr_matrix((3, 9)), [1.0, math.nan, 2.0]) == {
        "inputs": [entry("input", "float64", 9)],
        "outputs": [entry("prediction", "float64", nullable=True)],
        "parameters": [],
    }
    with pytest.raises(InvalidError):
        infer_signature(5, [1])
    with pytest.raises(InvalidError, match="twice"):
        infer_signature(pd.DataFrame([[1, 2]], columns=["a", "a"]), [1])


def test_an_input_example_is_plain_csv() -> None:
    X = pd.DataFrame(
        {
            "a,b": [1, 2, 3],
            "text": ['say "hi"', "two\nlines", None],
            "f": [0.1, math.nan, math.inf],
            "t": pd.to_datetime(["2026-11-24 00:00", None, "2026-11-25 10:00"]),
        }
    )
    assert input_example(X) == (
        b'"a,b",text,f,t\n1,"say ""hi""",0.1,2026-11-24T00:00:00\n2,"two\nlines",,\n3,,inf,2026-11-25T10:00:00\n'
    )
    assert input_example(X, rows=0) == b'"a,b",text,f,t\n'
    assert input_example(np.eye(2)) == b"x0,x1\n1.0,0.0\n0.0,1.0\n"
    assert input_example([1, 2]) == b"input\n1\n2\n"
    assert input_example(pd.Series([None, "x"], name="s")) == b's\n""\nx\n'
    assert input_example({"k": [1, 2]}, rows=1) == b"k\n1\n"


# -- what is said of an estimator


def test_what_is_said_of_a_forest() -> None:
    import sklearn

    about = flavour.describe(fitted("forest")[0])
    assert about["framework"] == {"name": "scikit-learn", "version": sklearn.__version__}
    assert about["architecture"] == "sklearn.ensemble.RandomForestClassifier"
    assert about["task"] == "classification"
    assert about["features"] == ["tenure", "charges"]
    assert about["params"]["n_estimators"] == 5
    assert about["params"]["max_depth"] is None
    json.dumps(about, allow_nan=False)


def test_what_is_said_of_a_pipeline() -> None:
    about = flavour.describe(fitted("mixed")[0])
    assert about["architecture"] == (
        "sklearn.pipeline.Pipeline(ColumnTransformer(StandardScaler, OneHotEncoder), RandomForestClassifier)"
    )
    assert about["params"]["class_weight"] == {"0": 1.0, "1": 2.0}
    assert about["features"] == ["tenure", "charges", "plan"]


@pytest.mark.parametrize("name", NAMES)
def test_every_description_is_plain(name: str) -> None:
    estimator, X = fitted(name)
    about = flavour.describe(estimator)
    assert json.loads(json.dumps(about, allow_nan=False)) == about
    importance = flavour.feature_importance(estimator, list(X.columns))
    assert importance is None or all(math.isfinite(value) for value in importance["values"].values())


@pytest.mark.parametrize(
    ("name", "task"),
    [("ridge", "regression"), ("kmeans", "clustering"), ("isolation", "other"), ("search", "classification")],
)
def test_tasks(name: str, task: str) -> None:
    assert flavour.describe(fitted(name)[0])["task"] == task


def test_importance_through_a_pipeline_has_the_transformers_names() -> None:
    found = flavour.feature_importance(fitted("mixed")[0], ["tenure", "charges", "plan"])
    assert found is not None
    assert found["method"] == "impurity"
    assert set(found["values"]) == {
        "num__tenure",
        "num__charges",
        *(f"cat__plan_{p}" for p in ("basic", "plus", "pro")),
    }
    sizes = list(found["values"].values())
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == pytest.approx(1, abs=1e-4)


def test_coefficients_keep_their_sign_for_two_classes() -> None:
    estimator, _ = fitted("logistic")
    found = flavour.feature_importance(estimator)
    assert found == {
        "method": "coefficients",
        "values": {
            n: float(f"{v:.6g}")
            for n, v in sorted(zip(("x0", "x1"), estimator.coef_[0], strict=True), key=lambda i: -abs(i[1]))
        },
    }
    assert flavour.feature_importance(fitted("svc")[0]) is None
    assert flavour.feature_importance(fitted("hist")[0]) is None


def test_importance_over_several_classes_and_many_features() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 150))
    found = flavour.feature_importance(LogisticRegression().fit(X, rng.integers(0, 3, 60)))
    assert found is not None
    assert len(found["values"]) == flavour.IMPORTANCES
    assert all(value >= 0 for value in found["values"].values())


def test_automatic_versions_of_estimators(repo: Repo) -> None:
    """Through the SDK: what scikit-learn calls parameters is a seed, a number of threads, or a hyperparameter."""
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    init(repo.path, policy="open", remote=None, embedded=True)
    registry = Registry(repo.path)
    X, y = data()
    X = X[["tenure", "charges"]]

    def made(estimator: Any, rows: Any = X) -> tuple[str, list[str]]:
        version = registry.register("churn", model=estimator.fit(rows, y), X=rows, bump="auto")
        assert version.registration is not None
        return str(version.version), list(version.registration.reasons)

    small: dict[str, Any] = {"n_estimators": 2, "max_depth": 2}
    assert made(RandomForestClassifier(**small, random_state=0))[0] == "1.0.0"
    assert made(RandomForestClassifier(**small, random_state=0))[0] == "1.0.0"
    seeded, why = made(RandomForestClassifier(**small, random_state=1))
    assert (seeded, why[:2]) == ("1.0.1", ["the same set-up, trained again", "seed random_state 0 -> 1"])
    threaded, why = made(RandomForestClassifier(**small, random_state=1, n_jobs=2))
    assert (threaded, why[:2]) == ("1.0.2", ["the same set-up, trained again", "environment n_jobs none -> 2"])
    deeper, why = made(RandomForestClassifier(n_estimators=2, max_depth=3, random_state=1))
    assert (deeper, why[0]) == ("1.1.0", "parameter max_depth 2 -> 3")
    other, why = made(ExtraTreesClassifier(n_estimators=2, max_depth=3, random_state=1))
    assert (other, why[0].split(" -> ")[1]) == ("2.0.0", "sklearn.ensemble.ExtraTreesClassifier")
    wider, why = made(ExtraTreesClassifier(n_estimators=2, max_depth=3, random_state=1), X.assign(visits=1))
    assert wider == "3.0.0"
    assert "feature visits added" in why
