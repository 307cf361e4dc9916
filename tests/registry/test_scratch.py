"""F01: what a killed process left where temporary files go is removed by the next one, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelreg.registry import scratch as module
from modelreg.registry.scratch import PREFIX, scratch

HOLD = """\
import time
from modelreg.registry.scratch import scratch
with scratch() as folder:
    (folder / "model").write_text("large")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    module._sweep.cache_clear()
    yield tmp_path
    module._sweep.cache_clear()


def holder(place: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that has a scratch folder, which looks old."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], env={**os.environ, "TMPDIR": str(place)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as told:
        folder = Path(told.readline().strip())
    aged(folder)
    return process, folder


def aged(folder: Path) -> None:
    os.utime(folder, (time.time() - 3600,) * 2)


def test_it_is_private_and_gone_afterwards(place: Path) -> None:
    with scratch() as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("text")
    with pytest.raises(ZeroDivisionError), scratch():
        raise ZeroDivisionError
    assert list(place.iterdir()) == []


def test_F01_what_a_killed_one_left_is_removed_and_what_a_living_one_holds_is_not(place: Path) -> None:
    (dead, left), (living, held) = holder(place), holder(place)
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert (left / "model").read_text() == "large"
        aged(left)
        with scratch():
            assert not left.exists()
            assert (held / "model").exists()
    finally:
        living.kill()
        living.wait()


def test_what_may_be_somebodys_stays(place: Path) -> None:
    outside = place / "outside"
    outside.mkdir()
    (outside / "kept").write_text("mine")
    (place / f"{PREFIX}link").symlink_to(outside)
    (place / f"{PREFIX}file").write_text("mine")
    (place / f"{PREFIX}open").mkdir(mode=0o755)
    (place / f"{PREFIX}young").mkdir(mode=0o700)
    aged(place / f"{PREFIX}open")
    before = sorted(place.rglob("*"))
    with scratch():
        pass
    assert sorted(place.rglob("*")) == before
