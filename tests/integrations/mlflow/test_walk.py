"""Random walks over the API: sqlite and modelreg answer every call alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException

from modelreg.domain.names import ModelName
from modelreg.integrations.mlflow.folding import continued
from modelreg.integrations.mlflow.store import ModelregStore
from modelreg.integrations.mlflow.view import View
from modelreg.registry.sequence import sequence
from modelreg.wiring import open_workspace
from tests.cli.runner import done
from tests.integrations.mlflow.conftest import sqlalchemy_store
from tests.support import Repo

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = ("churn", "Churn", "churn 2")
NOT_COMPARED = {"creation_timestamp", "last_updated_timestamp", "user_id"}
"""Times differ between two stores; SqlAlchemyStore knows no user."""
Call = tuple[str, tuple[Any, ...]]


def a_call(draw: random.Random) -> Call:
    """One call with arguments that are mostly right."""
    name, other, number = draw.choice(NAMES), draw.choice(NAMES), draw.randint(1, 4)
    alias, stage = draw.choice(("champion", "Champ", "x1")), draw.choice(("None", "staging", "Production", "Archived"))
    key, text = draw.choice("abc"), draw.choice(("", "v", "w w"))
    tags = [ModelVersionTag(key, text)] if draw.random() < 0.5 else None
    condition = draw.choice((None, f"name = '{name}'", f"tag.{key} = '{text}'", f"tag.{key} != 'v'"))
    calls: list[Call] = [
        ("create_registered_model", (name, [RegisteredModelTag(key, text)], draw.choice((text, None)))),
        ("create_registered_model", (name,)),
        ("rename_registered_model", (name, other)),
        ("update_registered_model", (name, draw.choice((text, None)))),
        ("delete_registered_model", (name,)),
        ("get_registered_model", (name,)),
        ("set_registered_model_tag", (name, RegisteredModelTag(key, text))),
        ("delete_registered_model_tag", (name, key)),
        ("get_latest_versions", (name, draw.choice((None, [stage])))),
        ("get_model_version", (name, number)),
        ("update_model_version", (name, number, draw.choice((text, None)))),
        ("delete_model_version", (name, number)),
        ("get_model_version_download_uri", (name, number)),
        ("set_model_version_tag", (name, number, ModelVersionTag(key, text))),
        ("delete_model_version_tag", (name, number, key)),
        ("delete_registered_model_alias", (name, alias)),
        ("get_model_version_by_alias", (name, alias)),
        ("search_registered_models", (condition,)),
        ("search_model_versions", (condition,)),
    ]
    often: list[Call] = [
        ("create_model_version", (name, draw.choice(("a/b", f"models:/{other}/{number}")), text or None, tags)),
        ("transition_model_version_stage", (name, number, stage, draw.random() < 0.5)),
        ("set_registered_model_alias", (name, alias, number)),
    ]
    return draw.choice(often if draw.random() < 0.5 else calls)


def answer(store: Any, call: Call) -> Any:
    """What a call gives, or the code and the words of its error."""
    name, arguments = call
    try:
        return plain(getattr(store, name)(*arguments))
    except MlflowException as error:
        return error.error_code, error.message.split("Error:")[0].rstrip()


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if key not in NOT_COMPARED | {"modelreg.version"}}
    return plain(dict(value)) if hasattr(value, "_properties") else value


@pytest.mark.parametrize("seed", range(3))
def test_both_stores_answer_alike(
    seed: int, database: str, ours: ModelregStore, repo: Repo, record_property: Callable[[str, object], None]
) -> None:
    draw = random.Random(seed)
    theirs = sqlalchemy_store(database)
    calls: list[Call] = [("create_registered_model", (NAMES[0],)), ("create_model_version", (NAMES[0], "a/b"))]
    calls += [a_call(draw) for _ in range(60)]
    for position, call in enumerate(calls):
        record_property("calls", position)
        assert answer(ours, call) == answer(theirs, call), (position, call)
    theirs.engine.dispose()
    # The view that grew call by call is the one that the whole history gives, and counts as modelreg counts.
    workspace = open_workspace(repo.path)
    whole = continued(workspace, View(), workspace.tip())
    assert whole == ours._session.view
    for folder, model in whole.folders.items():
        assert tuple(version.version for version in model.versions) == sequence(workspace, ModelName(folder))
    done("validate", registry=repo.path)
    done("verify", registry=repo.path)
