"""F03: how long a loser of a race waits, and when a winner gives way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelreg.adapters import waiting
from modelreg.adapters.waiting import Turns
from tests.adapters.test_git_push import land
from tests.support import Repo


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    with monkeypatch.context() as patched:
        patched.setattr(waiting, "time", clock)
        patched.setattr("random.uniform", lambda _, most: most)
        yield clock


def test_F03_who_loses_waits_longer_each_time_and_less_when_little_time_is_left(clock: Clock) -> None:
    lost, whole = Turns().lost, waiting.RETRY_S
    assert [lost(times, 0.1, whole) for times in (1, 2, 3, 30)] == pytest.approx([0.4, 1.6, 3.2, 3.2])
    waits = [lost(2, 0.1, left) for left in (60, 50, 40, 30, 21, 20, 1, 0)]
    assert waits == sorted(waits, reverse=True)
    assert waits[-3:] == [0, 0, 0]
    assert lost(2, 10, whole) == waiting.LONGEST_WAIT_S


def test_F03_who_keeps_winning_where_others_race_gives_way(clock: Clock) -> None:
    turns = Turns()
    turns.lost(1, 0.1, waiting.RETRY_S)
    for _ in range(3):  # as long as its turn lasts
        turns.won(0.2)
        assert turns.pause() == 0
        clock.now += waiting.TURN_S / 3
    turns.won(0.2)
    assert turns.pause() == pytest.approx(0.8)
    assert turns.pause() == 0  # once
    turns.won(0.2)
    clock.now += waiting.TURN_S + 1
    turns.lost(1, 0.1, waiting.RETRY_S)  # somebody else had the turn
    turns.won(0.2)
    assert turns.pause() == 0


def test_F03_who_is_alone_gives_way_to_nobody(clock: Clock) -> None:
    turns = Turns()
    for _ in range(50):
        turns.won(0.2)
        assert turns.pause() == 0
        clock.now += waiting.TURN_S
    turns.lost(1, 0.1, waiting.RETRY_S)
    clock.now += waiting.RETRY_S + 1  # that was long ago
    for _ in range(50):
        turns.won(0.2)
        assert turns.pause() == 0
        clock.now += waiting.TURN_S


def test_F03_a_landing_that_is_pushed_waits_its_turn(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []

    def pause(_: Turns) -> float:
        paused.append(0.0)
        return 0.0

    monkeypatch.setattr(Turns, "pause", pause)
    repo.bare(tmp_path / "server.git")
    assert land(repo) is not None
    assert len(paused) == 1
