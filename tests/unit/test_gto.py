"""Tags of GTO as steps: its grammar, its order, and the stage where a version ends up; what is left after an import."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain import declared, gto
from modelreg.domain.gto import GtoTag, Step
from modelreg.errors import InvalidError


def tag(name: str, commit: str = "c1", at: int = 0, message: str = "", by: str = "ann@example.org") -> GtoTag:
    return GtoTag(name, commit, message, at, by)


def told(*tags: GtoTag) -> list[tuple[str, str | None, str | None]]:
    (history,) = gto.events(tags).values()
    return [(step.kind, step.version, step.to) for step in gto.steps(history)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("churn@v1.0.0", ("churn", "v1.0.0", None, False)),
        ("churn@v1.0.0-rc.1#3", ("churn", "v1.0.0-rc.1", None, False)),
        ("churn@v1.0.0!", ("churn", "v1.0.0", None, True)),
        ("ml/team=churn#prod#7", ("ml/team:churn", None, "prod", False)),
        ("churn#prod!#8", ("churn", None, "prod", True)),
        ("churn@deprecated", ("churn", None, None, False)),
        ("A/b_c@v0.0.1", ("A/b_c", "v0.0.1", None, False)),
        ("v1.0.0", None),
        ("churn@1.0.0", None),
        ("churn@created", None),
        ("-x@v1.0.0", None),
        ("churn#", None),
    ],
)
def test_the_grammar(name: str, found: tuple[str, str | None, str | None, bool] | None) -> None:
    event = gto.parse(tag(name))
    assert (None if event is None else (event.artifact, event.version, event.stage, event.cancel)) == found


def test_a_life() -> None:
    assert told(
        tag("m@v1.0.0", "c1", 1),
        tag("m#dev#1", "c1", 2),
        tag("m@v1.1.0", "c2", 3),
        tag("m#prod#2", "c1", 4),
        tag("m#prod!#3", "c1", 5),  # what it held before comes back
        tag("m#prod#4", "c2", 6),
        tag("m@v1.0.0!", "c1", 7),
        tag("m#prod!#5", "c2", 8),
        tag("m@deprecated", "c2", 9),
    ) == [
        ("register", "1.0.0", None),
        ("move", "1.0.0", "dev"),
        ("register", "1.1.0", None),
        ("move", "1.0.0", "prod"),
        ("move", "1.0.0", "dev"),
        ("move", "1.1.0", "prod"),
        ("withdraw", "1.0.0", None),
        ("move", "1.1.0", None),
        ("retire", None, None),
    ]


def test_the_order_is_by_time_and_then_by_name() -> None:
    """`#9` comes after `#10` where both are of one second; a version is registered before it moves all the same."""
    assert told(tag("m#a#9", at=5), tag("m#b#10", at=5), tag("m@v1.0.0", at=6)) == [
        ("register", "1.0.0", None),
        ("move", "1.0.0", "a"),
        ("move", "1.0.0", "b"),
    ]


def test_a_stage_at_a_commit_without_a_version() -> None:
    assert told(tag("m@v1.0.0", "c1"), tag("m#a#1", "c9", 1)) == [("register", "1.0.0", None), ("nothing", None, None)]


def _left(tags: list[GtoTag], recorded: list[str], moved: frozenset[str] = frozenset()) -> list[str]:
    (history,) = gto.events(tags).values()
    return [step.event.tag.name for step in gto.outstanding(history, recorded, moved)]


def test_what_is_left_to_do() -> None:
    tags = [
        tag("m@v1.0.0", "c1", 1),
        tag("m@v2.0.0", "c2", 2),
        tag("m#prod#1", "c1", 3),
        tag("m#dev#2", "c2", 4),
        tag("m#prod#3", "c2", 5),
        tag("m#qa#4", "c1", 6),
    ]
    assert _left(tags, []) == ["m#prod#1", "m#dev#2", "m#prod#3", "m#qa#4"]
    assert _left(tags, ["m#dev#2"]) == ["m#prod#3", "m#qa#4"]  # 2.0.0 took prod later: 1.0.0 shall not displace it
    assert _left(tags, ["m#prod#3"]) == ["m#qa#4"]
    assert _left(tags, ["m#qa#4"]) == ["m#prod#3"]  # it was refused, and is where 2.0.0 stands there
    assert _left(tags, ["m#qa#4"], frozenset({"2.0.0"})) == []  # somebody here decided otherwise


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["c1", "c2"]), st.booleans()), max_size=12))
def test_a_version_stands_where_it_was_assigned_last(moves: list[tuple[str, str, bool]]) -> None:
    tags = [tag("m@v1.0.0", "c1"), tag("m@v2.0.0", "c2")]
    held: dict[str, list[str]] = {"c1": [], "c2": []}
    for number, (stage, commit, cancel) in enumerate(moves, 1):
        tags.append(tag(f"m#{stage}{'!' if cancel else ''}#{number}", commit, number))
        held[commit] = [s for s in held[commit] if s != stage] + ([] if cancel else [stage])
    (history,) = gto.events(tags).values()
    last: dict[str, Step] = {step.version: step for step in gto.steps(history) if step.kind == "move" and step.version}
    for commit, version in (("c1", "1.0.0"), ("c2", "2.0.0")):
        if version in last:
            assert last[version].to == (held[commit][-1] if held[commit] else None)


def test_reasons_are_found_again_and_harmless() -> None:
    event = gto.parse(tag("m#prod#1", message="go\n\x1b[31m\u202elive", by="ann"))
    assert event is not None
    assert event.reason.isprintable()
    assert gto.tag_of(event.reason) == "m#prod#1"
    assert gto.tag_of("as asked in GTO tag x") is None


def test_names_of_models() -> None:
    assert gto.model_name("ml/team:Churn/v_2", {}) == "churn-v_2"
    assert gto.model_name("a:b", {"a:b": "c"}) == "c"
    with pytest.raises(InvalidError):
        gto.model_name("a", {"a": "Not a name"})


def test_what_a_dvc_yaml_declares() -> None:
    body = {"a": {"path": "x/m.pkl", "type": "model", "desc": "d", "labels": ["l"]}, "b": {"path": "../../up"}, "c": 1}
    (found,) = declared.artifacts(body, "ml").values()
    assert (found.name, found.path, found.type, found.description, found.labels) == (
        "ml:a",
        "ml/x/m.pkl",
        "model",
        "d",
        ("l",),
    )
    for path in ("/etc/passwd", "..", "../x", ".", "", "a\\b", 7, None, "a\0b"):
        assert declared.artifacts({"a": {"path": path}}, "") == {}
    assert declared.artifacts({"a": {"path": "../x"}}, "ml/team")["ml/team:a"].path == "ml/x"
    whole = {
        "metrics": ["a.json", {"b.json": {"cache": False}}],
        "params": ["p.yaml"],
        "stages": {"t": {"metrics": [{"c.json": None}, "a.json"], "params": ["lr", {"q.yaml": ["x"]}]}, "bad": 1},
    }
    assert declared.metrics_files(whole, "") == ("a.json", "b.json", "c.json")
    assert declared.params_files(whole, "ml") == ("ml/p.yaml", "ml/params.yaml", "ml/q.yaml")
