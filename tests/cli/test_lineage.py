"""`modelreg lineage`, in a real registry: both ways, every format, and against a search of every manifest."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from modelreg import Registry
from modelreg.cli.lineage import Format, _print
from modelreg.cli.output import emit_json, emit_json_streamed
from modelreg.domain.address import Address
from modelreg.domain.lineage import upstream
from modelreg.domain.lineage_graph import VersionName
from modelreg.domain.lineage_query import Query
from modelreg.registry import lineage as use_case
from modelreg.registry import mentions
from modelreg.registry.index_port import Index
from modelreg.registry.lineage import lineage, reverse
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_index, open_workspace
from tests.cli.runner import artifact, done, modelreg
from tests.lineage import InMemory, body, data, name, parent, registry, sha
from tests.payloads import PAYLOADS
from tests.support import Repo


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """base 1.0.0; churn 1.0.0 to 1.2.0 of it, registered by the command line, 1.1.0 in production; shared data."""
    folder = tmp_path_factory.mktemp("team")
    repo = Repo.init(folder / "repo")
    done("init", "--policy", "open", registry=repo.path)
    files = {n: artifact(folder, f"{n}\n1\n", f"{n}.csv") for n in ("customers", "pile")}
    done("register", "base", artifact(folder / "a", "base"), "--data", files["pile"], registry=repo.path)
    kin = ("--parent", "base@1.0.0:fine-tuned")
    for number, text in enumerate(("one", "two", "three")):
        files["customers"].write_text(f"customers\n{min(number, 1)}\n")
        done("register", "churn", artifact(folder / "a", text), "--data", files["customers"], *kin, "--bump", "minor", registry=repo.path)  # fmt: skip
    for stage in ("staging", "production"):
        done("stage", "set", "churn", "1.1.0", stage, registry=repo.path)
    return repo


def graph(repo: Repo, *arguments: str) -> Any:
    return done("lineage", *arguments, "--json", registry=repo.path).json("lineage")


def labels(found: Any) -> list[str]:
    return [node["label"] for node in found["nodes"] if node["kind"] == "version"]


def test_where_a_version_came_from(team: Repo) -> None:
    said = done("lineage", "churn#production", registry=team.path)
    lines = said.out.splitlines()
    assert lines[0].startswith("churn@1.1.0: production since 20")
    assert any(line.startswith("├── data customers (train): ") and "; changed: " in line for line in lines)
    assert any(line.startswith("└── parent base@1.0.0 (fine-tuned): development") for line in lines)
    assert any(line.startswith("    ├── data pile (train): ") for line in lines)
    assert said.err.splitlines()[-1] == "next: modelreg lineage churn@1.1.0 --reverse"
    changes = {v: e["change"] for v in ("1.0.0", "1.1.0", "1.2.0") for e in graph(team, f"churn@{v}")["edges"] if e["change_text"] and e["to"] == f"version:churn@{v}"}  # fmt: skip
    assert changes == {"1.1.0": "changed", "1.2.0": "same"}


def test_what_would_be_touched(team: Repo) -> None:
    said = done("lineage", "data:customers", "--reverse", registry=team.path)
    assert "churn@1.1.0  production" in said.out
    assert said.err.splitlines()[-1] == "next: modelreg rollback churn --stage production --cause TEXT"
    everyone = ["base@1.0.0", "churn@1.0.0", "churn@1.1.0", "churn@1.2.0"]
    found = graph(team, "data:pile", "--reverse")
    assert labels(found) == everyone
    assert [(s["model"], s["version"], s["stage"]) for s in found["serving"]] == [("churn", "1.1.0", "production")]
    assert labels(graph(team, "base@1.0.0", "--reverse")) == everyone
    quiet = done("lineage", "churn@1.2.0", "--reverse", registry=team.path)
    assert "nothing of it is in a stage that the policy announces or protects" in quiet.err


def test_no_manifest_is_read_twice_and_of_no_model_more_is_kept_than_is_asked_for(
    team: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_case, "_KEPT", 1)
    for address in ("data:customers", "data:pile", "base@1.0.0"):
        expected = graph(team, address, "--reverse")  # the index is there after that
        workspace = open_workspace(team.path)
        snapshot = workspace.snapshot()
        read: list[str] = []
        load = type(workspace.documents).load

        def counted(self: Any, content: bytes, file: str, load: Any = load, read: list[str] = read) -> Any:
            read.append(file)
            return load(self, content, file)

        with monkeypatch.context() as patch:
            patch.setattr(type(workspace.documents), "load", counted)
            query = Query.parse(address)
            found = reverse(snapshot, query or Address.parse(address), index=open_index(workspace)).to_mapping()
        assert found == expected
        if address == "data:customers":
            manifests = [file for file in read if file.endswith("manifest.yaml")]
            assert sorted(manifests) == [f"registry/churn/1.{n}.0/manifest.yaml" for n in range(3)]
        kept = {file.split("/")[1] for file in snapshot._documents if file.endswith("stages.yaml")}
        assert kept == {"churn"}


def test_json_is_written_an_item_at_a_time_as_it_would_be_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    nested = {"a": [], "b": {}, "c": [1, {"d": "line\nend"}, []], "e": "##[group]"}
    lists: list[list[Any]] = [[], [1], ["x", None], [nested, nested], [[], [[]], {}]]
    for items in lists:
        whole: dict[str, Any] = {"first": 1, "items": items, "same": items, "last": nested}
        emit_json(whole)
        at_once = capsys.readouterr().out
        emit_json_streamed(whole | {"items": iter(items)})
        assert capsys.readouterr().out == at_once


def test_by_the_digest_of_a_file_and_by_its_beginning(
    team: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.csv").write_text("customers\n1\n")
    for address in ("./other.csv", "data:./other.csv", f"data:{sha(chr(10).join(('customers', '1', '')))[:8]}"):
        assert labels(graph(team, address, "--reverse")) == ["churn@1.1.0", "churn@1.2.0"], address
    Path("other.csv").write_text("changed since")
    refused = modelreg("lineage", "./other.csv", "--reverse", registry=team.path)
    assert (refused.code, refused.out) == (1, "")
    assert "it may have changed since" in refused.err
    gone = modelreg("lineage", "./gone.csv", "--reverse", registry=team.path)
    assert gone.code == 1
    assert "there is no such file" in gone.err


def test_a_folder_is_known_by_its_listing(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    for at in ("a.csv", "b/c.csv"):
        artifact((folder / at).parent, at, Path(at).name)
    listing = "".join(f"# size_bytes {len(at)}\n{sha(at)}  {at}\n" for at in ("a.csv", "b/c.csv"))
    repo = registry(tmp_path / "repo", {"m@1.0.0": body(data=[data("raw", listing)])})
    assert labels(graph(repo, str(folder), "--reverse")) == ["m@1.0.0"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("data:customers",), 2, "is not a version"),
        (("churn@9.9.9",), 1, "has no version 9.9.9"),
        (("nobody@1.0.0", "--reverse"), 1, "no model nobody"),
        (("data:nothing", "--reverse"), 1, "no version names data:nothing"),
        (("commit:zz", "--reverse"), 2, "not the beginning of a digest"),
        (("churn@1.0.0", "--depth", "-1"), 2, "-1"),
        (("churn@1.0.0", "--format", "gif"), 2, "gif"),
        (("churn@1.0.0", "--format", "dot", "--json"), 2, "exclude each other"),
    ],
)
def test_what_cannot_be_answered(team: Repo, arguments: tuple[str, ...], code: int, words: str) -> None:
    said = modelreg("lineage", *arguments, registry=team.path)
    assert (said.code, said.out) == (code, "")
    assert words in said.err


def test_every_format(team: Repo) -> None:
    def shown(form: str) -> str:
        return done("lineage", "churn@1.2.0", "--format", form, registry=team.path).out

    assert json.loads(shown("json")) == graph(team, "churn@1.2.0")
    assert shown("mermaid").startswith("flowchart LR\n")
    assert shown("dot").startswith("digraph lineage {\n")
    events = [json.loads(line) for line in shown("openlineage").splitlines()]
    assert [event["outputs"][0]["name"] for event in events] == ["churn", "base"]
    assert events[0]["inputs"][-1]["facets"]["version"]["datasetVersion"] == "1.0.0"


def test_the_sdk_gives_the_same(team: Repo) -> None:
    version = Registry(team.path).get("churn@1.1.0")
    assert version.lineage() == graph(team, "churn@1.1.0")
    base = Registry(team.path).get("base@1.0.0")
    assert base.lineage(reverse=True, depth=0) == graph(team, "base@1.0.0", "--reverse", "--depth", "0")


def test_a_terminal_without_utf8_gets_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = registry(tmp_path / "repo", {"m@1.0.0": body(data=[data("Küche→")])})
    shown = open_workspace(repo.path).snapshot()
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    _print(lineage(shown, Address.parse("m@1.0.0")), Format.text)
    out.seek(0)
    lines = out.read().splitlines()
    assert lines[1].startswith("|-- data K\\xfcche\\u2192: sha256 ")
    assert lines[2].startswith("`-- artifact ")


# --- correct over many, and nothing escapes the search of the bytes


def answered(snapshot: Snapshot, address: str, index: Index | None = None) -> set[str]:
    """The versions of reverse lineage."""
    graph = reverse(snapshot, Query.parse(address) or Address.parse(address), index=index)
    return {node.label for node in graph.versions}


def many() -> dict[str, Any]:
    """300 versions of 20 models on 20 data sets and 30 commits, a third of them of another one."""
    dice = random.Random(4)
    names = [f"model-{n % 20}@1.{n // 20}.0" for n in range(300)]
    return {
        text: body(
            data=[data(f"set {n}", str(n)) for n in dice.sample(range(20), 2)],
            code={"commit": sha(str(dice.randrange(30)))[:40], "dirty": False},
            parents=[parent(kin) for kin in dice.sample(names, dice.choice((0, 0, 1)))],
        )
        for text in names
    }


@pytest.fixture(scope="module")
def hundreds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, set[str]]]:
    """A registry, and by node the versions in whose upstream it is, as found by reading everything."""
    bodies = many()
    within: dict[str, set[str]] = {}
    for text in bodies:
        for node in upstream(name(text), InMemory(bodies)).nodes:
            within.setdefault(node, set()).add(text)
    return open_workspace(registry(tmp_path_factory.mktemp("many") / "repo", bodies).path), within


@pytest.mark.parametrize("way", ["by words", "by search", "by index"])
def test_hundreds_of_versions_against_a_search_of_every_manifest(
    hundreds: tuple[Workspace, dict[str, set[str]]], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mentions, "MANY", 0 if way == "by words" else 10**6)
    workspace, within = hundreds
    snapshot, index = workspace.snapshot(), open_index(workspace) if way == "by index" else None
    if way == "by index":
        monkeypatch.setattr(mentions.ScannedManifests, "_manifests", property(lambda _: pytest.fail("reads them all")))
    for n in range(20):
        wanted = within[f"data:sha256:{sha(str(n))}"]
        assert (
            answered(snapshot, f"data:{sha(str(n))[:16]}", index)
            == answered(snapshot, f"data:set {n}", index)
            == wanted
        )
    for n in range(30):
        commit = sha(str(n))[:40]
        assert answered(snapshot, f"commit:{commit[:12]}", index) == within[f"code:{commit}"]
    for node in [node for node in within if node.startswith("version:")][::10]:
        assert answered(snapshot, node.removeprefix("version:"), index) == within[node]


def _written(text: str, lineage: str) -> str:
    wanted: VersionName = name(text)
    return (
        f'format: 1\nmodel: {wanted.model}\nversion: {wanted.version}\ncreated: "2026-11-24T09:30:00Z"\n'
        f'artifacts: [{{path: m, role: model, format: skops, size_bytes: 1, sha256: "{sha(text)}", md5: "{"c" * 32}"}}]\n'
        f"lineage:\n{lineage}"
    )


@pytest.mark.parametrize("limit", [0, 50], ids=["by words", "by search"])
def test_however_yaml_writes_it_nothing_hides_from_reverse_lineage(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escapes, quotes, folded lines and flow style: the bytes differ, the value is the same."""
    monkeypatch.setattr(mentions, "MANY", limit)
    digest = sha("bad data")
    odd = 'it\'s "bad" data'
    ways = {
        "a@1.0.0": f'  data: [{{name: x, sha256: "\\x{ord(digest[0]):02x}{digest[1:]}"}}]\n',
        "b@1.0.0": f"  data:\n  - name: 'it''s \"bad\"\n      data'\n    sha256: {digest}\n",
        "c@1.0.0": f'  "d\\x61ta": [{{name: "it\'s \\"bad\\" data", sha256: {digest}}}]\n',
        "d@1.0.0": f'  data: [{{name: x, sha256: "{digest[:8]}\\\n    {digest[8:]}"}}]\n',
        "e@1.0.0": f"  data: [{{name: other, sha256: {sha('good')}}}]\n  parents: [{{model: a, \"version\": '1.0.0'}}]\n",
        "f@1.0.0": '  "p\\x61rents": [{model: "\\x61", version: "1.\\x30.0"}]\n',
        "g@1.0.0": f"  data: [{{name: other, sha256: {sha('good')}}}]\n",
    }
    repo = registry(tmp_path / "repo", {text: _written(text, lineage) for text, lineage in ways.items()})
    snapshot = open_workspace(repo.path).snapshot()
    assert answered(snapshot, f"data:{digest}") == {f"{m}@1.0.0" for m in "abcdef"}
    assert answered(snapshot, f"data:{odd}") == {"b@1.0.0", "c@1.0.0"}
    assert labels(graph(repo, "a@1.0.0", "--reverse")) == ["a@1.0.0", "e@1.0.0", "f@1.0.0"]
    assert answered(snapshot, "data:other") == {"e@1.0.0", "g@1.0.0"}


def test_a_manifest_that_may_name_it_and_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    bodies = {"m@1.0.0": body(data=[data("d")]), "m@1.1.0": f"lineage: {{data: [{{sha256: {sha('d')}"}
    repo = registry(tmp_path / "repo", bodies)
    said = modelreg("lineage", "data:d", "--reverse", registry=repo.path)
    assert said.code == 1
    assert "registry/m/1.1.0/manifest.yaml" in said.err
    assert done("lineage", "m@1.0.0", registry=repo.path).out.startswith("m@1.0.0: development")


def test_ambiguous_digests(tmp_path: Path) -> None:
    two = [{"name": n, "sha256": f"abcd{c * 60}"} for n, c in (("one", "0"), ("two", "1"))]
    repo = registry(tmp_path / "repo", {f"m@1.{i}.0": body(data=[entry]) for i, entry in enumerate(two)})
    said = modelreg("lineage", "data:abcd", "--reverse", registry=repo.path)
    assert (said.code, said.out) == (1, "")
    assert "data:abcd is the beginning of several: abcd0000" in said.err
    assert labels(graph(repo, "data:abcd0", "--reverse")) == ["m@1.0.0"]


def test_a25_hostile_text_steers_no_terminal(tmp_path: Path) -> None:
    entries = [data(text, role=text, source=text) for text in PAYLOADS]
    made = body(data=entries, pipeline={"command": PAYLOADS[0]}, features=[{"name": text} for text in PAYLOADS])
    repo = registry(tmp_path / "repo", {"m@1.0.0": made})
    for form in ("text", "mermaid", "dot", "openlineage", "json"):
        said = modelreg("lineage", "m@1.0.0", "--format", form, registry=repo.path)
        assert said.code == 0, said.err
        assert not [c for c in said.out + said.err if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b\u2066"]  # fmt: skip
