"""The whole abstract store with the same steps on sqlite and on modelreg, and the same answers."""

from __future__ import annotations

import inspect
import textwrap
import time
from typing import Any
from unittest import mock

import pytest
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.store.model_registry.abstract_store import AbstractStore

from modelreg.integrations.mlflow.store import ModelregStore
from tests.cli.runner import done
from tests.support import Repo

pytestmark = pytest.mark.filterwarnings("ignore")
MISSING, INVALID, TAKEN = "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS"


def refused(code: str, match: str) -> Any:
    """An MlflowException with that code and those words."""
    return pytest.raises(MlflowException, match=match, check=lambda error: error.error_code == code)


def test_no_method_of_the_abstract_store_is_left_out() -> None:
    left = []
    for name, method in inspect.getmembers(AbstractStore, inspect.isfunction):
        body = textwrap.dedent(inspect.getsource(method))
        abstract = getattr(method, "__isabstractmethod__", False) or "raise NotImplementedError" in body
        if abstract and getattr(ModelregStore, name) is method:
            left.append(name)
    assert left == []


def test_models_are_created_described_and_found(store: Any) -> None:
    before = time.time() * 1000 - 1
    made = store.create_registered_model("Churn Predictor (EU)", [RegisteredModelTag("team", "a")], "who leaves")
    assert (made.name, made.description, made.tags) == ("Churn Predictor (EU)", "who leaves", {"team": "a"})
    assert before <= made.creation_timestamp == made.last_updated_timestamp <= time.time() * 1000
    assert (made.latest_versions, made.aliases) == ([], {})
    assert dict(store.get_registered_model(made.name)) == dict(made)
    changed = store.update_registered_model(made.name, "who left")
    assert changed.description == "who left"
    assert changed.creation_timestamp == made.creation_timestamp < changed.last_updated_timestamp
    assert store.update_registered_model(made.name, None).description is None
    with refused(TAKEN, r"Registered Model \(name=Churn Predictor \(EU\)\) already exists."):
        store.create_registered_model(made.name)
    with refused(MISSING, "Registered Model with name=churn not found"):
        store.get_registered_model("churn")
    for wrong, said in ((None, "Missing value"), ("", "Missing value"), ("a/b", "cannot contain"), ("..", "Invalid")):
        with refused(INVALID, said):
            store.create_registered_model(wrong)


def test_names_that_differ_little_are_different_names(store: Any) -> None:
    names = [
        "churn",
        "Churn",
        "churn!",
        "CHURN",
        "churn-2",
        "chürn",
        "con",
        "approvals",
        "日本",
        "-",
        "c" * 256,
        "a_b",
        "a-b",
    ]
    for name in names:
        store.create_registered_model(name, [RegisteredModelTag("is", name)])
    assert [store.get_registered_model(name).tags["is"] for name in names] == names
    assert sorted(model.name for model in store.search_registered_models()) == sorted(names)


def test_a_model_is_renamed(store: Any) -> None:
    store.create_registered_model("old name")
    store.create_model_version("old name", "a/b")
    renamed = store.rename_registered_model("old name", "new name")
    assert renamed.name == "new name"
    version = store.get_model_version("new name", 1)
    assert (version.name, version.version, version.last_updated_timestamp) == (
        "new name",
        1,
        renamed.last_updated_timestamp,
    )
    with refused(MISSING, "name=old name not found"):
        store.get_registered_model("old name")
    store.create_registered_model("old name")
    with refused(TAKEN, r"Registered Model \(name=old name\) already exists"):
        store.rename_registered_model("new name", "old name")
    with refused(INVALID, "Missing value for required parameter 'new_name'"):
        store.rename_registered_model("old name", " ")
    with refused(MISSING, "name=none not found"):
        store.rename_registered_model("none", "some")
    assert store.rename_registered_model("new name", "new name").name == "new name"


def test_a_deleted_model_leaves_its_name(store: Any) -> None:
    store.create_registered_model("churn")
    store.create_model_version("churn", "a/b")
    store.set_registered_model_alias("churn", "champion", 1)
    store.delete_registered_model("churn")
    with refused(MISSING, "Registered Model with name=churn not found"):
        store.delete_registered_model("churn")
    with refused(MISSING, r"Model Version \(name=churn, version=1\) not found"):
        store.get_model_version("churn", 1)
    assert store.search_registered_models() == []
    assert store.search_model_versions() == []
    again = store.create_registered_model("churn")
    assert (again.aliases, again.latest_versions) == ({}, [])
    assert store.create_model_version("churn", "c/d").version == 1


def test_versions_are_numbers_that_are_never_given_again(store: Any) -> None:
    store.create_registered_model("churn")
    assert [store.create_model_version("churn", "same/source").version for _ in range(3)] == [1, 2, 3]
    store.delete_model_version("churn", 3)
    store.delete_model_version("churn", "1")
    assert store.create_model_version("churn", "same/source").version == 4
    assert {version.version for version in store.search_model_versions("name='churn'")} == {2, 4}
    for call in (store.get_model_version, store.delete_model_version, store.get_model_version_download_uri):
        for number in (0, 1, 3, 9, -1):
            with refused(MISSING, rf"Model Version \(name=churn, version={number}\) not found"):
                call("churn", number)
        with refused(INVALID, "must be an integer"):
            call("churn", "one")
    with refused(MISSING, "Registered Model with name=none not found"):
        store.create_model_version("none", "a/b")


def test_a_version_says_what_it_was_told(store: Any) -> None:
    store.create_registered_model("churn")
    tags = [ModelVersionTag("a", "1"), ModelVersionTag("b.c/d e", "")]
    made = store.create_model_version("churn", "dbfs:/a", "run1", tags, "http://here/run", "a description")
    assert (made.source, made.run_id, made.run_link) == ("dbfs:/a", "run1", "http://here/run")
    assert (made.description, made.tags, made.current_stage) == ("a description", {"a": "1", "b.c/d e": ""}, "None")
    assert (made.status, made.status_message, made.aliases) == ("READY", None, [])
    read = {key: value for key, value in dict(store.get_model_version("churn", 1)).items() if key != "user_id"}
    assert read == {key: value for key, value in dict(made).items() if key != "user_id"}
    plain = store.create_model_version("churn", "dbfs:/a")
    assert (plain.run_id, plain.run_link, plain.description, plain.tags) == (None, None, None, {})
    assert store.update_model_version("churn", 2, "now").description == "now"
    assert store.update_model_version("churn", 2).description is None
    assert store.get_model_version_download_uri("churn", 1) == "dbfs:/a"


def test_stages_with_and_without_archiving(store: Any) -> None:
    store.create_registered_model("churn")
    for _ in range(3):
        store.create_model_version("churn", "a/b")

    def stages() -> list[str]:
        return [store.get_model_version("churn", number).current_stage for number in (1, 2, 3)]

    assert store.transition_model_version_stage("churn", 1, "production", False).current_stage == "Production"
    store.transition_model_version_stage("churn", "2", "PRODUCTION", False)
    assert stages() == ["Production", "Production", "None"]
    moved = store.transition_model_version_stage("churn", 3, "Production", True)
    assert stages() == ["Archived", "Archived", "Production"]
    assert moved.last_updated_timestamp == store.get_model_version("churn", 1).last_updated_timestamp
    store.transition_model_version_stage("churn", 1, "Staging", True)
    store.transition_model_version_stage("churn", 1, "Staging", True)
    store.transition_model_version_stage("churn", 2, "None", False)
    assert stages() == ["Staging", "None", "Production"]
    latest = {version.current_stage: version.version for version in store.get_latest_versions("churn")}
    assert latest == {"Staging": 1, "None": 2, "Production": 3}
    assert [version.version for version in store.get_latest_versions("churn", ["pRoDuction", "Archived"])] == [3]
    with refused(
        INVALID, "Invalid Model Version stage: live. Value must be one of None, Staging, Production, Archived"
    ):
        store.transition_model_version_stage("churn", 1, "live", False)
    with refused(INVALID, "Invalid Model Version stage: live"):
        store.get_latest_versions("churn", ["live"])
    for stage in ("Archived", "None"):
        with refused("INTERNAL_ERROR", f"because '{stage}' is not an Active stage"):
            store.transition_model_version_stage("churn", 1, stage, True)
    with refused(MISSING, r"Model Version \(name=churn, version=7\) not found"):
        store.transition_model_version_stage("churn", 7, "Production", True)
    assert stages() == ["Staging", "None", "Production"]


def test_tags_of_models_and_versions(store: Any) -> None:
    store.create_registered_model("churn", [RegisteredModelTag("a", "1"), RegisteredModelTag("a", "2")])
    store.create_model_version("churn", "a/b", tags=[ModelVersionTag("a", "1")])
    store.set_registered_model_tag("churn", RegisteredModelTag("b", "x" * 100_000))
    store.set_model_version_tag("churn", "1", ModelVersionTag("k" * 250, "ü\n\t'\"#: - x"))
    store.set_model_version_tag("churn", 1, ModelVersionTag("a", "new"))
    model, version = store.get_registered_model("churn"), store.get_model_version("churn", 1)
    assert model.tags == {"a": "2", "b": "x" * 100_000}
    assert version.tags == {"a": "new", "k" * 250: "ü\n\t'\"#: - x"}
    # Neither a tag nor an alias is an update.
    assert version.last_updated_timestamp == version.creation_timestamp == model.last_updated_timestamp
    store.delete_registered_model_tag("churn", "a")
    store.delete_registered_model_tag("churn", "a")
    store.delete_model_version_tag("churn", 1, "a")
    store.delete_model_version_tag("churn", 1, "never there")
    assert store.get_registered_model("churn").tags.keys() == {"b"}
    assert store.get_model_version("churn", 1).tags.keys() - {"modelreg.version"} == {"k" * 250}
    for key, value, said in (
        ("k" * 251, "v", "'key' exceeds the maximum length of 250 characters"),
        ("k", "v" * 100_001, "'value' exceeds the maximum length of 100000 characters"),
        (None, "v", "Missing value for required parameter 'key'"),
        ("../k", "v", "Invalid value"),
    ):
        with refused(INVALID, said):
            store.set_registered_model_tag("churn", RegisteredModelTag(key, value))
        with refused(INVALID, said):
            store.set_model_version_tag("churn", 1, ModelVersionTag(key, value))
    with refused(MISSING, "not found"):
        store.set_model_version_tag("churn", 2, ModelVersionTag("a", "1"))
    with refused(MISSING, "not found"):
        store.delete_registered_model_tag("none", "a")


def test_aliases(store: Any) -> None:
    store.create_registered_model("churn")
    for _ in range(2):
        store.create_model_version("churn", "a/b")
    names = ["champion", "Champion", "prod-EU_1", "1st", "a" * 255, "ä", "aliases"]
    for name in names:
        store.set_registered_model_alias("churn", name, 1)
    store.set_registered_model_alias("churn", "champion", "2")
    assert store.get_registered_model("churn").aliases == dict.fromkeys(names, 1) | {"champion": 2}
    assert [store.get_model_version_by_alias("churn", name).version for name in names] == [2, 1, 1, 1, 1, 1, 1]
    assert store.get_model_version("churn", 2).aliases == ["champion"]
    assert store.get_model_version_by_alias("churn", "LATEST").version == 2
    for name in ("latest", "v1", "V22", "a.b", "", "a b"):
        with refused(INVALID, "reserved|Invalid alias name|cannot be empty"):
            store.set_registered_model_alias("churn", name, 1)
    store.delete_registered_model_alias("churn", "Champion")
    store.delete_registered_model_alias("churn", "Champion")
    with refused(INVALID, "Registered model alias Champion not found."):
        store.get_model_version_by_alias("churn", "Champion")
    with refused(INVALID, "Registered model alias CHAMPION not found."):
        store.get_model_version_by_alias("churn", "CHAMPION")
    store.delete_model_version("churn", 2)
    assert set(store.get_registered_model("churn").aliases) == set(names) - {"champion", "Champion"}
    for call in (store.delete_registered_model_alias, store.get_model_version_by_alias):
        with refused(MISSING, "Registered Model with name=none not found"):
            call("none", "champion")
    store.create_registered_model("empty")
    with refused(MISSING, "Latest version not found for model empty."):
        store.get_model_version_by_alias("empty", "latest")


def test_copies(store: Any) -> None:
    store.create_registered_model("churn")
    tags = [ModelVersionTag("a", "1")]
    source = store.create_model_version("churn", "dbfs:/a", "run1", tags, "http://run", "told")
    store.transition_model_version_stage("churn", 1, "Production", False)
    for name, number in (("churn", 2), ("Other", 1)):
        copy = store.copy_model_version(store.get_model_version("churn", 1), name)
        assert (copy.name, copy.version, copy.source, copy.current_stage) == (name, number, "models:/churn/1", "None")
        assert (copy.run_id, copy.run_link, copy.description, copy.tags) == ("run1", "http://run", "told", {"a": "1"})
        assert store.get_model_version_download_uri(name, number) == source.source
    for uri in ("models:/churn/7", "models:/none/1", "models:/churn/Production", "models:/m-0123"):
        with refused("INTERNAL_ERROR", "Unable to fetch model from model URI source artifact location"):
            store.create_model_version("churn", uri)


def test_search_for_versions(store: Any) -> None:
    for name in ("b", "a"):
        store.create_registered_model(name)
    for number, (name, tag) in enumerate((("b", "x"), ("a", "y"), ("b", "xy"), ("a", None))):
        tags = [ModelVersionTag("t", tag)] if tag else []
        store.create_model_version(name, f"S/{number}", f"run{number % 2}" if number else None, tags)
        time.sleep(0.002)

    def found(filter_string: str | None = None, order_by: list[str] | None = None) -> list[str]:
        versions = store.search_model_versions(filter_string, 100, order_by)
        return [f"{version.name}{version.version}" for version in versions]

    assert found() == found("") == ["a2", "b2", "a1", "b1"]
    store.update_model_version("b", 1, "touched")
    store.set_model_version_tag("a", 1, ModelVersionTag("other", "not an update"))
    assert found() == ["b1", "a2", "b2", "a1"]
    for order_by, expected in (
        (["name DESC"], ["b2", "b1", "a2", "a1"]),
        (["version_number", "name DESC"], ["b1", "a1", "b2", "a2"]),
        (["creation_timestamp ASC"], ["b1", "a1", "b2", "a2"]),
        (["last_updated_timestamp"], ["a1", "b2", "a2", "b1"]),
    ):
        assert found(order_by=order_by) == expected
    for filter_string, expected in (
        ("name = 'b'", ["b1", "b2"]),
        ("name IN ('b', 'c')", ["b1", "b2"]),
        ("name = 'b' and name = 'a'", []),
        ("name != 'b' and version_number > 1", ["a2"]),
        ("version_number >= 2 and version_number < 3", ["a2", "b2"]),
        ("run_id = 'run1'", ["a2", "a1"]),
        ("run_id != 'run1'", ["b2"]),
        ("run_id NOT IN ('run1')", ["b2"]),
        ("source_path LIKE 'S/%' and run_id ILIKE 'RUN_'", ["a2", "b2", "a1"]),
        ("source_path LIKE 's/%'", []),
        ("tag.t = 'x'", ["b1"]),
        ("tags.`t` LIKE 'x%'", ["b1", "b2"]),
        ("tag.t ILIKE 'X%' and tag.t != 'x'", ["b2"]),
        ("tag.t != 'x'", ["b2", "a1"]),
        ("tag.none != 'x'", []),
    ):
        assert found(filter_string) == expected, filter_string
    for wrong in (
        "name > 'a'",
        "version_number LIKE '1'",
        "stage = 'x'",
        "tag.t IN ('x')",
        "name",
        "version_number = 1.5",
    ):
        with refused(INVALID, ""):
            found(wrong)
    with refused(INVALID, "Invalid attribute key 'run_id' specified"):
        found(order_by=["run_id"])
    with pytest.raises(MlflowException, match="`order_by` contains duplicate fields"):
        found(order_by=["name", "name DESC"])


def test_pages_and_limits(store: Any) -> None:
    for name in "abcde":
        store.create_registered_model(name)
        store.create_model_version(name, "s")
    for search, options in (
        (store.search_registered_models, {}),
        (store.search_model_versions, {"order_by": ["name"]}),
    ):
        names, token = "", None
        while token is not None or not names:
            found = search(max_results=2, page_token=token, **options)
            names, token = names + "".join(item.name for item in found), found.token
        assert names == "abcde"
        assert search(max_results=5).token is None
        with refused(INVALID, "Invalid page token, could not base64-decode"):
            search(page_token="evilhax", **options)
    with refused(INVALID, "max_results. It must be at most 1000, but got value 1001"):
        store.search_registered_models(max_results=1001)
    for wrong in (0, -1, 1.5, 200_001):
        with refused(INVALID, "Invalid value for (max_results|request parameter max_results)"):
            store.search_model_versions(max_results=wrong)


def test_search_for_models(store: Any) -> None:
    for name, tag in (("RM2", "abc"), ("RM1", "abd"), ("rm3", None)):
        store.create_registered_model(name, [RegisteredModelTag("t", tag)] if tag else [])
        time.sleep(0.002)
    store.update_registered_model("RM2", "touched")

    def found(filter_string: str | None = None, order_by: list[str] | None = None) -> list[str]:
        return [model.name for model in store.search_registered_models(filter_string, 100, order_by)]

    assert found() == ["RM1", "RM2", "rm3"]
    assert found(order_by=["name DESC"]) == ["rm3", "RM2", "RM1"]
    assert (
        found(order_by=["timestamp DESC"]) == found(order_by=["last_updated_timestamp DESC"]) == ["RM2", "rm3", "RM1"]
    )
    for filter_string, expected in (
        ("name LIKE 'RM%'", ["RM1", "RM2"]),
        ("name ILIKE 'rm_'", ["RM1", "RM2", "rm3"]),
        ("name != 'RM1'", ["RM2", "rm3"]),
        ("name NOT IN ('RM1')", ["RM2", "rm3"]),
        ("tag.t LIKE 'ab%' and tag.t != 'abc'", ["RM1"]),
        ("name = 'RM1' and tags.t = 'abc'", []),
    ):
        assert found(filter_string) == expected, filter_string
    for wrong in ("name > 'a'", "run_id = 'x'", "tag.t IN ('x')", "evil = true", "name = something"):
        with refused(INVALID, ""):
            found(wrong)


def test_prompts_are_models_apart(store: Any) -> None:
    store.create_registered_model("model", [RegisteredModelTag("fruit", "apple")])
    store.create_model_version("model", "s")
    store.create_prompt("greet", "says hello", {"fruit": "apple"})
    first = store.create_prompt_version("greet", "Hello {{name}}", "the first", {"lang": "en"})
    assert (first.version, first.template, first.commit_message) == (1, "Hello {{name}}", "the first")
    assert first.tags == {"lang": "en"}
    store.create_prompt_version(
        "greet", [{"role": "user", "content": "Hi {{name}}"}], response_format={"type": "object"}
    )
    store.set_prompt_alias("greet", "live", 1)
    assert store.get_prompt_version_by_alias("greet", "live").version == 1
    assert store.get_prompt_version("greet", 2).response_format == {"type": "object"}
    assert [version.version for version in store.search_prompt_versions("greet")] == [2, 1]
    store.set_prompt_version_tag("greet", 1, "lang", "de")
    store.delete_prompt_version_tag("greet", "1", "none")
    assert store.get_prompt_version("greet", "1").tags == {"lang": "de"}
    assert store.get_prompt("greet").tags == {"fruit": "apple"}
    assert [prompt.name for prompt in store.search_prompts("tags.fruit = 'apple'")] == ["greet"]
    assert [model.name for model in store.search_registered_models("tags.fruit = 'apple'")] == ["model"]
    assert [version.name for version in store.search_model_versions()] == ["model"]
    asked = f"tags.`{IS_PROMPT_TAG_KEY}` = 'true'"
    assert [version.name for version in store.search_model_versions(asked)] == ["greet", "greet"]
    with refused(TAKEN, r"Prompt \(name=greet\) already exists"):
        store.create_prompt("greet")
    with refused(TAKEN, "the name is already taken by a prompt"):
        store.create_registered_model("greet")
    with refused(INVALID, "registered as a model, not a prompt"):
        store.search_prompt_versions("model")
    store.delete_prompt_version("greet", 1)
    store.delete_prompt_alias("greet", "live")
    store.delete_prompt("greet")
    assert store.get_prompt("greet") is None


def test_time_is_what_the_clock_says(store: Any) -> None:
    with mock.patch("time.time", return_value=1234.567):
        store.create_registered_model("churn")
    with mock.patch("time.time", return_value=2345.678):
        store.create_model_version("churn", "s")
    model, version = store.get_registered_model("churn"), store.get_model_version("churn", 1)
    assert (model.creation_timestamp, model.last_updated_timestamp) == (1234567, 2345678)
    assert (version.creation_timestamp, version.last_updated_timestamp) == (2345678, 2345678)


def test_webhooks_are_none(ours: ModelregStore) -> None:
    assert (ours.list_webhooks(), ours.list_webhooks_by_event(mock.Mock(), 10)) == ([], [])
    for call in (ours.create_webhook, ours.get_webhook, ours.update_webhook, ours.delete_webhook, ours.test_webhook):
        with refused("NOT_IMPLEMENTED", "keeps no webhooks"):
            call("anything")


def test_every_write_is_one_commit_and_the_record_holds(ours: ModelregStore, repo: Repo) -> None:
    def commits() -> int:
        return int(repo.git("rev-list", "--count", "main"))

    before = commits()
    writes: list[tuple[Any, ...]] = [
        (ours.create_registered_model, "Churn", [RegisteredModelTag("a", "b")], "told"),
        (ours.create_model_version, "Churn", "s", None, [ModelVersionTag("a", "b")], None, "told"),
        (ours.create_model_version, "Churn", "s"),
        (ours.set_registered_model_alias, "Churn", "Champion", 1),
        (ours.transition_model_version_stage, "Churn", 1, "Production", False),
        (ours.transition_model_version_stage, "Churn", 2, "Production", True),
        (ours.set_model_version_tag, "Churn", 1, ModelVersionTag("c", "d")),
        (ours.rename_registered_model, "Churn", "Leavers"),
        (ours.delete_model_version, "Leavers", 1),
        (ours.delete_registered_model, "Leavers"),
    ]
    for number, (call, *arguments) in enumerate(writes, 1):
        call(*arguments)
        assert commits() == before + number, call.__name__
    ours.create_registered_model("Leavers")
    assert done("validate", registry=repo.path).code == done("verify", registry=repo.path).code == 0
    assert repo.git("status", "--porcelain") == ""
    assert sorted(path.name for path in (repo.path / "registry").iterdir() if path.is_dir()) == ["churn", "leavers"]
