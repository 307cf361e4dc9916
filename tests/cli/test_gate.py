"""`modelreg gate` on ranges: what they do is listed and judged, whatever shape the branch has; what cannot be read is
refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import done, modelreg
from tests.keys import Key, make_key
from tests.support import Repo
from tests.threats.lab import ANN, BO, CY, POLICY, REGISTRY, STAGES, Lab, copy_of, dumped, found, policy

RECORD = "registry/churn/transitions/0003.yaml"
MANIFEST = "registry/churn/1.0.3/manifest.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """churn 1.0.0 in production, 1.0.1 and 1.0.2 (f1 0.5) in development; price 1.0.0."""
    folder = tmp_path_factory.mktemp("gate")
    keys: dict[str, Key] = {person: make_key(folder / person) for person in (ANN, BO, CY)}
    lab = found(folder, policy(), keys)
    for f1 in (0.9, 0.95, 0.5):
        lab.register(f1)
    lab.register(0.9, "price")
    for stage in ("staging", "production"):
        lab.done("stage", "set", "churn", "1.0.0", stage)
    return lab


@pytest.fixture
def lab(made: Lab, tmp_path: Path) -> Lab:
    return copy_of(made, tmp_path)


def changes(lab: Lab, head: str = "topic") -> list[tuple[Any, ...]]:
    body = lab.gate(head).json("gate")
    return [(c["kind"], c["model"], c["version"], c["from"], c["to"], c["allowed"]) for c in body["changes"]]


def test_nothing_and_code_alone_may_land(lab: Lab) -> None:
    assert lab.refused("main") == []
    with lab.branch():
        lab.commit({"train.py": b"1\n", "dvc.lock": b"{}\n", "models/registry/x.yaml": b"- 1\n"})
    assert lab.refused() == []
    assert changes(lab) == []
    assert "nothing in the registry changes" in lab.run("gate", "--base", "main", "--head", "topic").out


def test_what_a_range_does_is_listed(lab: Lab) -> None:
    lab.register_on("topic", 0.9)
    lab.repo.git("switch", "-q", "topic")
    lab.commit(lab.evaluation(0.9, "1.0.1", key=lab.keys[BO]))
    lab.commit({"registry/churn/1.0.0/annotations.yaml": dumped({"format": 1, "description": "the first"})})
    lab.repo.git("switch", "-q", "main")
    files = lab.move("1.0.1", "staging")
    lab.repo.git("switch", "-q", "topic")
    lab.commit(files)
    assert changes(lab) == [
        ("register", "churn", "1.0.3", None, None, True),
        ("promote", "churn", "1.0.1", "development", "staging", True),
        ("evidence", "churn", "1.0.1", None, None, True),
        ("annotate", "churn", "1.0.0", None, None, True),
    ]


def test_two_versions_of_a_model_and_one_of_each(lab: Lab) -> None:
    before = lab.repo.head
    lab.register(0.9)
    lab.register(0.9, "price")
    lab.repo.git("branch", "both")
    lab.register(0.91)
    lab.repo.git("branch", "three")
    lab.repo.git("reset", "-q", "--hard", before)
    assert lab.refused("both") == []
    assert lab.refused("three") == ["single", "single"]


def test_several_moves_are_judged_each_on_the_state_before_it(lab: Lab) -> None:
    before = lab.repo.head
    lab.commit(lab.move("1.0.1", "staging"))
    lab.commit(lab.move("1.0.1", "production"))
    lab.repo.git("branch", "topic")
    lab.repo.git("reset", "-q", "--hard", before)
    assert lab.refused() == []
    assert changes(lab)[1][3:5] == ("staging", "production")


def test_a_branch_behind_main_does_not_undo_what_landed_meanwhile(lab: Lab) -> None:
    with lab.branch():
        lab.commit(lab.move("1.0.1", "staging"))
    lab.register(0.9, "price")
    lab.commit({"train.py": b"1\n"})
    assert changes(lab) == [("promote", "churn", "1.0.1", "development", "staging", True)]
    assert lab.refused() == []


def test_what_is_judged_is_the_merge(lab: Lab) -> None:
    """Each alone would do; main has made the policy stricter since the branch left it."""
    with lab.branch():
        lab.commit(lab.move("1.0.1", "staging"))
    new = {
        POLICY: dumped(policy(serial=2, gates=[{"stage": "staging", "require": {"metrics": {"f1": {"min": 0.99}}}}]))
    }
    lab.commit({**new, **lab.approval(new)})
    assert set(lab.refused()) == {"record.policy_serial", "metrics.f1"}


def test_rivals_conflict_and_the_second_is_told_to_try_again(lab: Lab) -> None:
    with lab.branch():
        lab.commit(lab.move("1.0.1", "staging"))
    lab.commit(lab.move("1.0.2", "archived"))
    result = lab.gate()
    assert result.code == 5
    assert RECORD in result.err


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_however_it_lands_the_history_tells_the_same(lab: Lab, how: str) -> None:
    with lab.branch():
        lab.commit(lab.move("1.0.1", "staging"))
        lab.commit(lab.evaluation(0.9, "1.0.1", key=lab.keys[BO]))
    lab.commit({"train.py": b"1\n"})
    assert lab.refused() == []
    when = f"{int(time.time())} +0000"
    dates = {"GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
    if how == "merge":
        lab.repo.git("merge", "-q", "--no-ff", "-m", "Merge", "topic", env=dates)
    elif how == "squash":
        lab.repo.git("merge", "-q", "--squash", "topic")
        lab.repo.git("commit", "-q", "-m", "Squashed", env=dates)
    else:
        lab.repo.git("cherry-pick", "main..topic", env=dates)
    assert lab.verified() == []
    events = lab.done("history", "churn", "--json").json("history")["events"]
    told = [[e[key] for key in ("kind", "version", "from", "to", "displaced", "transition", "by")] for e in events[-2:]]
    assert sorted(told) == [
        ["evidence", "1.0.1", None, None, [], None, BO],
        ["promote", "1.0.1", "development", "staging", [], 3, "ada@example.com"],
    ]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone_cannot_decide(lab: Lab, tmp_path: Path, depth: int) -> None:
    with lab.branch():
        lab.commit(lab.move("1.0.1", "staging"))
    lab.commit({"train.py": b"1\n"})
    shallow = lab.repo.clone(tmp_path / "shallow", f"--depth={depth}", "--no-single-branch")
    result = modelreg("gate", "--base", "main", "--head", "origin/topic", registry=shallow.path)
    assert result.code == 4 if depth == 1 else result.code in (0, 4)
    assert "unshallow" in result.err or result.code == 0


@pytest.mark.parametrize(
    ("base", "head"), [("nowhere", "main"), ("main", "nowhere"), ("--output=x", "main"), ("main", "a..b")]
)
def test_what_names_no_commit(lab: Lab, base: str, head: str) -> None:
    result = lab.run("gate", f"--base={base}", f"--head={head}")
    assert result.code in (1, 2)
    assert not (lab.top / "x").exists()


def test_unrelated_histories_do_not_merge(lab: Lab) -> None:
    lab.repo.git("switch", "-q", "--orphan", "other")
    lab.commit({"x": b"1\n"})
    lab.repo.git("switch", "-q", "main")
    assert lab.gate("other").code == 4


@pytest.mark.parametrize("broken", [b"- none\n", b"format: 1\n", b"format: [\n", b"", None])
def test_a_base_without_a_readable_policy_lets_nothing_land(lab: Lab, broken: bytes | None) -> None:
    lab.commit({POLICY: broken})
    with lab.branch():
        lab.commit({f"registry/churn/{'1.0.1'}/annotations.yaml": dumped({"format": 1})})
    assert lab.gate().code == 1
    with lab.branch("repair"):
        lab.commit({POLICY: dumped(policy(serial=2))})
    assert lab.gate("repair").code == 1, "who may mend it, nobody can say: an administrator lands it"


# --- documents that cannot be read


def bomb(_: bytes) -> bytes:
    lines = [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    return ("a0: &a0 [x, x]\n" + "\n".join(lines) + "\n").encode()


NASTY: dict[str, Callable[[bytes], bytes]] = {
    "bomb": bomb,
    "duplicate key": lambda data: data + b"format: 1\n",
    "unknown key": lambda data: data + b"approved: true\n",
    "newer format": lambda data: data.replace(b"format: 1\n", b"format: 2\n"),
    "no format": lambda data: data.replace(b"format: 1\n", b""),
    "empty": lambda _: b"",
    "a list": lambda _: b"- 1\n",
    "a number": lambda _: b"1\n",
    "null": lambda _: b"null\n",
    "deep": lambda _: b"a: " + b"[" * 500 + b"]" * 500 + b"\n",
    "long": lambda data: data + b"#" * 1_100_000 + b"\n",
    "a tag": lambda data: data + b"x: !!python/object/apply:os.system [id]\n",
    "not UTF-8": lambda data: data + b"# \xff\n",
    "a NUL": lambda data: data + b"#\0\n",
    "two documents": lambda data: data + b"---\n" + data,
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "every value a list": lambda data: re.sub(rb": .+", b": [1]", data),
    "every value null": lambda data: re.sub(rb": .+", b": null", data),
}
PLACES = (
    *(RECORD, MANIFEST, STAGES, POLICY, REGISTRY, "registry/churn/model.yaml", "registry/fresh/model.yaml"),
    *(
        "registry/churn/1.0.3/model.json.dvc",
        "registry/churn/1.0.0/annotations.yaml",
        "evidence",
        "registry/approvals/0.yaml",
    ),
)


@pytest.fixture(scope="module")
def proposal(made: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A branch `topic` that does everything at once, and rightly: it would land."""
    lab = copy_of(made, tmp_path_factory.mktemp("proposal"))
    before = lab.repo.head
    lab.register(0.9)
    lab.register(0.9, "fresh")
    lab.done("stage", "set", "fresh", "1.0.0", "staging")
    lab.commit(lab.evaluation(0.9, "1.0.3", key=lab.keys[BO]))
    lab.commit({"registry/churn/1.0.0/annotations.yaml": dumped({"format": 1, "description": "the first"})})
    lab.commit(lab.move("1.0.3", "staging"))
    lab.repo.git("branch", "topic")
    lab.repo.git("reset", "-q", "--hard", before)
    assert lab.refused() == []
    return lab


@pytest.mark.parametrize("place", PLACES)
def test_a_document_that_cannot_be_read_never_lands(proposal: Lab, tmp_path: Path, place: str) -> None:
    """No traceback, no pass, and JSON as its schema says, for whatever stands in whichever document."""
    lab = copy_of(proposal, tmp_path)
    lab.repo.git("switch", "-q", "topic")
    if place == "evidence":
        place = lab.repo.git("ls-files", "registry/churn/1.0.3/evidence/*.yaml")
    good = lab.data(place) if (lab.top / place).exists() else b"format: 1\n"
    allowed = []
    for name, make in NASTY.items():
        data = make(good)
        if data == good:
            continue
        lab.commit({place: data})
        result = lab.gate()
        assert "Traceback" not in result.err, (name, result.err)
        assert result.code in (1, 4), (name, result.err)
        if result.code == 1 and result.out and result.json("gate")["allowed"]:
            allowed.append(name)
        lab.repo.git("reset", "-q", "--hard", "HEAD~1")
    assert allowed == []


def test_a_record_that_is_about_something_else(lab: Lab) -> None:
    files = lab.move("1.0.1", "staging")
    for old, new in (
        (b"number: 3", b"number: 4"),
        (b"model: churn", b"model: price"),
        (b"version: 1.0.1", b"version: 1.0.0"),
        (b"version: 1.0.1", b"version: 7.0.0"),
        (b"manifest_sha256: ", b'manifest_sha256: "' + b"0" * 64 + b'" #'),
        (b"from: development", b"from: production"),
        (b"policy_serial: 1", b"policy_serial: 2"),
        (b"displaces: []", b"displaces: [{version: 1.0.0, to: archived}]"),
        (b"aliases: {}", b"aliases: {champion: 1.0.1}"),
        (b"kind: promote", b"kind: rollback"),
        (b"kind: promote", b"kind: archive"),
        (b"kind: promote", b"kind: withdraw"),
    ):
        assert old in files[RECORD], old
        with lab.branch():
            lab.commit({**files, RECORD: files[RECORD].replace(old, new, 1)})
        assert lab.refused(), (old, new)
    for other in (
        "registry/churn/transitions/0004.yaml",
        "registry/churn/transitions/00003.yaml",
        "registry/churn/transitions/3.yaml",
    ):
        with lab.branch():
            lab.commit({**{path: data for path, data in files.items() if path != RECORD}, other: files[RECORD]})
        assert lab.refused(), other


@pytest.mark.parametrize(
    "more",
    [
        *("wdir: ../../../.git/hooks", "deps: [{path: data, repo: {url: 'http://127.0.0.1:1/'}}]", "frozen: true"),
        *("cmd: id", "+ remote: elsewhere", "+ cache: false", "+ files: []", "+ push: false"),
    ],
)
def test_a_pointer_says_nothing_that_leads_dvc_elsewhere(lab: Lab, more: str) -> None:
    lab.register_on("topic", 0.9)
    lab.repo.git("switch", "-q", "topic")
    path = "registry/churn/1.0.3/model.json.dvc"
    text = lab.data(path).decode()
    lab.repo.write(path, text.replace("}]", f", {more[2:]}}}]") if more.startswith("+") else f"{text}{more}\n")
    lab.repo.git("commit", "-q", "-a", "--amend", "--no-edit")
    assert lab.refused() == ["pointer"]


def test_names_that_differ_by_a_dash_are_one_name(lab: Lab) -> None:
    lab.commit({"train.py": b"1\n"})
    before = lab.repo.head
    lab.register(0.9, "lead_score")
    path, data = "registry/lead-score/model.yaml", lab.data("registry/lead_score/model.yaml")
    lab.repo.git("branch", "-f", "topic", before)
    lab.repo.git("switch", "-q", "topic")
    lab.commit({path: data.replace(b"lead_score", b"lead-score")})
    assert "name" in lab.refused()


def test_withdrawn_with_its_tombstone_and_not_without(lab: Lab) -> None:
    before = lab.repo.head
    lab.done("withdraw", "churn", "1.0.1", "-m", "leaks")
    lab.repo.git("branch", "topic")
    lab.repo.git("reset", "-q", "--hard", before)
    assert lab.refused() == []
    for path, code in (("registry/churn/1.0.1/withdrawn.yaml", "tombstone"), (RECORD, "stages-sum")):
        lab.repo.git("switch", "-q", "-C", "half", "topic")
        lab.commit({path: None})
        assert code in lab.refused("half")
        lab.repo.git("switch", "-q", "main")
    lab.repo.git("merge", "-q", "--ff-only", "topic")
    files = lab.move("1.0.1", "staging")
    with lab.branch("again"):
        lab.commit(files)
    assert "withdrawn" in lab.refused("again")


def test_a_registry_in_a_subfolder(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit("first", {"README.md": "hello\n"}, at=int(time.time()) - 60)
    team = repo.path / "ml/team"
    team.mkdir(parents=True)
    done("init", "--embedded", registry=team)
    (tmp_path / "model.json").write_text("1")
    done("register", "churn", tmp_path / "model.json", registry=team)
    done("stage", "set", "churn", "1.0.0", "staging", registry=team)
    repo.git("branch", "topic")
    repo.git("switch", "-q", "topic")
    record = "ml/team/registry/churn/transitions/0001.yaml"
    (repo.path / record).write_text(repo.read(record) + "# and more\n")
    repo.commit(
        "edit",
        {"registry/churn/transitions/0001.yaml": "- elsewhere\n", record: repo.read(record)},
        at=int(time.time()),
    )
    for where in (team, repo.path):
        result = modelreg("gate", "--base", "main", "--head", "topic", "--format", "json", registry=where)
        assert result.code == 1
        first = result.json("gate")["findings"][0]
        assert (first["file"], first["code"]) == (record, "add-only")
