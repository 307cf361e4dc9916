"""Programs: what they write is heard line by line, and all that they began ends with them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from modelreg.adapters.programs import TAIL_LINES, run
from modelreg.errors import UnavailableError
from modelreg.registry.sandbox import Ran


def shell(command: str, heard: list[str] | None = None, limit_s: float | None = None) -> Ran:
    lines: list[str] = [] if heard is None else heard
    return run(["/bin/sh", "-c", command], cwd=Path("/"), env=os.environ, tell=lines.append, limit_s=limit_s)


def test_both_outputs_are_one_stream_of_lines() -> None:
    heard: list[str] = []
    ran = shell(r"echo one; echo two >&2; printf 'three\r\n10%%\r20%%\n\377end'; exit 7", heard)
    assert heard == ["one", "two", "three", "20%", "\N{REPLACEMENT CHARACTER}end"]
    assert (ran.code, ran.tail) == (7, tuple(heard))


def test_only_the_last_lines_are_kept_and_none_is_endless() -> None:
    ran = shell("seq 1000; head -c 5000 /dev/zero | tr '\\0' x")
    assert len(ran.tail) == TAIL_LINES
    assert max(map(len, ran.tail)) <= 2000


def test_it_reads_nothing_from_the_terminal() -> None:
    assert shell("cat; echo end", limit_s=5).tail == ("end",)


def test_a_child_that_keeps_the_output_open_does_not_keep_it_waiting() -> None:
    began = time.monotonic()
    assert shell("sleep 30 & echo end").tail == ("end",)
    assert time.monotonic() - began < 10


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    assert shell("exec >&- 2>&-; sleep 0.3; exit 5").code == 5


@pytest.mark.parametrize("command", ["sleep 30", "exec >&- 2>&-; sleep 30", "trap '' TERM; while :; do :; done"])
def test_its_time_is_up(command: str) -> None:
    began = time.monotonic()
    assert shell(command, limit_s=0.3).code is None
    assert time.monotonic() - began < 15


def test_what_ends_us_ends_it(tmp_path: Path) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            ["/bin/sh", "-c", f"echo begun; sleep 1; touch {tmp_path}/lived"],
            cwd=tmp_path,
            env=os.environ,
            tell=interrupted,
        )
    time.sleep(1.5)
    assert not (tmp_path / "lived").exists()


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="absent cannot be started"):
        run([tmp_path / "absent"], cwd=tmp_path, env={}, tell=print)
    assert run([sys.executable, "-c", "print(1)"], cwd=tmp_path, env={}, tell=lambda _: None).tail == ("1",)
