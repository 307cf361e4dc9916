"""What README and docs show is what happens: sessions are run, and compared but for ids, times and padding."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelreg.domain.bump import DEFAULT
from modelreg.domain.notification import EVENTS
from tests.cli.runner import artifact, done
from tests.keys import make_key
from tests.reference import page
from tests.support import Repo

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text()
LINEAGE = (TOP / "docs" / "lineage.md").read_text()
PROMOTION = (TOP / "docs" / "promotion.md").read_text()
VERSIONS = (TOP / "docs" / "versions.md").read_text()


COMPARE_AND_EXPORT = (TOP / "docs" / "compare-and-export.md").read_text()


def sessions(text: str) -> dict[str, str]:
    """The sessions of a page, by name."""
    return dict(re.findall(r"<!-- session: ([a-z ]+) -->\n```console\n(.*?)```", text, re.DOTALL))


SESSIONS = sessions(README)

_AT = "import sys, time; time.time = lambda: {now}; from modelreg.__main__ import main; sys.exit(main())"


def _run(command: str, folder: Path, now: int | None, *more: Path) -> str:
    """What a command says; `more` are folders for PYTHONPATH."""
    shim = folder.parent / "bin"
    shim.mkdir(exist_ok=True)
    what = "-m modelreg" if now is None else f"-c '{_AT.format(now=now)}'"
    (shim / "modelreg").write_text(f'#!/bin/sh\nexec {sys.executable} {what} "$@"\n')
    (shim / "modelreg").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{shim}:{os.environ['PATH']}",
        "COLUMNS": "130",
        "PYTHONPATH": os.pathsep.join(map(str, (TOP / "src", *more))),
    }
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def _normal(text: str) -> list[str]:
    text = re.sub(r"(\bin commit |\bat |  )[0-9a-f]{10}\b", r"\1ID", text)
    text = re.sub(r"\blanding [0-9a-f]{12}\b", "landing ID", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\b\d+\.\d h\b", "HOURS", text)
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def _steps(session: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts]


def play(session: str, folder: Path, now: int | None = None) -> None:
    """Run every command of a session in `folder`; `now` is what modelreg takes for the time, in epoch seconds."""
    for command, shown in _steps(session):
        said, expected = _normal(_run(command, folder, now)), _normal(shown)
        if expected and expected[-1] == "…":
            said, expected = said[: len(expected) - 1], expected[:-1]
        assert said == expected, command


def test_the_new_repository_session(tmp_path: Path) -> None:
    play(SESSIONS["new repository"], Repo.init(tmp_path / "repo").path)


@pytest.fixture
def here(own_clone: Repo, tmp_path: Path) -> Repo:
    """A clone of this repository, of a trainer of its models."""
    repo = own_clone.copy(tmp_path / "clone")
    repo.git("config", "user.email", "ann@example.org")
    return repo


def back_to_the_promotion(repo: Repo) -> int:
    """Reset the clone to the landing of churn_predictor 1.3.0 in production; its time. What is shown of it stays so."""
    record = "registry/churn_predictor/transitions/0008.yaml"
    repo.git("reset", "-q", "--hard", repo.git("log", "--first-parent", "-1", "--format=%H", "--", record))
    return int(repo.git("show", "-s", "--format=%ct"))


def test_the_session_in_this_repository(here: Repo) -> None:
    play(SESSIONS["here"], here.path)


def test_a_version_of_this_repository_is_made_again(here: Repo) -> None:
    """Bit for bit where the processor is alike, else within 1e-9. Where a newer scikit-learn trains otherwise: register
    anew."""
    *before, (command, shown) = _steps(SESSIONS["again"])
    for asked, answer in before:
        assert _normal(_run(asked, here.path, None)) == _normal(answer), asked
    said = _run(command, here.path, None)
    assert _normal(said) == _normal(shown) or "1.4.0 is reproduced (predictions)" in said


def test_the_promotion_in_the_readme(here: Repo) -> None:
    play(SESSIONS["promotion"], here.path, back_to_the_promotion(here))


@pytest.mark.parametrize("name", sorted(sessions(PROMOTION)))
def test_the_promotion_step_by_step(here: Repo, name: str) -> None:
    play(sessions(PROMOTION)[name], here.path, back_to_the_promotion(here))


def test_the_page_of_versions(tmp_path: Path) -> None:
    """Its sessions follow each other; its table is the one that decides."""
    repo = Repo.init(tmp_path / "repo")
    for name in ("a life", "candidates"):
        play(sessions(VERSIONS)[name], repo.path)
    (table,) = re.findall(r"<!-- table -->\n((?:\|.*\n)+)", VERSIONS)
    rows = re.findall(r"^\| `([a-z-]+)`.*? \| (\w+) \|", table, re.MULTILINE)
    assert rows == list(DEFAULT.items())


def test_comparing_and_exporting(here: Repo) -> None:
    now = back_to_the_promotion(here)
    for session in sessions(COMPARE_AND_EXPORT).values():
        play(session, here.path, now)


@pytest.mark.parametrize("name", sorted(sessions(LINEAGE)))
def test_lineage_in_this_repository(here: Repo, name: str) -> None:
    play(sessions(LINEAGE)[name], here.path, back_to_the_promotion(here))


def test_what_a_training_script_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script of the page, as it stands, in a repository of its own; digests are left out on the page."""
    ((name, script),) = re.findall(r"<!-- file: ([a-z.]+) -->\n```python\n(.*?)```", LINEAGE, re.DOTALL)
    (session,) = re.findall(r"<!-- recorded -->\n```console\n(.*?)```", LINEAGE, re.DOTALL)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    repo = Repo.init(tmp_path / "repo")
    repo.write(name, script)
    play(session.replace("manifest.yaml\n", "manifest.yaml | grep -vE '(sha256|md5):'\n"), repo.path)


def test_the_python_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    repo = Repo.init(tmp_path / "repo")
    done("init", "--embedded", registry=repo.path)
    repo.write("customers.csv", "age,calls,churned\n31,4,1\n52,0,0\n28,5,1\n47,1,0\n")
    monkeypatch.chdir(repo.path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert list(names["predicted"]) == [1, 0, 1, 0]  # type: ignore[call-overload]
    assert "churn_predictor  1.0.0    staging" in done("list").out


def test_the_page_of_notifications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rules are a policy's, and the table of events is the one that counts."""
    text = (TOP / "docs" / "notifications.md").read_text()
    (rules,) = re.findall(r"<!-- policy -->\n```yaml\n(.*?)```", text, re.DOTALL)
    repo = Repo.init(tmp_path / "repo")
    done("init", "--embedded", registry=repo.path)
    for version in ("1.0.0", "1.1.0"):
        path = artifact(tmp_path, version)
        done("register", "churn", path, "--version", version, registry=repo.path)
        done("stage", "set", "churn", version, "staging", registry=repo.path)
    policy = repo.read("registry/policy.yaml").replace("serial: 1", "serial: 2") + rules
    repo.commit("who is told of what", {"registry/policy.yaml": policy}, at=int(time.time()))
    done("validate", registry=repo.path)
    for version in ("1.0.0", "1.1.0"):
        done("stage", "set", "churn", version, "production", registry=repo.path)
    monkeypatch.setenv("MODELREG_NOTIFY_TEAM_CHAT", "json://127.0.0.1:1")
    play(sessions(text)["after a merge"], repo.path)
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \|", text, re.MULTILINE)
    assert [name for row in rows for name in re.findall("`([a-z-]+)`", row) if name != "on"] == list(EVENTS)


def test_ci_runs_the_readme_test_command() -> None:
    match = re.search(r"<!-- test command -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert match is not None
    assert match[1].startswith("python3 -m venv")
    assert match[1].endswith("pytest -q -n 2")
    assert "README.md" in (TOP / ".ci" / "run").read_text()


def test_ci_installs_what_is_missing(tmp_path: Path) -> None:
    """A folder of programs stands for a machine: bash and coreutils, an apt-get that notes what it is asked."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_bytes((TOP / ".ci" / "run").read_bytes())
    (tmp_path / "README.md").write_text("<!-- test command -->\n```sh\npython3 -m pytest\n```\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "sed", "grep"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    stubs = {"apt-get": 'echo "$@" >> asked\n', "id": "echo 0\n", "python3": 'echo "$@" > ran\n'}
    for name, text in stubs.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}")
        (programs / name).chmod(0o755)
    pip = tmp_path / ".venv-airflow" / "bin" / "pip"
    pip.parent.mkdir(parents=True)
    pip.write_text('#!/bin/sh\necho "$@" > airflow\n')
    pip.chmod(0o755)

    def asked() -> list[str]:
        subprocess.run([programs / "bash", ".ci/run"], cwd=tmp_path, env={"PATH": str(programs)}, check=True)
        return (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []

    packages = {"ssh-keygen": "openssh-client", "pg_lsclusters": "postgresql", "chromium": "chromium"}
    for present in range(len(packages)):
        update, install = asked()
        assert update == "update -qq"
        assert install.split()[-len(packages) + present :] == list(packages.values())[present:]
        assert "--no-install-recommends" in install.split()[: -len(packages) + present]
        (tmp_path / "asked").unlink()
        (programs / list(packages)[present]).symlink_to("/bin/true")
    assert asked() == []
    assert (tmp_path / "ran").read_text() == "-m pytest\n"
    assert (tmp_path / "airflow").read_text().endswith("--require-hashes -r examples/airflow/requirements.lock\n")


def test_the_page_of_commands_is_their_own_help() -> None:
    assert (TOP / "docs/cli.md").read_text() == page(), "python -m tests.reference > docs/cli.md"


def test_the_policy_of_the_docs_is_sound(tmp_path: Path) -> None:
    """Valid, and nothing in it that can never be met, once the persons that it names have keys."""
    (text,) = re.findall(r"<!-- policy -->\n```yaml\n(.*?)```", (TOP / "docs/policy.md").read_text(), re.DOTALL)
    repo = Repo.init(tmp_path / "repo")
    done("init", registry=repo.path)
    persons = [f"{name}@example.org" for name in ("ann", "bo", "cy", "di", "ed")]
    signers = "".join(make_key(tmp_path / "keys", name).line(name) for name in persons)
    repo.write("registry/policy.yaml", text)
    repo.write("registry/allowed_signers", signers)
    assert done("validate", "--json", registry=repo.path).json("validate")["findings"] == []
    repo.commit("policy", all=True)
    checked = done("policy", "check", "--json", registry=repo.path).json("policy-check")
    assert [finding for finding in checked["findings"] if finding["severity"] == "error"] == []
