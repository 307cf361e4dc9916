"""MLflow's free names and ours: every name gets one, no two get the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.names import ModelName, collision_key, parse_alias, parse_model
from modelreg.integrations.mlflow.naming import Named, alias_for, alias_shown, folder_for, is_free_name, shown

FREE = st.text(min_size=1, max_size=300)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("churn_predictor", "churn_predictor"),
        ("Churn Predictor (EU)", "churn-predictor-eu"),
        ("Größe", "groe"),
        ("日本", "model"),
        ("-", "model"),
        ("approvals", "model-approvals"),
        ("con", "model-con"),
        ("a" * 300, "a" * 64),
        ("../../etc/passwd", "etc-passwd"),
        (".git", "git"),
        ("--upload-pack=x", "upload-pack-x"),
        ("x\n\x1b[31m", "x-31m"),
    ],
)
def test_a_folder_looks_like_the_name(name: str, folder: str) -> None:
    assert folder_for(name, ()) == folder


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert folder_for("churn", ("churn",)) == "churn-2"
    assert folder_for("Churn", ("churn", "churn_2")) == "churn-3"  # R9: churn-2 and churn_2 are no two names
    assert folder_for("a-b", ("a_b",)) == "a-b-2"
    assert len(folder_for("a" * 64, ("a" * 64,))) <= 64


@given(st.lists(FREE, max_size=12))
def test_folders_are_legal_and_never_collide(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        folder = folder_for(name, taken)
        assert parse_model(folder) == folder
        taken.append(folder)
    assert len({collision_key(folder) for folder in taken}) == len(taken)


@given(st.lists(FREE, max_size=12, unique=True))
def test_aliases_are_legal_and_come_back(names: list[str]) -> None:
    table: dict[str, str] = {}
    set_: dict[str, str] = {}
    for name in names:
        alias = alias_for(name, table, set_)
        assert parse_alias(alias) == alias
        if alias != name:
            table[alias] = name
        set_[alias] = name
    assert {alias_shown(alias, table): name for alias, name in set_.items()} == {name: name for name in names}
    assert len(set_) == len(names)


def test_an_alias_of_the_registry_keeps_its_name() -> None:
    assert alias_for("champion", {}, ("champion",)) == "champion"
    assert alias_for("Champion", {}, ("champion",)) == "champion-2"
    assert alias_for("champion", {"champion": "Champion"}, ("champion",)) == "champion-2"
    assert alias_for("1" * 200, {}, ()).startswith("alias-1")
    assert alias_for("V2", {}, ()) == "alias-v2"


NAMED = st.builds(
    Named, st.sampled_from("abcd").map(ModelName), st.none() | st.sampled_from(["a", "b", "X", "a.2", "x/y", " "])
)


@given(st.lists(NAMED, unique_by=lambda model: model.folder))
def test_every_model_is_shown_under_one_name_of_its_own(models: list[Named]) -> None:
    names = shown(models)
    assert sorted(names.values()) == sorted(model.folder for model in models)
    assert all(is_free_name(name) for name in names)
    by_folder = {folder: name for name, folder in names.items()}
    for model in models:
        if model.display_name in (None, model.folder, "x/y", " "):
            assert by_folder[model.folder] == model.folder
