"""F17: standard streams that are closed, full or read by nobody, and Ctrl-C before a command has begun. As processes:
who is asked in process has the tests' own streams."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import textwrap
from pathlib import Path

import pytest

from tests.cli.runner import artifact, done, metrics
from tests.support import Repo

ASK = f'"{sys.executable}" -m modelreg'
SILENT = "Exception ignored", "Traceback", "a bug in modelreg"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("streams")
    repo = Repo.init(folder / "repo")
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(folder, "a model"), "--metrics", metrics(folder, 0.9), registry=repo.path)
    return repo


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    return made.copy(tmp_path / "repo")


def shell(repo: Repo, script: str, **env: str) -> tuple[str, str]:
    """What a script of bash wrote; `$ask` is modelreg. Nothing of what must stay unseen is in it."""
    given = {**os.environ, **env}
    told = subprocess.run(
        ["bash", "-c", script.replace("$ask", ASK)],
        cwd=repo.path,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not [line for line in told.stderr.splitlines() if line.startswith(SILENT)], told.stderr
    return told.stdout.strip(), told.stderr.strip()


@pytest.mark.parametrize("command", ["list", "history --json", "--help"])
def test_F17_a_reader_who_leaves_is_no_error(repo: Repo, command: str) -> None:
    assert shell(repo, f'$ask {command} | true; echo "${{PIPESTATUS[0]}}"') == ("0", "")


def test_F17_a_reader_who_leaves_makes_no_verdict_another(repo: Repo) -> None:
    """Neither does what landed count as refused, nor what was refused as allowed."""
    (repo.path / "new.json").write_text("another")
    out, _ = shell(repo, '$ask register churn new.json 2>&1 | true; echo "${PIPESTATUS[0]}"')
    assert out == "0"
    assert repo.git("ls-tree", "--name-only", "HEAD", "registry/churn/1.0.1")
    out, _ = shell(repo, '$ask verify --json | true; echo "${PIPESTATUS[0]}"')
    assert out == "0"
    repo.commit("gone", {"registry/churn/1.0.0/manifest.yaml": "format: 1\n"})
    out, _ = shell(repo, '$ask verify | true; echo "${PIPESTATUS[0]}"')
    assert out == "3"


def test_F07_an_answer_that_finds_no_room_is_none(repo: Repo) -> None:
    for command in ("list", "stage get churn development"):
        out, err = shell(repo, f'$ask {command} > /dev/full; echo "$?"')
        assert (out, err) == ("4", "error: standard output: cannot be written: No space left on device")


def test_F07_what_landed_has_landed_though_nobody_could_be_told(repo: Repo) -> None:
    out, err = shell(repo, '$ask stage set churn 1.0.0 staging > /dev/full; echo "$?"; $ask stage get churn staging')
    assert out.split() == ["4", "1.0.0"]
    assert "standard output" in err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_F17_a_stream_may_be_closed(repo: Repo, closed: str) -> None:
    assert shell(repo, f'$ask stage set churn 1.0.0 staging {closed}; echo "is $?"')[0].endswith("is 0")
    assert repo.git("status", "--porcelain") == ""
    assert repo.read("registry/churn/stages.yaml").count("1.0.0") == 1
    assert shell(repo, f'$ask show churn@9.0.0 {closed}; echo "is $?"')[0].endswith("is 1")


def test_F17_text_that_the_terminal_cannot_show_is_an_escape(repo: Repo) -> None:
    done("annotate", "churn@1.0.0", "--description", "größer als „1.0“", registry=repo.path)
    out, _ = shell(repo, '$ask show churn@1.0.0; echo "$?"', PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert out.endswith("\n0")
    assert "gr\\xf6\\xdfer" in out


@pytest.mark.parametrize("columns", ["0", "", "3", "wide", "-1", "9" * 30, "²"])
def test_a_width_that_is_none_is_not_taken(made: Repo, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert "churn  1.0.0" in done("list", registry=made.path).out


@pytest.mark.parametrize("columns", [5, 20, 0])
def test_a_table_is_readable_in_a_narrow_terminal(made: Repo, columns: int) -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    words = [sys.executable, "-m", "modelreg", "list"]
    env = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"TERM": "dumb"}
    subprocess.run(words, cwd=made.path, env=env, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, check=True)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end, on Linux
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert b"churn" in shown
    assert b"1.0.0" in shown
    assert b"development" in shown


def test_a_table_is_readable_in_a_narrow_pipe(made: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert "churn  1.0.0" in done("list", registry=made.path).out


def test_F14_a_working_folder_that_is_gone(repo: Repo) -> None:
    out, err = shell(repo, 'mkdir gone; cd gone; rmdir ../gone; $ask list; echo "$?"')
    assert (out, err) == ("4", "error: the working folder is gone\nhint: cd to one that is there")
    out, err = shell(repo, f'mkdir gone; cd gone; rmdir ../gone; $ask stage get churn development -C "{repo.path}"')
    assert (out, err) == ("1.0.0", "")


def test_F17_ctrl_c_while_modelreg_is_loaded_says_nothing(tmp_path: Path) -> None:
    """A signal at the import of Typer, which takes most of the time that a start takes."""
    (tmp_path / "typer.py").write_text(
        textwrap.dedent("""
        import os, signal, sys
        os.kill(os.getpid(), getattr(signal, os.environ["WHICH"]))
        sys.exit("was not stopped")
        """)
    )
    for which, code in (("SIGINT", 130), ("SIGTERM", 143)):
        path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        told = subprocess.run(
            [sys.executable, "-m", "modelreg", "list"],
            env={**os.environ, "PYTHONPATH": path, "WHICH": which},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (told.returncode, told.stdout, told.stderr) == (code, "", "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interpreter_that_is_to_buffer_nothing_buffers_nothing() -> None:
    """`python -u`, and PYTHONUNBUFFERED=1, as containers and CI have it: progress is seen when it is made."""
    code = "from modelreg.cli.streams import prepare; prepare(); import os, sys\n"
    code += "sys.stdout.write('a'); sys.stderr.write('b'); sys.stdout.write('c'); os._exit(0)"
    command = [sys.executable, "-u", "-c", code]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    assert done.stdout == b"abc"
