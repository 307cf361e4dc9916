"""`modelreg reproduce`: made again in a throwaway clone, compared, and explained where it is not the same."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from modelreg import Registry
from modelreg.adapters.schema import check_output
from modelreg.domain.names import ModelName
from modelreg.errors import UnavailableError, UsageError
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.wiring import open_workspace
from tests.cli.runner import Result, modelreg
from tests.reproducible import CUSTOMERS, SRC, Lab, make_lab
from tests.support import Repo


@pytest.fixture(scope="module")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def lab(_lab: Lab, tmp_path: Path) -> Lab:
    mine = _lab.copy(tmp_path / "repo")
    mine.wheels_only()
    return mine


def explained(result: Result) -> list[str]:
    """What a failure gives as causes, the likeliest first."""
    assert result.code == 1, result.err + result.out
    assert "is NOT reproduced" in result.out
    return [line.strip() for line in result.out.splitlines() if line.startswith("  ")]


def test_bit_for_bit_in_a_fresh_clone_from_the_lock(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    clone = lab.repo.clone(tmp_path / "fresh")
    mine = Lab(lab.room, clone)
    before = mine.theirs()
    said = mine.reproduce("--json").json("reproduce")
    assert (said["ok"], said["kind"], said["command"]) == (True, "bitwise", "python train.py")
    assert said["differences"] == []
    assert said["artifacts"] == [{"path": "model.bin", "sha256": mine.manifest()["artifacts"][0]["sha256"]}]
    assert "a fresh environment" in said["environment"]
    assert said["output"][-1] == "registered 1.0.0"
    assert mine.theirs() == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_uv_pip_makes_the_environment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelreg.adapters.interpreters._uv", lambda: None)
    said = lab.reproduce()
    assert (said.code, "is reproduced (bitwise)" in said.out) == (0, True), said.err


def test_in_the_present_environment(lab: Lab) -> None:
    before = lab.theirs()
    said = lab.reproduce("--env", "current")
    assert said.code == 0, said.err
    assert said.out == "tiny@1.0.0 is reproduced (bitwise): every artifact is the same bit for bit\n"
    assert "  | registered 1.0.0" in said.err.splitlines()
    assert lab.theirs() == before


# --- the four alterations


def test_other_data_is_the_explanation(lab: Lab) -> None:
    before = lab.outside.read_text()
    lab.outside.write_text("id,weather\n1,rain\n")
    try:
        assert explained(lab.reproduce("--env", "current"))[0] == "data outside changed: 2 -> 1 rows"
    finally:
        lab.outside.write_text(before)


def test_another_parameter_is_the_explanation(lab: Lab) -> None:
    causes = explained(lab.reproduce("--env", "current", "--command", "python train.py --depth 4"))
    assert causes[0] == "parameter depth 3 -> 4"
    assert causes[-1].startswith("artifact model.bin ")


def test_another_dependency_is_the_explanation(lab: Lab) -> None:
    lab.use("2.0")
    assert explained(lab.reproduce("--env", "current"))[0] == "environment tinymodel 1.0 -> 2.0"


def test_another_dependency_is_seen_by_the_lock_where_no_packages_are_recorded(lab: Lab) -> None:
    lab.train("--depth", "5", "--no-packages")
    lab.use("2.0")
    causes = explained(lab.reproduce("--env", "current", version="1.0.1"))
    assert causes[0] == "environment tinymodel none -> 2.0" or causes[0].startswith("tinymodel: the lock pins 1.0")
    assert any(cause == "tinymodel: the lock pins 1.0, installed is 2.0" for cause in causes)


def test_another_seed_is_the_explanation(lab: Lab) -> None:
    said = lab.reproduce("--env", "current", "--command", "python train.py --seed 8")
    assert explained(said)[0] == "seed random 7 -> 8"
    assert "the command was given by hand" in said.err


# --- what it starts from


def refused(result: Result, code: int, *words: str) -> None:
    assert result.code == code, result.err + result.out
    for word in words:
        assert word in result.err
    assert "training" not in result.err, "nothing may have run"


def test_a_commit_that_a_squash_left_behind_is_found_by_its_tree(lab: Lab, tmp_path: Path) -> None:
    repo = lab.repo
    code = repo.git("rev-parse", "HEAD^")
    same = repo.git("commit-tree", f"{code}^{{tree}}", "-p", f"{code}^", "-m", "squashed")
    landed = repo.git("commit-tree", "HEAD^{tree}", "-p", same, "-m", "registered")
    repo.git("update-ref", "refs/heads/main", landed)
    repo.git("tag", "-d", *repo.git("tag").split())
    clone = Lab(lab.room, Repo(tmp_path / "fresh"))
    repo.clone(clone.repo.path, "--no-local")
    assert clone.repo.rev(f"{code}^{{commit}}") is None
    said = clone.reproduce("--env", "current")
    assert said.code == 0, said.err
    assert f"note         commit {code[:12]} is not here; {same[:12]} has the same files" in said.err
    repo.git("checkout", "-q", "--orphan", "other", landed)
    repo.commit("another history")
    repo.git("branch", "-q", "-f", "main", "other")
    repo.git("checkout", "-q", "main")
    last = repo.clone(tmp_path / "gone", "--no-local", "--single-branch")
    refused(lab.reproduce(where=last.path), 4, f"commit {code[:12]} is not here", f"git fetch origin {code}")


def test_the_tree_of_a_squashed_branch_is_put_together(lab: Lab, tmp_path: Path) -> None:
    """A version is registered from a branch that main, with a registry that moved on, then takes in as one commit."""
    repo, body = lab.repo, lab.manifest()
    repo.git("checkout", "-q", "-b", "feature")
    code = repo.commit("new code", {"train.py": repo.read("train.py") + "# better\n"})
    lab.train("--only-files", "--depth", "5")
    lineage = body["lineage"] | {"code": {"commit": code, "tree": repo.git("rev-parse", "HEAD^{tree}")}}
    lineage["pipeline"] = {"command": "python train.py --depth 5"}
    request = Request(ModelName("tiny"), [Source(repo.path / "out" / "model.bin")], facts={"lineage": lineage})
    register(open_workspace(repo.path, "main"), request)
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--squash", "feature")
    squash = repo.commit("squashed")
    repo.git("branch", "-q", "-D", "feature")
    clone = Lab(lab.room, repo.clone(tmp_path / "fresh", "--no-local"))
    assert clone.repo.rev(f"{code}^{{commit}}") is None
    said = clone.reproduce("--env", "current", version="1.0.1")
    assert said.code == 0, said.err
    assert "is reproduced (bitwise)" in said.out
    registered = repo.git("rev-parse", "HEAD~2")
    assert f"its tree is {squash[:12]} with the registry of {registered[:12]}" in said.err


def test_dirty_code_is_refused(lab: Lab) -> None:
    lab.train("--depth", "5", "--dirty")
    refused(lab.reproduce(version="1.0.1"), 1, "had changes that were not committed", "commit the code")


def test_without_a_command_it_says_what_to_type(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_text("other")
    code = {"commit": lab.repo.head, "entry_point": "train.py"}
    request = Request(ModelName("tiny"), [Source(tmp_path / "other.bin")], facts={"lineage": {"code": code}})
    register(open_workspace(lab.repo.path), request)
    refused(lab.reproduce(version="1.0.1"), 1, "records no command", '--command "python train.py …"')
    refused(lab.reproduce("--command", "true", version="1.0.1"), 1, "records no lock file", "--env current")


def test_data_that_is_nowhere(lab: Lab) -> None:
    shutil.rmtree(lab.repo.path / ".dvc" / "cache")
    config = lab.repo.path / ".dvc" / "config"
    lab.repo.commit("an empty remote", {".dvc/config": config.read_text().replace("/remote\n", "/empty\n")})
    refused(lab.reproduce(), 4, "data regions is neither in the cache nor in the remote", "dvc push")


def test_data_comes_from_the_remote_where_the_cache_is_empty(lab: Lab) -> None:
    shutil.rmtree(lab.repo.path / ".dvc" / "cache")
    said = lab.reproduce("--env", "current")
    assert said.code == 0, said.err
    assert not (lab.repo.path / ".dvc" / "cache").exists()


def test_data_that_was_altered_where_it_is_kept(lab: Lab) -> None:
    md5 = lab.manifest()["lineage"]["data"][1]["md5"]
    cached = lab.repo.path / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    cached.chmod(0o644)
    cached.write_text("id,region\n")
    said = lab.reproduce("--env", "current")
    assert said.code == 0, "the remote has it: " + said.err
    assert cached.read_text() == "id,region\n", "not ours to mend here"
    config = lab.repo.path / ".dvc" / "config"
    lab.repo.commit("an empty remote", {".dvc/config": config.read_text().replace("/remote\n", "/empty\n")})
    refused(lab.reproduce(), 3, "data regions was altered", "nothing was run")


def test_committed_data_that_is_not_the_recorded(lab: Lab) -> None:
    """A manifest that names data which its commit does not hold."""
    lab.repo.commit("other data", {"data/customers.csv": CUSTOMERS.replace("1\n", "0\n")})
    other = lab.repo.head
    body = lab.manifest()
    facts = {"params": body["params"], "lineage": body["lineage"] | {"code": {"commit": other}}}
    (lab.repo.path / "out").mkdir(exist_ok=True)
    source = lab.repo.write("out/model.bin", "another")
    register(open_workspace(lab.repo.path), Request(ModelName("tiny"), [Source(source)], facts=facts))
    refused(lab.reproduce(version="1.0.1"), 1, "data customers at commit", "is not what was trained on", "nothing was")


def test_a_manifest_whose_tree_is_not_its_commits(lab: Lab) -> None:
    body = lab.manifest()
    code = {"commit": lab.repo.head, "tree": body["lineage"]["code"]["tree"]}
    source = lab.repo.write("out/model.bin", "another")
    facts = {"lineage": body["lineage"] | {"code": code}}
    register(open_workspace(lab.repo.path), Request(ModelName("tiny"), [Source(source)], facts=facts))
    refused(lab.reproduce(version="1.0.1"), 3, "does not have the tree")


def test_a_lock_that_is_not_there(lab: Lab) -> None:
    body = lab.manifest()
    environment = body["lineage"]["environment"] | {"lock": {"path": "requirements.txt", "sha256": "0" * 64}}
    source = lab.repo.write("out/model.bin", "another")
    facts = {"lineage": body["lineage"] | {"environment": environment}}
    register(open_workspace(lab.repo.path), Request(ModelName("tiny"), [Source(source)], facts=facts))
    refused(lab.reproduce(version="1.0.1"), 4, "is neither an artifact nor in the commit", "--env current")


def test_a_lock_that_is_an_artifact(lab: Lab) -> None:
    body = lab.manifest()
    lab.train("--only-files", "--depth", "5")
    lock = lab.repo.write("elsewhere/generated.txt", lab.repo.read("requirements.txt") + "# generated\n")
    found = open_workspace(lab.repo.path).store().add(lock)
    environment = body["lineage"]["environment"] | {"lock": {"path": "generated.txt", "sha256": found.sha256}}
    pipeline = {"command": "python train.py --depth 5"}
    facts = {"lineage": body["lineage"] | {"environment": environment, "pipeline": pipeline}}
    sources = [Source(lab.repo.path / "out" / "model.bin"), Source(lock, "lock")]
    register(open_workspace(lab.repo.path), Request(ModelName("tiny"), sources, facts=facts))
    said = lab.reproduce(version="1.0.1")
    assert said.code == 0, said.err
    assert "is reproduced (bitwise)" in said.out, "the lock itself is not compared"


# --- what runs


def test_a_command_that_fails_shows_its_last_lines(lab: Lab) -> None:
    said = lab.reproduce("--env", "current", "--command", "python train.py --fail")
    assert said.code == 1
    assert "`python train.py --fail` failed with exit code 3" in said.err
    assert said.err.index("no such estimator") < said.err.index("error: ")
    assert "  | no such estimator" in said.err[said.err.index("error: ") :]


def test_a_command_that_registers_nothing(lab: Lab) -> None:
    said = lab.reproduce("--env", "current", "--command", "echo all well")
    assert said.code == 1
    assert "made no version of tiny: nothing was registered (its last line: all well)" in said.err


def test_a_command_that_takes_too_long_is_ended_with_all_it_began(lab: Lab, tmp_path: Path) -> None:
    lived = tmp_path / "lived"
    command = f"(sleep 4; touch {lived}) & sleep 60"
    began = time.monotonic()
    said = lab.reproduce("--env", "current", "--command", command, "--time-limit", "0.005")
    assert (said.code, "was stopped after 0.3 s" in said.err) == (1, True), said.err
    assert time.monotonic() - began < 20
    time.sleep(4)
    assert not lived.exists()


def registered_files(lab: Lab, *names: str) -> None:
    """1.0.1, of files below out/, by a command that leaves the first of them and registers nothing."""
    body = lab.manifest()
    pipeline = {"command": "python train.py --only-files --seed 9", "outputs": {"model.bin": "out/model.bin"}}
    facts = {"params": body["params"], "lineage": body["lineage"] | {"pipeline": pipeline}}
    lab.train("--only-files", "--seed", "9")
    sources = [Source(lab.repo.path / "out" / name) for name in names]
    register(open_workspace(lab.repo.path), Request(ModelName("tiny"), sources, facts=facts))


def test_files_that_the_command_leaves_are_taken_where_it_registers_nothing(lab: Lab) -> None:
    registered_files(lab, "model.bin")
    said = lab.reproduce("--env", "current", version="1.0.1")
    assert said.code == 0, said.err
    assert "is reproduced (bitwise)" in said.out
    causes = explained(lab.reproduce("--env", "current", "--command", "python train.py --only-files", version="1.0.1"))
    assert causes[0].startswith("artifact model.bin "), causes
    assert causes[-1].startswith("nothing that is recorded differs")


def test_files_that_were_not_made_again_are_named(lab: Lab) -> None:
    lab.repo.write("out/other.bin", "not made by it")
    registered_files(lab, "model.bin", "other.bin")
    said = lab.reproduce("--env", "current", version="1.0.1")
    assert explained(said)[0].startswith("artifact other.bin "), said
    assert "not made again: other.bin" in said.err


def test_content_that_was_registered_before_is_recognised(lab: Lab) -> None:
    """Code of the past may find at its commit what it makes, and then lands nothing."""
    lab.repo.commit("later")
    lab.train("--depth", "5")
    said = lab.reproduce("--env", "current", "--command", "python train.py", version="1.0.1")
    assert "note: the code found what it made registered as 1.0.0" in said.err
    assert explained(said)[0] == "parameter depth 5 -> 3"


def test_only_named_variables_reach_the_code(lab: Lab) -> None:
    os.environ["AWS_SECRET_ACCESS_KEY"] = "hush"
    command = 'echo "key ${AWS_SECRET_ACCESS_KEY:-none} home $HOME"'
    said = lab.reproduce("--env", "current", "--command", command)
    assert re.search(r"^  \| key none home \S+/modelreg-reproduce-\S+/home$", said.err, re.MULTILINE), said.err
    said = lab.reproduce("--env", "current", "--command", command, "--pass-env", "AWS_SECRET_ACCESS_KEY")
    assert "  | key hush home " in said.err


def test_what_it_writes_cannot_steer_the_terminal(lab: Lab) -> None:
    said = lab.reproduce("--env", "current", "--command", "printf 'a\\033[2Jb\\n'")
    assert "\033" not in said.err
    assert "  | a\N{REPLACEMENT CHARACTER}[2Jb" in said.err


# --- asking, planning, recording


def test_it_runs_nothing_unasked(lab: Lab) -> None:
    before = lab.theirs()
    said = modelreg("reproduce", "tiny@1.0.0", registry=lab.repo.path)
    refused(said, 2, "nobody to ask", "--yes", lab.repo.git("rev-parse", "HEAD^"), "python train.py")
    plan = modelreg("reproduce", "tiny@latest", "--dry-run", registry=lab.repo.path)
    assert plan.code == 0
    assert "  runs         python train.py" in plan.out.splitlines()
    said = modelreg("reproduce", "tiny@latest", "--dry-run", "--json", registry=lab.repo.path)
    assert said.json("reproduce")["dry_run"] is True
    assert lab.theirs() == before


@pytest.mark.parametrize(
    "words",
    [
        ["--env", "other"],
        ["--tolerance", "-1"],
        ["--tolerance", "nan"],
        ["--time-limit", "0"],
        ["--sign"],
        ["--push"],
        ["--keep", "."],
    ],
)
def test_options_that_make_no_sense(lab: Lab, words: list[str]) -> None:
    refused(lab.reproduce(*words), 2)


def test_it_is_recorded_as_evidence(lab: Lab) -> None:
    said = lab.reproduce("--env", "current", "--record", "--json").json("reproduce")
    assert said["recorded"]["type"] == "reproduction"
    text = lab.repo.show(said["recorded"]["file"])
    assert "kind: bitwise" in text
    assert "ok: true" in text
    assert "command: python train.py" in text
    listed = modelreg("evidence", "list", "tiny@1.0.0", registry=lab.repo.path)
    assert "bitwise: agreed" in listed.out
    assert modelreg("validate", registry=lab.repo.path).code == 0
    said = lab.reproduce("--env", "current", "--record", "--json", "--command", "python train.py --depth 4")
    assert said.code == 1
    body = said.json("reproduce")
    text = lab.repo.show(body["recorded"]["file"])
    assert "ok: false" in text
    assert "parameter depth 3 -> 4" in text
    assert "given by hand" in text


def test_the_clone_can_be_kept(lab: Lab, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert lab.reproduce("--env", "current", "--keep", str(kept)).code == 0
    assert (kept / "clone" / "out" / "model.bin").is_file()
    assert Repo(kept / "clone").git("remote") == ""


def test_from_python(lab: Lab, tmp_path: Path) -> None:
    version, before = Registry(lab.repo.path)["tiny"]["1.0.0"], lab.theirs()
    made = version.reproduce(env="current", keep=tmp_path / "kept")
    assert made.ok
    assert not check_output(made.to_mapping(), "reproduce")
    assert made.to_mapping()["kind"] == "bitwise"
    other = version.reproduce(env="current", command="python train.py --depth 4")
    assert (other.ok, "parameter depth 3 -> 4" in other.judgement.causes) == (False, True)
    with pytest.raises(UnavailableError, match="kept: cannot be made: File exists"):
        version.reproduce(env="current", keep=tmp_path / "kept")
    wrongs: list[dict[str, Any]] = [{"env": "other"}, {"tolerance": -1}, {"time_limit": 0}]
    for wrong in wrongs:
        with pytest.raises(UsageError):
            version.reproduce(**wrong)
    assert lab.theirs() == before


def test_interrupted_it_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    before = lab.theirs()
    room = tmp_path / "tmp"
    room.mkdir()
    words = ["reproduce", "tiny@1.0.0", "--yes", "--env", "current", "--command", "echo begun; sleep 60"]
    env = os.environ | {"TMPDIR": str(room), "PYTHONPATH": str(SRC)}
    command = [sys.executable, "-m", "modelreg", *words, "--registry", str(lab.repo.path)]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "| begun" in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert list(room.iterdir()) == []
    assert lab.theirs() == before
