"""Whom a rollback brings back, whatever the history."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.lifecycle import former_holder
from modelreg.domain.stages import fold
from modelreg.domain.transition import Kind, Transition
from modelreg.domain.version import Version
from tests.property.strategies import STAGES, VERSIONS, histories
from tests.samples import DEVELOPMENT, PRODUCTION, v
from tests.samples import transition as sample

gone = st.frozensets(st.sampled_from(VERSIONS).map(Version.parse))


def moved(version: str, kind: Kind = "promote") -> Transition:
    return replace(sample(version, PRODUCTION), kind=kind, cause="it fell" if kind == "rollback" else None)


def holder(history: list[Transition], withdrawn: frozenset[Version] = frozenset()) -> Version | None:
    present = fold(history, DEVELOPMENT).holders.get(PRODUCTION, ())
    return former_holder(history, PRODUCTION, present, withdrawn)


@given(histories, gone, st.sampled_from(STAGES))
def test_it_was_there_is_there_no_more_and_is_in_good_standing(
    history: list[Transition], withdrawn: frozenset[Version], stage: str
) -> None:
    present = fold(history, DEVELOPMENT).holders.get(PRODUCTION, ())
    found = former_holder(history, PRODUCTION, present, withdrawn)
    were_there = {t.version for t in history if t.to == PRODUCTION and t.kind != "alias"}
    if found is None:
        return
    assert found in were_there
    assert found not in present
    assert found not in withdrawn


@given(st.lists(st.sampled_from(VERSIONS), max_size=8), gone)
def test_repeated_rollbacks_end_and_bring_nobody_back_twice(names: list[str], withdrawn: frozenset[Version]) -> None:
    """Each holder displaces the one before it. No rollback returns to a version that one has left."""
    history: list[Transition] = []
    for name in names:
        history.append(_displacing(history, moved(name)))
    left: set[Version] = set()
    for _ in range(len(VERSIONS) + 1):
        present = fold(history, DEVELOPMENT).holders.get(PRODUCTION, ())
        found = former_holder(history, PRODUCTION, present, withdrawn)
        if found is None:
            break
        left |= set(present)
        assert found not in left
        history.append(_displacing(history, moved(str(found), "rollback")))
    else:
        raise AssertionError("rollbacks went in circles")


def _displacing(history: list[Transition], transition: Transition) -> Transition:
    present = fold(history, DEVELOPMENT).holders.get(PRODUCTION, ())
    others = {str(version): "archived" for version in present if version != transition.version}
    return replace(transition, displaces=sample("9.0.0", "archived", displaces=others).displaces)


def test_examples() -> None:
    first, second, third = "1.0.0", "1.1.0", "2.0.0"
    history: list[Transition] = []
    for name in (first, second, third):
        history.append(_displacing(history, moved(name)))
    assert holder(history) == v(second)
    assert holder(history, frozenset({v(second)})) == v(first)
    history.append(_displacing(history, moved(second, "rollback")))
    assert holder(history) == v(first)  # not 2.0.0, which was rolled back from
    history.append(_displacing(history, moved(third)))
    assert holder(history) == v(second)  # a new promotion put 2.0.0 there again
    assert holder([]) is None
