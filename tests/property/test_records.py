"""What modelreg writes of a move is always recorded rightly, and with any field changed it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from modelreg.domain import lifecycle
from modelreg.domain.lifecycle import recorded_rightly
from modelreg.domain.names import Alias, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages, apply
from modelreg.domain.transition import Displaced, Transition
from modelreg.errors import ModelregError
from tests.property.strategies import ALIASES, STAGES, VERSIONS
from tests.samples import AT, MODEL, SHA, standard, v

versions = st.sampled_from(VERSIONS).map(v)
stages = st.sampled_from(STAGES).map(Stage)
aliases = st.sampled_from(ALIASES).map(Alias)
steps = st.one_of(
    st.tuples(st.just("move"), versions, stages),
    st.tuples(st.just("rollback"), versions, stages),
    st.tuples(st.just("withdraw"), versions, st.none()),
    st.tuples(st.just("alias"), st.none() | versions, aliases),
)
policies = st.sampled_from(
    [
        standard(),
        standard(aliases={"champion": {"requires": "production"}, "stable": {"requires": "staging"}}),
        standard(stages={name: {"exclusive": name != "development"} for name in STAGES}, serial=3),
    ]
)


def record(state: Stages, policy: Policy, step: Any) -> Transition | None:
    kind, version, where = step
    said: dict[str, Any] = {"model": MODEL, "number": 1, "by": "ann@example.org", "at": AT, "reason": ""}
    said |= {"version": version, "manifest_sha256": SHA}
    try:
        if kind == "move":
            return lifecycle.move(state, policy, to=where, **said)
        if kind == "rollback":
            return lifecycle.move(state, policy, to=where, cause="live error", **said)
        if kind == "withdraw":
            return lifecycle.withdraw(state, policy, **said)
        return lifecycle.name_alias(state, policy, alias=where, **said)
    except ModelregError:
        return None  # an alias that is not there, or asks for another stage


def states(policy: Policy, history: list[Any]) -> Stages:
    state = Stages()
    for step in history:
        made = record(state, policy, step)
        if made is not None:
            state = apply(state, made, policy.initial)
    return state


@given(policies, st.lists(steps, max_size=10), steps)
def test_what_modelreg_writes_is_as_it_would_write_it(policy: Policy, history: list[Any], step: Any) -> None:
    state = states(policy, history)
    made = record(state, policy, step)
    assume(made is not None)
    assert made is not None
    assert list(recorded_rightly(made, state, policy)) == []
    assert list(recorded_rightly(Transition.from_mapping(made.to_mapping()), state, policy)) == []


CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "kind": st.sampled_from(["promote", "rollback", "archive", "withdraw"]),
    "from_": st.none() | stages,
    "displaces": st.lists(st.builds(Displaced, versions, stages), max_size=2).map(tuple),
    "aliases": st.dictionaries(aliases, st.none() | versions, max_size=2),
    "policy_serial": st.integers(1, 5),
}


@given(policies, st.lists(steps, max_size=10), steps, st.data())
def test_any_other_record_is_not(policy: Policy, history: list[Any], step: Any, data: st.DataObject) -> None:
    state = states(policy, history)
    made = record(state, policy, step)
    assume(made is not None and made.kind != "alias")
    assert made is not None
    name = data.draw(st.sampled_from(sorted(CHANGES)))
    value = data.draw(CHANGES[name])
    assume(value != getattr(made, name))
    wrong = [verdict.check for verdict in recorded_rightly(replace(made, **{name: value}), state, policy)]
    if name == "kind":
        # A rollback differs from a promotion by its gate alone; `cause` and a former holder are asked there.
        assert wrong or {made.kind, value} <= {"promote", "archive", "rollback"}
    else:
        assert wrong == [f"record.{name.rstrip('_')}"]


@given(policies, st.lists(steps, max_size=6), versions)
def test_a_stage_that_the_policy_has_not(policy: Policy, history: list[Any], version: Any) -> None:
    state = states(policy, history)
    made = record(state, policy, ("move", version, Stage("staging")))
    assert made is not None
    odd = replace(made, to=Stage("nowhere"))
    assert [(verdict.check, verdict.passed) for verdict in recorded_rightly(odd, state, policy)] == [("record", False)]


@given(policies, st.lists(steps, max_size=6), versions, aliases)
def test_an_alias_that_asks_for_another_stage(policy: Policy, history: list[Any], version: Any, alias: Alias) -> None:
    state = states(policy, history)
    made = Transition(
        1, "alias", MODEL, version, SHA, None, None, "ann@example.org", AT, "", policy.serial, (), {alias: version}
    )
    required = policy.alias_requires.get(alias)
    fits = required is None or version in state.holders.get(required, ())
    assert bool(list(recorded_rightly(made, state, policy))) is (not fits)


def test_a_withdrawal_enters_no_stage() -> None:
    made = record(Stages(), standard(), ("withdraw", v("1.0.0"), None))
    assert made is not None
    odd = replace(made, to=Stage("production"))
    assert [verdict.check for verdict in recorded_rightly(odd, Stages(), standard())] == ["record.to"]
