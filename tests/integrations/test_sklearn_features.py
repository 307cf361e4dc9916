"""What a scikit-learn estimator says of its transformations and its seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelreg.integrations import sklearn_features
from modelreg.integrations.sklearn_features import describe, features, seeds

X = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1, 0, 1, 0], "c": list("xyxz"), "d": [4, 3, 2, 1]})
Y = [0, 1, 0, 1]


def prepared(**options: Any) -> ColumnTransformer:
    numeric = Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    parts = [
        ("numeric", numeric, ["a", "b"]),
        ("plan", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["c"]),
        ("log", FunctionTransformer(np.log1p), [0]),
        ("gone", "drop", ["b"]),
    ]
    return ColumnTransformer(parts, **options)


def test_a_pipeline_with_a_column_transformer() -> None:
    model = Pipeline([("prepare", prepared(remainder="passthrough")), ("predict", LogisticRegression())]).fit(X, Y)
    expected = [
        {"name": "prepare/numeric/fill", "from": ["a", "b"], "transformation": "SimpleImputer(strategy='median')"},
        {"name": "prepare/numeric/scale", "from": ["a", "b"], "transformation": "StandardScaler()"},
        {
            "name": "prepare/plan",
            "from": ["c"],
            "transformation": "OneHotEncoder(handle_unknown='ignore', sparse_output=False)",
        },
        {"name": "prepare/log", "from": ["a"], "transformation": "FunctionTransformer(func=numpy.log1p)"},
    ]
    assert features(model) == expected
    more = X.assign(c=list("wxyz"))
    again = Pipeline([("prepare", prepared()), ("predict", LogisticRegression())]).fit(more, Y)
    assert features(again) == expected, "a new category is no new set-up"


def test_what_goes_on_from_a_transformer_keeps_its_names() -> None:
    frame = X[["a", "b"]]
    model = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler(), LogisticRegression())
    found = features(model.fit(frame, Y))
    assert found[0] == {
        "name": "polynomialfeatures",
        "from": ["a", "b"],
        "transformation": "PolynomialFeatures(include_bias=False)",
    }
    assert found[1]["from"] == ["a", "b", "a^2", "a b", "b^2"]
    union = make_pipeline(FeatureUnion([("one", StandardScaler()), ("two", "passthrough")]), LogisticRegression())
    assert [entry["name"] for entry in features(union.fit(frame, Y))] == ["featureunion/one"]


def test_columns_by_position_slice_and_mask() -> None:
    for chosen in ([0, 1], slice(0, 2), [True, True, False, False], np.array([True, True, False, False])):
        part = ColumnTransformer([("s", StandardScaler(), chosen)])
        model = make_pipeline(part, LogisticRegression()).fit(X, Y)
        assert features(model)[0]["from"] == ["a", "b"], chosen
    unnamed = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[["a", "b"]].to_numpy(), Y)
    assert features(unnamed) == [{"name": "standardscaler", "transformation": "StandardScaler()"}]


def test_where_nothing_is_transformed() -> None:
    assert features(RandomForestClassifier(n_estimators=2).fit(X[["a"]], Y)) == []
    assert features(make_pipeline("passthrough", LogisticRegression()).fit(X[["a"]], Y)) == []
    assert features(object()) == []


def test_a_search_is_what_it_settled_on() -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"standardscaler__with_mean": [False]}, cv=2
    )
    found = features(search.fit(X[["a", "b"]], Y))
    assert found[0]["transformation"] == "StandardScaler(with_mean=False)"


def test_a_description_is_the_same_in_every_process() -> None:
    assert describe(FunctionTransformer(lambda x: x)).endswith(
        "(func=tests.integrations.test_sklearn_features.test_a_description_is_the_same_in_every_process.<locals>.<lambda>)"
    )
    assert describe(FunctionTransformer(kw_args={"a": object()})) == "FunctionTransformer(kw_args=<dict>)"
    assert len(describe(OneHotEncoder(categories=[list(range(10_000))]))) < 300


def test_the_number_of_entries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn_features, "MAX_FEATURES", 2)
    model = make_pipeline(*(StandardScaler() for _ in range(4)), LogisticRegression()).fit(X[["a"]], Y)
    assert len(features(model)) == 2


def test_seeds() -> None:
    bagged = BaggingClassifier(DecisionTreeClassifier(random_state=np.int64(3)), random_state=5)
    assert seeds(make_pipeline(StandardScaler(), bagged)) == {
        "baggingclassifier__estimator__random_state": 3,
        "baggingclassifier__random_state": 5,
    }
    assert seeds(RandomForestClassifier(random_state=7)) == {"random_state": 7}
    assert seeds(RandomForestClassifier(random_state=np.random.RandomState(1))) == {}
    assert seeds(LogisticRegression()) == {}
    assert seeds(object()) == {}
