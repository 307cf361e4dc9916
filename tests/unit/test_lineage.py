"""The lineage graph: what it holds, and that no manifest, however it is written, leads it astray."""

from __future__ import annotations

from typing import Any

import pytest

from modelreg.domain import lineage
from modelreg.domain.lineage import descendants, downstream, upstream
from modelreg.domain.lineage_graph import Graph, VersionName
from modelreg.domain.lineage_parts import Parent, parents, parts
from modelreg.domain.lineage_query import Query
from modelreg.errors import InvalidError, UsageError
from tests.lineage import InMemory, body, data, everything, name, parent, sha
from tests.payloads import PAYLOADS


def arrows(graph: Graph) -> set[tuple[str, str, str]]:
    return {(graph.nodes[e.source].label, e.label, graph.nodes[e.target].label) for e in graph.edges}


def up(bodies: dict[str, Any], root: str, depth: int | None = None) -> Graph:
    return upstream(name(root), InMemory(bodies), depth)


def test_all_that_a_version_was_made_of() -> None:
    bodies = {
        "base@1.0.0": body(data=[data("pile", role="train")]),
        "churn@1.0.0": body(
            code={"commit": "a" * 40, "dirty": False, "entry_point": "train.py"},
            data=[data("customers", role="train", rows=3, columns=2)],
            environment={"python": "3.11.7", "lock": {"path": "uv.lock", "sha256": sha("lock")}},
            pipeline={"file": "dvc.yaml", "stage": "train", "command": "python train.py"},
            run={"tracker": "mlflow", "id": "42"},
            features=[{"name": "total", "from": ["a", "b"]}],
            parents=[parent("base@1.0.0")],
        ),
    }
    bodies["churn@1.0.0"]["artifacts"] = [{"path": "m.skops", "role": "model", "sha256": sha("m"), "size_bytes": 5}]
    graph = up(bodies, "churn@1.0.0")
    assert arrows(graph) == {
        ("customers", "train", "churn@1.0.0"),
        ("aaaaaaaaaaaa train.py", "code", "churn@1.0.0"),
        ("python 3.11.7", "environment", "churn@1.0.0"),
        ("dvc.yaml:train", "pipeline", "churn@1.0.0"),
        ("mlflow 42", "run", "churn@1.0.0"),
        ("total", "feature", "churn@1.0.0"),
        ("churn@1.0.0", "model", "m.skops"),
        ("base@1.0.0", "fine-tuned", "churn@1.0.0"),
        ("pile", "train", "base@1.0.0"),
    }
    assert graph.nodes[f"data:sha256:{sha('customers')}"].detail.startswith("3 rows, 2 columns, sha256 ")
    assert graph.notes == ()


@pytest.mark.parametrize(
    ("old", "new", "change", "text"),
    [
        (data("d"), data("d"), "same", "the same as in 1.0.0"),
        (data("d"), data("d", "other"), "changed", "changed: "),
        (data("d", rows=1), data("d", "other", rows=3), "changed", "changed: 1 -> 3 rows since 1.0.0"),
        (data("e"), data("d", "other"), "added", "added since 1.0.0"),
    ],
)
def test_how_data_changed_since_the_version_before(old: Any, new: Any, change: str, text: str) -> None:
    graph = up({"m@1.0.0": body(data=[old]), "m@1.1.0": body(data=[new])}, "m@1.1.0")
    (edge,) = graph.edges
    assert edge.change == change
    assert edge.change_text is not None
    assert edge.change_text.startswith(text)
    assert [*graph.notes] == (["m@1.1.0: data e removed since 1.0.0"] if change == "added" else [])


def test_the_version_before_is_the_one_that_the_number_was_raised_from() -> None:
    bodies: dict[str, Any] = {
        "m@1.0.0": body(data=[data("d", "old")]),
        "m@1.1.0": body(data=[data("d", "new")]),
        "m@1.0.1": body(data=[data("d", "old")]),
        "m@1.2.0": body(data=[data("d", "old")], bump="1.0.1"),
        "m@1.3.0": body(data=[data("d", "old")], bump="9.9.9"),
    }
    said = {v: up(bodies, f"m@{v}").edges[0].change_text for v in ("1.2.0", "1.3.0", "1.0.0")}
    assert said == {"1.2.0": "the same as in 1.0.1", "1.3.0": "the same as in 1.2.0", "1.0.0": None}
    bodies["m@1.2.0"] = None
    graph = up(bodies, "m@1.3.0")
    assert graph.edges[0].change is None
    assert graph.notes == ("m@1.2.0 cannot be read: whether the data changed since is not known",)


def test_what_is_the_same_by_digest_is_one_node_and_what_has_none_is_its_versions_own() -> None:
    bodies = {
        "a@1.0.0": body(data=[data("one", "x"), {"name": "bare"}], code={"commit": "a" * 40, "dirty": True}),
        "b@1.0.0": body(
            data=[data("two", "x"), {"name": "bare"}],
            code={"commit": "a" * 40, "dirty": True},
            parents=[parent("a@1.0.0")],
        ),
    }
    graph = up(bodies, "b@1.0.0")
    of = {node.id for node in graph.nodes.values() if node.kind in ("data", "code")}
    assert of == {f"data:sha256:{sha('x')}", *(f"{k}:{v}@1.0.0{end}" for v in "ab" for k, end in (("data", "/bare"), ("code", "")))}  # fmt: skip
    for each in bodies.values():
        each["lineage"]["code"]["diff_sha256"] = sha("diff")
    assert f"code:{'a' * 40}+{sha('diff')}" in up(bodies, "b@1.0.0").nodes


def test_parents_that_are_missing_or_unreadable_or_no_versions_are_said() -> None:
    bad = {"model": "UP", "version": "1.0.0"}
    bodies = {"m@1.0.0": body(parents=[parent("gone@1.0.0"), parent("odd@1.0.0"), bad]), "odd@1.0.0": None}
    graph = up(bodies, "m@1.0.0")
    assert graph.nodes["version:gone@1.0.0"].facts["missing"] is True
    assert graph.nodes["version:gone@1.0.0"].detail == "not in this registry"
    assert graph.nodes["version:odd@1.0.0"].facts["missing"] is False
    assert graph.notes == (
        "m@1.0.0: 1 of its parents name no version",
        "gone@1.0.0 is not in this registry",
        "odd@1.0.0 cannot be read: modelreg validate",
    )


def test_cycles_end_and_are_said() -> None:
    bodies = {
        "a@1.0.0": body(parents=[parent("b@1.0.0")]),
        "b@1.0.0": body(parents=[parent("c@1.0.0")]),
        "c@1.0.0": body(parents=[parent("a@1.0.0"), parent("c@1.0.0")]),
        "diamond@1.0.0": body(parents=[parent("left@1.0.0"), parent("right@1.0.0")]),
        "left@1.0.0": body(parents=[parent("top@1.0.0")]),
        "right@1.0.0": body(parents=[parent("top@1.0.0")]),
        "top@1.0.0": body(),
    }
    assert up(bodies, "a@1.0.0").notes == (
        "a@1.0.0 is among its own ancestors, through c@1.0.0",
        "c@1.0.0 is among its own ancestors, through c@1.0.0",
    )
    assert up(bodies, "diamond@1.0.0").notes == ()


def test_depth_and_size_are_bounded_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {f"m@1.{n}.0": body(parents=[parent(f"m@1.{n - 1}.0")] if n else []) for n in range(50)}
    assert sum(1 for _ in up(chain, "m@1.49.0").versions) == 50
    short = up(chain, "m@1.49.0", depth=2)
    assert [node.label for node in short.versions] == ["m@1.49.0", "m@1.48.0", "m@1.47.0"]
    assert short.notes == ("m@1.47.0 has parents, which --depth 2 leaves out",)
    assert up(chain, "m@1.1.0", depth=1).notes == ()
    monkeypatch.setattr(lineage, "MOST_VERSIONS", 10)
    bounded = up(chain, "m@1.49.0")
    assert sum(1 for _ in bounded.versions) == 10
    assert bounded.notes == ("more than 10 ancestors: the others are left out",)


def test_many_notes_are_counted() -> None:
    graph = up({"m@1.0.0": body(parents=[parent(f"gone@1.{n}.0") for n in range(50)])}, "m@1.0.0")
    assert len(graph.notes) == 21
    assert graph.notes[-1] == "and 30 more notes"


def test_where_versions_stand_now() -> None:
    versions = InMemory({"m@1.0.0": body(), "m@1.1.0": body()}, serving=["m@1.1.0"])
    graph = upstream(name("m@1.1.0"), versions)
    assert graph.nodes["version:m@1.1.0"].detail == "production since 2026-11-25, champion"
    assert graph.to_mapping()["serving"] == [
        {"model": "m", "version": "1.1.0", "stage": "production", "since": "2026-11-25T10:00:00Z"}
    ]


ODD: list[Any] = [
    None,
    [],
    {},
    "text",
    3,
    True,
    [None],
    [[]],
    ["x"],
    [{}],
    [{"name": 3}],
    [{"name": ["x"]}],
    {"name": {}},
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_body_of_any_shape_is_read(odd: Any) -> None:
    keys = ("code", "data", "features", "environment", "parents", "pipeline", "run")
    bodies: list[Any] = [odd if isinstance(odd, dict) else {}, {"lineage": odd, "artifacts": odd, "bump": odd}]
    bodies += [{"lineage": {key: odd}} for key in keys]
    bodies += [{"lineage": {"data": [{"name": "d", key: odd}]}} for key in ("sha256", "rows", "schema", "role")]
    bodies += [{"lineage": {"code": {"commit": odd, "dirty": odd}, "environment": {"lock": odd, "python": odd}}}]
    bodies += [{"lineage": {"features": [{"name": "f", "from": odd}], "parents": [{"model": odd, "version": odd}]}}]
    for each in bodies:
        graph = up({"m@1.0.0": body(data=[data("d")]), "m@1.1.0": each}, "m@1.1.0")
        assert graph.to_mapping()["roots"] == ["version:m@1.1.0"]


def test_lists_without_end_are_cut() -> None:
    hostile = body(data=[data(f"d{n}") for n in range(3000)], features=[{"name": str(n)} for n in range(3000)])
    assert len(parts(name("m@1.0.0"), hostile)) == 2000


@pytest.mark.parametrize("payload", PAYLOADS)
def test_any_text_is_kept_as_it_is(payload: str) -> None:
    found = parts(name("m@1.0.0"), everything(payload))
    assert {part.node.kind for part in found} == {
        "data",
        "code",
        "environment",
        "pipeline",
        "run",
        "feature",
        "artifact",
    }
    assert parents(everything(payload)) == ([Parent(name("base@1.0.0"), payload)], 1)


# --- the other way


def children_in(bodies: dict[str, Any]) -> Any:
    def found(wanted: Any) -> dict[VersionName, list[Parent]]:
        named = {name(v): [p for p in parents(b)[0] if p.name in wanted] for v, b in bodies.items()}
        return {v: listed for v, listed in named.items() if listed}

    return found


TEAM = {
    "base@1.0.0": body(data=[data("pile")]),
    "tuned@1.0.0": body(data=[data("own")], parents=[parent("base@1.0.0")]),
    "tuned@1.1.0": body(data=[data("own")], parents=[parent("tuned@1.0.0", "retrained")]),
    "other@1.0.0": body(data=[data("own")]),
}


def test_what_was_made_of_a_version_and_of_that() -> None:
    graph = descendants(name("base@1.0.0"), children_in(TEAM), InMemory(TEAM))
    assert arrows(graph) == {("base@1.0.0", "fine-tuned", "tuned@1.0.0"), ("tuned@1.0.0", "retrained", "tuned@1.1.0")}
    short = descendants(name("base@1.0.0"), children_in(TEAM), InMemory(TEAM), depth=1)
    assert arrows(short) == {("base@1.0.0", "fine-tuned", "tuned@1.0.0")}
    assert short.notes == ("--depth 1 leaves out the children of the last generation",)


def test_what_was_made_of_data_through_a_parent() -> None:
    found = parts(name("base@1.0.0"), TEAM["base@1.0.0"])
    graph = downstream("data:pile", [(name("base@1.0.0"), found)], children_in(TEAM), InMemory(TEAM))
    assert [node.label for node in graph.versions] == ["base@1.0.0", "tuned@1.0.0", "tuned@1.1.0"]
    assert graph.roots == (f"data:sha256:{sha('pile')}",)


def test_a_cycle_downwards_ends() -> None:
    bodies = {"a@1.0.0": body(parents=[parent("b@1.0.0")]), "b@1.0.0": body(parents=[parent("a@1.0.0")])}
    graph = descendants(name("a@1.0.0"), children_in(bodies), InMemory(bodies))
    assert [node.label for node in graph.versions] == ["a@1.0.0", "b@1.0.0"]
    assert len(graph.edges) == 2


# --- what is asked


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("churn@1.0.0", None),
        ("churn#production", None),
        ("churn", None),
        ("data:customers", Query("data", "customers")),
        ("data:a:b", Query("data", "a:b")),
        ("data:raw/x.csv", Query("data", "raw/x.csv", path="raw/x.csv")),
        ("./x.csv", Query("data", "./x.csv", path="./x.csv", bare=True)),
        ("commit:ABCD", Query("commit", "ABCD")),
        ("env:abcd", Query("env", "abcd")),
        ("run:a/b", Query("run", "a/b")),
    ],
)
def test_queries(address: str, query: Query | None) -> None:
    assert Query.parse(address) == query
    assert query is None or str(query) == address


@pytest.mark.parametrize("address", ["data:", "run:", "commit:abc", "commit:xyzw", "env:main", f"env:{'a' * 65}"])
def test_queries_that_ask_nothing(address: str) -> None:
    with pytest.raises(UsageError):
        Query.parse(address)


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("data:customers", True),
        ("data:Customers", False),
        (f"data:{sha('customers')[:4]}", True),
        (f"data:{sha('customers')[:7].upper()}", True),
        (f"data:{sha('customers')[:3]}", False),
        (f"data:{sha('customers')[1:9]}", False),
        ("data:bbbbbbb", True),
        (f"commit:{'a' * 7}", True),
        (f"commit:{'b' * 7}", False),
        (f"env:{sha('lock')[:9]}", True),
        (f"env:{'a' * 7}", False),
        ("run:42", True),
        ("run:4", False),
    ],
)
def test_what_fits(address: str, fits: bool) -> None:
    made = body(
        code={"commit": "a" * 40},
        data=[data("customers", md5="b" * 32)],
        environment={"lock": {"path": "l", "sha256": sha("lock")}},
        run={"id": "42"},
    )
    query = Query.parse(address)
    assert query is not None
    assert any(query.fits(part) for part in parts(name("m@1.0.0"), made)) is fits


def test_a_prefix_of_several_is_no_answer() -> None:
    one, two = ({"name": n, "sha256": f"abcd{c * 60}"} for n, c in (("one", "0"), ("two", "1")))
    named = {"name": "abcd", "sha256": "f" * 64}
    both = parts(name("m@1.0.0"), body(data=[one, two]))
    with pytest.raises(InvalidError, match="beginning of several: abcd0000"):
        Query("data", "abcd").choose(both)
    Query("data", "abcd0").choose(both[:1])
    with pytest.raises(InvalidError, match="a data set's name and the beginning of another's digest"):
        Query("data", "abcd").choose(parts(name("m@1.0.0"), body(data=[one, named])))
    Query("data", "abcd").choose(parts(name("m@1.0.0"), body(data=[named])))
    commits = [part for c in "01" for part in parts(name("m@1.0.0"), body(code={"commit": f"abcd{c * 36}"}))]
    with pytest.raises(InvalidError, match="commit:abcd is the beginning of several"):
        Query("commit", "abcd").choose(commits)


def test_one_name_of_several_contents_is_all_of_them() -> None:
    Query("data", "customers").choose(parts(name("m@1.0.0"), body(data=[data("customers", c) for c in "xyz"])))
