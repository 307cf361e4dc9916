"""An import ends: what it does makes nothing more to do, whatever stands where, and metrics keep their names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.foreign.entities import ForeignRun
from modelreg.domain.foreign.facts import metric_names, run_facts
from modelreg.domain.foreign.outward import run_of
from modelreg.domain.foreign.standing import (
    IMPORTED,
    Base,
    Move,
    Point,
    Standing,
    imported_last,
    moves,
    points,
    stage_here,
)
from modelreg.domain.lifecycle import move, name_alias
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import Alias, ModelName, Stage, is_metric, parse_alias
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages, apply
from modelreg.domain.templates import template
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from tests.samples import v

VERSIONS = [v(f"1.{minor}.0") for minor in range(5)]
STAGES = ("None", "Staging", "Production", "Archived")
ALIASES = tuple(map(parse_alias, ("champion", "blue", "green")))
POLICIES = [Policy.from_mapping(template(name, "a@b.c")[0]) for name in ("open", "standard")]
POLICIES = [replace(policy, alias_requires={}) for policy in POLICIES]
standings = st.lists(st.sampled_from(STAGES), min_size=1, max_size=5)
aliases = st.dictionaries(st.sampled_from(ALIASES), st.integers(0, 4))


def _common(number: int, reason: str) -> dict[str, Any]:
    return {
        "model": ModelName("m"),
        "manifest_sha256": "0" * 64,
        "number": number,
        "by": "a",
        "at": "",
        "reason": reason,
    }


def imported(
    stages: list[str], named: dict[Alias, Version], history: list[Transition], here: Stages, policy: Policy
) -> Stages:
    """The import's loop, without a gate: the rounds are few, or the test fails."""
    there = [Standing(n, VERSIONS[n - 1], stage) for n, stage in enumerate(stages, start=1)]
    for _ in range(4):
        base = imported_last(history)
        wanted, _refused = moves(there, here, base, policy)
        steps: list[Move | Point] = [*wanted] or [*points(named, here, base)]
        if not steps:
            return here
        for step in steps:
            common = _common(len(history) + 1, f"{IMPORTED}there")
            if isinstance(step, Move):
                made = move(here, policy, version=step.version, to=step.to, **common)
            else:
                made = name_alias(here, policy, alias=step.alias, version=step.version, **common)
            history.append(made)
            here = apply(here, made, policy.initial)
    raise AssertionError("an import does not come to an end")


@given(st.sampled_from(POLICIES), standings, aliases, standings, aliases)
def test_an_import_ends_where_it_is_there_and_then_rests(
    policy: Policy, first: list[str], named: dict[Alias, int], then: list[str], renamed: dict[Alias, int]
) -> None:
    history: list[Transition] = []
    here = Stages()
    for stages, given_ in ((first, named), (then, renamed)):
        wanted = {alias: VERSIONS[n] for alias, n in given_.items() if n < len(stages)}
        here = imported(stages, wanted, history, here, policy)
        last = {stage: n for n, stage in enumerate(stages)}
        for n, stage in enumerate(stages):
            ours = stage_here(stage, policy)
            assert ours is not None
            if not policy.stages[ours].exclusive or last[stage] == n:
                assert here.stage_of(VERSIONS[n], policy.initial) == ours
        assert dict(here.aliases) == wanted
        before = len(history)
        assert imported(stages, wanted, history, here, policy) == here
        assert len(history) == before


@given(standings, st.sampled_from(("staging", "production", "archived")))
def test_a_move_made_here_stays_until_it_changes_there(stages: list[str], ours: str) -> None:
    policy = POLICIES[0]
    history: list[Transition] = []
    here = imported(stages, {}, history, Stages(), policy)
    own = move(here, policy, version=VERSIONS[0], to=Stage(ours), **_common(99, "we know better"))
    here = apply(here, own, policy.initial)
    assert imported(stages, {}, [*history, own], here, policy) == here
    changed = ["Archived" if stages[0] != "Archived" else "Staging", *stages[1:]]
    after = imported(changed, {}, [*history, own], here, policy)
    assert after.stage_of(VERSIONS[0], policy.initial) == changed[0].lower()


def test_only_the_highest_number_stands_in_an_exclusive_stage() -> None:
    there = [
        Standing(1, VERSIONS[0], "Production"),
        Standing(2, VERSIONS[1], "Production"),
        Standing(3, VERSIONS[2], "QA"),
    ]
    wanted, refused = moves(there, Stages(), Base({}, {}), POLICIES[1])
    assert [(step.version, step.to) for step in wanted] == [(VERSIONS[1], "production")]
    assert [one.what for one in refused] == ["version 3 in QA", "version 1 in Production"]


@given(st.dictionaries(st.text(min_size=1, max_size=250), st.floats(allow_nan=False, allow_infinity=False)))
def test_metrics_of_any_name_come_back_under_it(metrics: dict[str, float]) -> None:
    names = metric_names(metrics)
    assert len(set(names.values())) == len(metrics)
    assert all(is_metric(name) and len(name) <= 128 for name in names.values())
    facts = run_facts(ForeignRun("r", metrics=metrics))
    made = Manifest.from_mapping({"model": "m", "version": "1.0.0", "artifacts": [], "metrics": facts.metrics})
    assert run_of(made).metrics == metrics
