from __future__ import annotations

from hypothesis import given

from modelreg.domain.names import Stage
from modelreg.domain.stages import Stages, fold
from modelreg.domain.transition import Transition
from tests.property.strategies import STAGES, histories, transitions
from tests.samples import DEVELOPMENT, PRODUCTION, v


@given(histories, histories)
def test_fold_goes_on_from_where_it_was(a: list[Transition], b: list[Transition]) -> None:
    assert fold(a + b, DEVELOPMENT) == fold(b, DEVELOPMENT, start=fold(a, DEVELOPMENT))


@given(histories)
def test_a_version_stands_once(history: list[Transition]) -> None:
    state = fold(history, DEVELOPMENT)
    held = [version for versions in state.holders.values() for version in versions]
    assert len(held) == len(set(held))
    assert DEVELOPMENT not in state.holders
    assert all(state.holders.values())
    for stage, versions in state.holders.items():
        assert {state.stage_of(version, DEVELOPMENT) for version in versions} == {stage}
        assert state.answer(stage) == versions[-1]
    assert state.stage_of(v("9.9.9"), DEVELOPMENT) == DEVELOPMENT


@given(histories)
def test_the_last_move_counts(history: list[Transition]) -> None:
    moves = [t for t in history if t.kind != "alias"]
    if moves:
        last = moves[-1]
        assert last.version is not None
        assert fold(history, DEVELOPMENT).stage_of(last.version, DEVELOPMENT) == (last.to or DEVELOPMENT)


@given(histories)
def test_stages_mapping_round_trip(history: list[Transition]) -> None:
    state = fold(history, DEVELOPMENT)
    for order, exclusive in ([Stage(s) for s in STAGES], frozenset({PRODUCTION})), ([], frozenset[Stage]()):
        body = state.to_mapping(order, exclusive)
        assert Stages.from_mapping(body) == state
        assert isinstance(body.get("production", "x"), str) is (
            PRODUCTION not in state.holders or (PRODUCTION in exclusive and len(state.holders[PRODUCTION]) == 1)
        )


@given(transitions)
def test_transition_mapping_round_trip(made: Transition) -> None:
    assert Transition.from_mapping(made.to_mapping()) == made
