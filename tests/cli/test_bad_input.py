"""What a user can get wrong: one sentence, a hint, the right exit code, and nothing changed."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from modelreg.adapters.schema import check_output
from tests.cli.runner import Result, artifact, done, everything, metrics, modelreg
from tests.support import Repo


@dataclass(frozen=True)
class Place:
    """A registry with churn 1.0.0 (staging) and 1.0.1 (withdrawn), and a folder of input files beside it."""

    repo: Repo
    files: Path

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.files / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """What `place` copies."""
    folder = tmp_path_factory.mktemp("made")
    repo, files = Repo.init(folder / "repo"), folder / "files"
    repo.commit("first", {"README.md": "hello\n"})
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(files, "one"), "--metrics", metrics(files, 0.8), registry=repo.path)
    done("register", "churn", artifact(files, "two"), registry=repo.path)
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    done("withdraw", "churn", "1.0.1", "-m", "leaks", registry=repo.path)
    artifact(files, "three", "new.json")
    return Place(repo, files)


@pytest.fixture
def place(made: Place, tmp_path: Path) -> Place:
    shutil.copytree(made.files, tmp_path / "files")
    return Place(made.repo.copy(tmp_path / "repo"), tmp_path / "files")


Arguments = Callable[[Place], list[str]]


def fixed(*arguments: str) -> Arguments:
    return lambda _: list(arguments)


def register(*more: str, model: str = "churn", name: str = "new.json") -> Arguments:
    return lambda place: ["register", *more, "--", model, str(place.files / name)]


def with_file(option: str, name: str, content: str | bytes) -> Arguments:
    return lambda place: [
        "register",
        "churn",
        str(place.files / "new.json"),
        option,
        str(place.file(name, content)),
    ]


def dirty(place: Place) -> list[str]:
    place.repo.write("registry/churn/stages.yaml", "format: 1\naliases: {}\n")
    return ["stage", "set", "churn", "1.0.0", "production"]


def staged(place: Place) -> list[str]:
    place.repo.write("registry/churn/stages.yaml", "format: 1\naliases: {}\n")
    place.repo.git("add", "registry/churn/stages.yaml")
    place.repo.git("checkout", "-q", "HEAD", "--", "README.md")
    return ["stage", "set", "churn", "1.0.0", "production"]


def in_the_way(place: Place) -> list[str]:
    place.repo.write("registry/churn/transitions/0003.yaml", "mine\n")
    return ["stage", "set", "churn", "1.0.0", "production"]


def on_git(*arguments: str) -> Arguments:
    def prepare(place: Place) -> list[str]:
        place.repo.git(*arguments)
        return ["stage", "set", "churn", "1.0.0", "production"]

    return prepare


def newer(place: Place) -> list[str]:
    text = place.repo.read("registry/registry.yaml").replace("format: 1", "format: 2")
    place.repo.commit("newer", {"registry/registry.yaml": text})
    return ["list"]


def no_identity(place: Place) -> list[str]:
    for key, value in (("useConfigOnly", "true"), ("name", ""), ("email", "")):
        place.repo.git("config", f"user.{key}", value)
    return ["stage", "set", "churn", "1.0.0", "production"]


def merging(place: Place) -> list[str]:
    (place.repo.path / ".git/MERGE_HEAD").write_text(place.repo.head + "\n")
    return ["stage", "set", "churn", "1.0.0", "production"]


def exists_already(place: Place) -> list[str]:
    (place.files / "out").mkdir()
    (place.files / "out/model.json").write_text("mine")
    return ["pull", "churn@1.0.0", "--to", str(place.files / "out")]


def onto_a_file(place: Place) -> list[str]:
    return ["pull", "churn@1.0.0", "--to", str(place.files / "new.json")]


def link(place: Place) -> list[str]:
    (place.files / "link.json").symlink_to(place.files / "new.json")
    return ["register", "churn", str(place.files / "link.json")]


CASES: dict[str, tuple[Arguments, int]] = {
    "unknown model": (fixed("show", "ghost"), 1),
    "unknown model in list": (fixed("list", "ghost"), 1),
    "unknown model in history": (fixed("history", "ghost"), 1),
    "unknown model in stage list": (fixed("stage", "list", "ghost"), 1),
    "unknown model to verify": (fixed("verify", "ghost"), 1),
    "unknown model to propose": (fixed("proposals", "ghost"), 1),
    "unknown model to move": (fixed("stage", "set", "ghost", "1.0.0", "staging"), 1),
    "unknown version": (fixed("show", "churn@9.9.9"), 1),
    "unknown version to move": (fixed("stage", "set", "churn", "9.9.9", "staging"), 1),
    "unknown version to withdraw": (fixed("withdraw", "churn", "9.9.9", "-m", "x"), 1),
    "unknown version for an alias": (fixed("alias", "set", "churn", "best", "9.9.9"), 1),
    "unknown version to pull": (fixed("pull", "churn@9.9.9"), 1),
    "unknown stage": (fixed("stage", "set", "churn", "1.0.0", "stagging"), 1),
    "unknown stage to get": (fixed("stage", "get", "churn", "stagging"), 1),
    "unknown alias": (fixed("pull", "churn@best"), 1),
    "unknown alias to remove": (fixed("alias", "remove", "churn", "best"), 1),
    "empty stage": (fixed("stage", "get", "churn", "production"), 1),
    "empty stage to pull": (fixed("pull", "churn#production"), 1),
    "target that is a file": (onto_a_file, 4),
    "target where nothing can be made": (fixed("pull", "churn@1.0.0", "--to", "/proc/modelreg"), 4),
    "withdrawn version to pull": (fixed("pull", "churn@1.0.1"), 1),
    "withdrawn version to move": (fixed("stage", "set", "churn", "1.0.1", "staging"), 1),
    "withdrawn version for an alias": (fixed("alias", "set", "churn", "best", "1.0.1"), 1),
    "champion that is not in production": (fixed("alias", "set", "churn", "champion", "1.0.0"), 1),
    "unknown ref": (fixed("list", "--ref", "nowhere"), 1),
    "key that is a folder": (fixed("stage", "set", "churn", "1.0.0", "production", "--key", "/"), 4),
    "key that is empty": (fixed("stage", "set", "churn", "1.0.0", "production", "--key", ""), 4),
    "model that is empty": (fixed("list", ""), 1),
    "history of a model that is empty": (fixed("history", ""), 1),
    "proposals of a model that is empty": (fixed("proposals", ""), 1),
    "verified model that is empty": (fixed("verify", ""), 1),
    "stage that is empty": (fixed("list", "--stage", ""), 1),
    "version that is empty": (register("--version", ""), 1),
    "measured version that is empty": (
        lambda place: [
            "monitor",
            "churn",
            "--metrics",
            str(metrics(place.files, 0.8)),
            "--of",
            "",
            "--stage",
            "staging",
        ],
        1,
    ),
    "ref that is empty": (fixed("list", "--ref", ""), 1),
    "base that is empty": (fixed("gate", "--base", "", "--head", "main"), 1),
    "head that is empty": (fixed("gate", "--base", "main", "--head", ""), 1),
    "announcement since nothing": (fixed("announce", "--since", ""), 1),
    "comparison with nothing": (fixed("validate", "--changed-since", ""), 1),
    "ref like an option": (fixed("list", "--ref=--output=x"), 1),
    "path that is none": (fixed("validate", "nowhere/at/all.yaml"), 1),
    "unknown ref to compare with": (fixed("validate", "--changed-since", "nowhere"), 1),
    "unknown format": (fixed("validate", "--format", "xml"), 2),
    "bad address": (fixed("show", "churn@"), 2),
    "address with a v": (fixed("pull", "churn@v1.0.0"), 1),
    "address with half a version": (fixed("pull", "churn@1.0"), 1),
    "address with a path": (fixed("show", "../churn@1.0.0"), 1),
    "missing artifact": (register(name="nothing.json"), 1),
    "artifact a symlink": (link, 1),
    "version with v": (register("--version", "v1.2.0"), 1),
    "version with build": (register("--version", "1.2.0+build"), 1),
    "version of other content": (register("--version", "1.0.0"), 1),
    "version and bump": (register("--version", "2.0.0", "--bump", "major"), 2),
    "version and pre": (register("--version", "2.0.0", "--pre", "rc"), 2),
    "pre with number": (register("--pre", "rc.1"), 1),
    "pre in capitals": (register("--pre", "RC"), 1),
    "bump unknown": (register("--bump", "huge"), 2),
    "tag without value": (register("--tag", "team"), 1),
    "missing metrics": (register("--metrics", "nothing.json"), 1),
    "missing params": (register("--params", "nothing.yaml"), 1),
    "missing data": (register("--data", "nothing.csv"), 1),
    "missing lock file": (register("--env", "nothing.lock"), 1),
    "parent without version": (register("--parent", "churn"), 2),
    "parent unknown": (register("--parent", "ghost@1.0.0"), 1),
    "dot": (register(model="churn.v2"), 1),
    "slash": (register(model="team/churn"), 1),
    "leading dash": (register(model="-churn"), 1),
    "trailing dash": (register(model="churn-"), 1),
    "not ASCII": (register(model="chürn"), 1),
    "confusable": (register(model="сhurn"), 1),
    "upper case": (register(model="Churn"), 1),
    "empty name": (register(model=""), 1),
    "very long name": (register(model="a" * 65), 1),
    "device": (register(model="con"), 1),
    "escape sequence": (register(model="\x1b[31mred"), 1),
    "empty metrics": (with_file("--metrics", "m.json", ""), 1),
    "no metrics": (with_file("--metrics", "m.json", "{}"), 1),
    "NaN in JSON": (with_file("--metrics", "m.json", '{"f1": NaN}'), 1),
    "Infinity in JSON": (with_file("--metrics", "m.json", '{"f1": -Infinity}'), 1),
    "NaN in YAML": (with_file("--metrics", "m.yaml", "f1: .nan\n"), 1),
    "metrics as text": (with_file("--metrics", "m.json", '{"f1": "0.9"}'), 1),
    "metrics true": (with_file("--metrics", "m.json", '{"f1": true}'), 1),
    "metrics null": (with_file("--metrics", "m.json", '{"f1": null}'), 1),
    "metrics a list": (with_file("--metrics", "m.json", "[0.9]"), 1),
    "metrics cut off": (with_file("--metrics", "m.json", '{"f1": 0.9'), 1),
    "metrics binary": (with_file("--metrics", "m.json", b"\x80\x04\x95"), 1),
    "metrics of one name": (with_file("--metrics", "m.json", '{"F1": 0.9, "f1": 0.8}'), 1),
    "metric without a letter": (with_file("--metrics", "m.json", '{"123": 0.9}'), 1),
    "params twice": (with_file("--params", "p.yaml", "a: 1\na: 2\n"), 1),
    "params with a tag": (with_file("--params", "p.yaml", "a: !!python/object/apply:os.system [id]\n"), 1),
    "params NaN": (with_file("--params", "p.yaml", "a: .nan\n"), 1),
    "dirt on a touched path": (dirty, 5),
    "staged on a touched path": (staged, 5),
    "file in the way": (in_the_way, 5),
    "detached": (on_git("checkout", "-q", "--detach"), 4),
    "other branch": (on_git("switch", "-q", "-c", "feature"), 4),
    "merge in progress": (merging, 4),
    "wrong --branch": (fixed("stage", "set", "churn", "1.0.0", "production", "--branch", "trunk"), 2),
    "no identity": (no_identity, 4),
    "newer format": (newer, 1),
    "push without a remote": (fixed("stage", "set", "churn", "1.0.0", "production", "--push"), 4),
    "pull over a file": (exists_already, 5),
}


def explained(result: Result) -> None:
    """One error line and one hint, no traceback, no control characters."""
    assert result.code != 70
    assert "Traceback" not in result.err
    lines = result.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"], result.err
    assert all(character.isprintable() for line in lines for character in line)


@pytest.mark.parametrize("name", CASES)
def test_bad_input_changes_nothing(place: Place, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, code = CASES[name]
    arguments = make(place)
    monkeypatch.chdir(place.files)
    before = everything(place.repo)
    listed = sorted(place.files.rglob("*"))
    result = modelreg(*_before_dashes(arguments, "--registry", str(place.repo.path)))
    assert result.code == code, result.err + result.out
    explained(result)
    assert everything(place.repo) == before
    assert sorted(place.files.rglob("*")) == listed
    again = modelreg(*_before_dashes(arguments, "--registry", str(place.repo.path), "--json"))
    assert again.code == code
    if "xml" not in arguments:
        assert check_output(json.loads(again.err), "error") == []
    assert everything(place.repo) == before


def _before_dashes(arguments: list[str], *more: str) -> list[str]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:at], *more, *arguments[at:]]


def test_a_denied_move_names_every_check(place: Place) -> None:
    done("register", "churn", artifact(place.files, "weak"), registry=place.repo.path)
    before = everything(place.repo)
    result = modelreg("stage", "set", "churn", "1.0.2", "production", "--json", registry=place.repo.path)
    assert result.code == 1
    error = json.loads(result.err)
    assert check_output(error, "error") == []
    assert error["report"]["allowed"] is False
    explained(modelreg("stage", "set", "churn", "1.0.2", "production", registry=place.repo.path))
    dry = modelreg("stage", "set", "churn", "1.0.2", "production", "--dry-run", "--json", registry=place.repo.path)
    assert dry.code == 1
    assert dry.json("stage-set")["report"]["allowed"] is False
    assert everything(place.repo) == before


@pytest.mark.parametrize("command", [["list"], ["init"], ["validate"], ["verify"], ["pull", "churn"], ["announce"]])
def test_no_repository(tmp_path: Path, command: list[str]) -> None:
    result = modelreg(*command, registry=tmp_path)
    assert result.code == 4
    explained(result)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["list"], ["validate"], ["verify"], ["pull", "churn"], ["announce"]])
def test_not_a_registry(repo: Repo, command: list[str]) -> None:
    before = everything(repo)
    result = modelreg(*command, registry=repo.path)
    assert result.code == 4
    explained(result)
    assert "modelreg init" in result.err
    assert everything(repo) == before


def test_a_registry_path_that_does_not_exist(tmp_path: Path) -> None:
    result = modelreg("list", registry=tmp_path / "nowhere")
    assert result.code == 4
    explained(result)


@pytest.mark.parametrize(
    "options",
    [["--policy", "lax"], ["--embedded", "--remote", "x"]],
)
def test_init_refuses(repo: Repo, options: list[str]) -> None:
    before = everything(repo)
    result = modelreg("init", *options, registry=repo.path)
    assert result.code == 2
    explained(result)
    assert everything(repo) == before


def test_a_remote_that_cannot_be_reached(repo: Repo, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    done("init", "--remote", str(remote), registry=repo.path)
    if remote.exists():
        remote.rmdir()
    remote.write_text("a file where the folder should be")
    before = everything(repo)
    result = modelreg("register", "churn", artifact(tmp_path, "one"), registry=repo.path)
    assert result.code == 4, result.err
    explained(result)
    assert everything(repo) == before


def test_objects_that_nobody_has(repo: Repo, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    done("init", "--remote", str(remote), registry=repo.path)
    done("register", "churn", artifact(tmp_path, "one"), registry=repo.path)
    other = repo.clone(tmp_path / "clone")
    remote.rename(tmp_path / "away")
    result = modelreg("pull", "churn@1.0.0", "--to", tmp_path / "out", registry=other.path)
    assert result.code == 4, result.err
    explained(result)
    assert not (tmp_path / "out/model.json").exists()


@pytest.mark.parametrize("arguments", [["frobnicate"], ["register"], ["stage", "set", "churn"], ["list", "--nope"]])
def test_usage(arguments: list[str]) -> None:
    result = modelreg(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        *(["frobnicate", "--json"], ["register", "--json"], ["stage", "set", "churn", "--json"]),
        *(["list", "--nope", "--json"], ["list", "--max-age", "old", "--json"], ["gate", "--format", "json"]),
        *(["gate", "--format=json", "--base", "nowhere", "--head", "main"], ["compare", "churn", "--format", "json"]),
    ],
    ids=" ".join,
)
def test_what_asks_for_json_gets_its_errors_as_json(place: Place, arguments: list[str]) -> None:
    result = modelreg(*arguments, registry=None if "frobnicate" in arguments else place.repo.path)
    assert not result.out
    assert result.code in (1, 2)
    told = json.loads(result.err)
    assert not check_output(told, "error")
    assert told["error"]["hint"]
    assert told["error"]["code"] == ("usage" if result.code == 2 else "not-found")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_bug_says_where_to_report_it(place: Place, monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of \udcff all things")

    monkeypatch.setattr("modelreg.wiring.open_workspace", broken)
    result = modelreg("list", *(["--json"] if as_json else []), registry=place.repo.path)
    assert result.code == 70
    assert not result.out
    told = json.loads(result.err)["error"]["hint"] if as_json else result.err
    report = Path(told.split("report it with ")[1].strip())
    assert "ZeroDivisionError" in report.read_text()
    report.unlink()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EMFILE, errno.EPIPE], ids=errno.errorcode.get)
@pytest.mark.parametrize("as_json", [False, True])
def test_F07_what_the_machine_refuses_is_no_bug(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int, as_json: bool
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/somewhere/file")

    monkeypatch.setattr("modelreg.adapters.landing.Composer", refused)
    before = everything(place.repo)
    result = modelreg(
        "stage", "set", "churn", "1.0.0", "production", *(["--json"] if as_json else []), registry=place.repo.path
    )
    assert result.code == 4
    assert not result.out
    assert everything(place.repo) == before
    if as_json:
        assert json.loads(result.err)["error"]["code"] == "unavailable"
    else:
        assert result.err == f"error: /somewhere/file: cannot be read or written: {os.strerror(number)}\n"


def test_F14_a_path_that_is_no_text(place: Place, tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are a name as any other; the index is opened by such a name too."""
    repo = place.repo.copy(Path(os.fsdecode(os.fsencode(tmp_path) + b"/of \xff ")))
    for command in ("validate", "search", "history", "verify", "doctor"):
        done(command, registry=repo.path)
    assert (repo.path / ".git/modelreg/index.sqlite").exists()
    done("stage", "set", "churn", "1.0.0", "production", registry=repo.path)
    assert list(Path.cwd().glob("of *")) == []


def test_F14_a_path_with_a_line_break(place: Place, tmp_path: Path) -> None:
    repo = place.repo.copy(tmp_path / "a\nb")
    refused = modelreg("list", registry=repo.path)
    assert refused.code == 4
    assert "holds a line break" in refused.err
    explained(refused)


@pytest.mark.parametrize(
    ("name", "content", "params"),
    [
        ("p.json", b'\xef\xbb\xbf{"depth": 3}', {"depth": 3}),
        ("p.json", b'{\r\n\t"depth": 3,\r\n\t"kind": "a"\r\n}\r\n', {"depth": 3, "kind": "a"}),
        ("p.yaml", b"\xef\xbb\xbfdepth: 3\r\nkind: a\r\n", {"depth": 3, "kind": "a"}),
        (
            "p.json",
            json.dumps({"by": "\U0001f916\U0001f916", "é": "€"}).encode(),
            {"by": "\U0001f916\U0001f916", "é": "€"},
        ),
        ("p.json", json.dumps({"path": "\\ud83e\\udd16", "b": "\\\U0001f916"}).encode(), None),
    ],
)
def test_F15_input_files_as_other_systems_and_json_write_them(
    place: Place, name: str, content: bytes, params: dict[str, object] | None
) -> None:
    wanted = json.loads(content) if params is None else params
    done("register", "churn", place.files / "new.json", "--params", place.file(name, content), registry=place.repo.path)
    assert done("show", "churn@latest", "--json", registry=place.repo.path).json("show")["params"] == wanted
    done("validate", registry=place.repo.path)


def test_what_git_says_is_no_advice_on_grafts(place: Place) -> None:
    """git gives it wherever GIT_GRAFT_FILE is set, which keeps the repository's own from being read (A21)."""
    place.repo.git("switch", "-q", "--orphan", "other")
    place.repo.git("checkout", "-q", "main", "--", "registry")
    place.repo.commit("unrelated", all=True)
    refused = modelreg("gate", "--base", "main", "--head", "other", registry=place.repo.path)
    assert refused.code == 4
    assert "fatal: refusing to merge unrelated histories" in refused.err
    assert "graft" not in refused.err


def test_a_question_that_nobody_answers_is_no_bug(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def left(*_: object, **__: object) -> None:
        raise typer.Abort

    monkeypatch.setattr("modelreg.wiring.open_workspace", left)
    assert modelreg("list", registry=place.repo.path).code == 1
    refused = modelreg("list", "--json", registry=place.repo.path)
    assert refused.code == 1
    assert json.loads(refused.err)["error"]["message"] == "nobody answered"
