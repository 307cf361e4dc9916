"""A05: the clock turned back, or forward, so that a key, a piece of evidence or a soak counts that does not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.clock import stamp
from modelreg.domain.history import Ancestor, turned_back
from modelreg.domain.plan import CommitId
from tests.cli.runner import done
from tests.keys import Key
from tests.support import run
from tests.threats.lab import ANN, BO, DAY_S, POLICY, Lab, dumped, found, policy

HOUR_S = 3600


def test_a_landing_older_than_its_parent(lab: Lab) -> None:
    assert "clock" in lab.land(lab.move("1.0.1", "staging"), at=int(time.time()) - HOUR_S)


def test_an_ordinary_commit_turns_the_clock_back_for_the_next(lab: Lab) -> None:
    """The landing's own parent is as old: who looks only at parents of what touches the registry sees nothing."""
    back = int(time.time()) - HOUR_S
    lab.commit({"train.py": b"1\n"}, at=back)
    assert lab.land(lab.move("1.0.1", "staging"), at=back + 1) == ["clock", "clock"]


def test_many_small_steps_back(lab: Lab) -> None:
    for step in range(1, 4):
        lab.commit({"train.py": b"%d\n" % step}, at=int(time.time()) - 200 * step)
    assert "clock" in lab.verified()


def test_a_commit_from_the_future(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = int(time.time()) + DAY_S
    assert lab.land(lab.move("1.0.1", "staging"), at=ahead) == ["clock"]
    monkeypatch.setattr("modelreg.wiring.now", lambda: ahead + 60)
    assert lab.verified() == [], "when its day has come, it is told no more"
    lab.commit({"train.py": b"1\n"}, at=ahead - HOUR_S)
    assert lab.verified() == ["clock"], "but for what landed after it in truth"


def test_five_minutes_are_nothing(lab: Lab) -> None:
    assert lab.land(lab.move("1.0.1", "staging"), at=int(time.time()) - 240) == []


def test_odd_clocks_before_the_registry_are_not_its_business(tmp_path: Path) -> None:
    from tests.support import Repo

    repo = Repo.init(tmp_path / "repo")
    repo.commit("first", {"README.md": "1\n"}, at=int(time.time()) - 60)
    repo.commit("second", {"README.md": "2\n"}, at=1_500_000_000)
    done("init", "--embedded", registry=repo.path)
    assert Lab(repo, {}).verified() == []


@given(st.lists(st.integers(0, 5000), min_size=1))
def test_what_is_told_is_exactly_what_lies_before_something_earlier(times: list[int]) -> None:
    line = [Ancestor(CommitId(str(index)), None, at) for index, at in enumerate(times)]
    told = {int(ancestor.commit): seconds for ancestor, seconds in turned_back(line, 300)}
    latest = [max(times[:index], default=0) for index in range(len(times))]
    assert told == {i: latest[i] - at for i, at in enumerate(times) if at < latest[i] - 300}


# --- a key that has ended, and a commit that says it is from before


def ended(person: str, key: Key, at: int) -> str:
    digits = stamp(at).translate(str.maketrans("", "", "-:TZ"))
    return key.line(person, f'valid-before="{digits}Z"')


@pytest.fixture
def with_ended_key(tmp_path: Path, anns: Key, bos: Key) -> Lab:
    """Bo's key ended an hour ago; the registry was founded two hours ago."""
    now = int(time.time())
    signers = anns.line(ANN) + ended(BO, bos, now - HOUR_S)
    lab = found(tmp_path, policy(), {ANN: anns, BO: bos}, signers)
    when = f"{now - 2 * HOUR_S} +0000"
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    lab.repo.git("commit", "-q", "--amend", "--no-edit", "--reset-author", env=dates)
    return lab


def weakened(lab: Lab) -> dict[str, bytes | None]:
    new = {POLICY: dumped(policy(serial=2, gates=[]))}
    return {**new, **lab.approval(new)}


def test_an_ended_key_counts_only_where_the_clock_says_so(with_ended_key: Lab, tmp_path: Path) -> None:
    lab, now = with_ended_key, int(time.time())
    with lab.branch():
        lab.commit(weakened(lab))
    assert lab.refused() == ["policy.approvals"]
    server = lab.repo.bare(tmp_path / "server.git")
    done("hook", "install", server.path)
    head = lab.repo.head
    # Nothing landed since it ended, so the clock is believed: a server's hook, which judges by its own, is not fooled.
    assert lab.land(weakened(lab), at=now - HOUR_S - 60) == []
    assert run("git", "push", "-q", "origin", "main", cwd=lab.top, check=False).returncode != 0
    lab.repo.git("reset", "-q", "--hard", head)
    lab.commit({"train.py": b"1\n"}, at=now)
    assert "clock" in lab.land(weakened(lab), at=now - HOUR_S - 60)


def test_a_revoked_key_is_ended_whatever_the_clock_says(lab: Lab) -> None:
    lab.commit({"registry/revoked_signers": (lab.keys[BO].public + "\n").encode()})
    with lab.branch():
        lab.commit(weakened(lab))
    assert lab.refused() == ["policy.approvals"]
