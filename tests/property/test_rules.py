"""Threat A30: no rule passes on a metric that is missing, misspelt or no finite number; and no rule is a crash."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelreg.domain.rules import RuleError, evaluate, judge_rules, problems
from modelreg.domain.rules_language import FUNCTIONS, MACROS, METHODS

NAMES = ("f1", "auc", "loss")
names = st.sampled_from(NAMES)
finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)
comparisons = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
literals = st.one_of(finite.map(lambda x: f"{x:.6f}"), st.integers(-9, 9).map(str))
reads = names.map("metrics.{}".format) | names.map("metrics['{}']".format)
terms = st.recursive(
    literals | reads,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=4,
)
compared = st.tuples(terms, comparisons, terms).map(" ".join)
rules = st.recursive(
    compared,
    lambda inner: st.one_of(
        inner.map("!({})".format),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
    ),
    max_leaves=4,
).filter(lambda text: len(text) < 1000)
"""Rules of comparisons over metrics."""

bad = st.sampled_from([None, math.nan, math.inf, -math.inf, "0.9", "nan", True, False, [0.9], {"value": 0.9}, 10**400])


def asked(rule: str) -> set[str]:
    return {name for name in NAMES if f".{name}" in rule or f"'{name}'" in rule}


def decide(rule: str, metrics: Any) -> bool | None:
    """True, false, or None for no answer."""
    try:
        return evaluate(rule, {"metrics": metrics})
    except RuleError:
        return None


@given(rules, st.fixed_dictionaries(dict.fromkeys(NAMES, finite)))
def test_a_rule_of_comparisons_has_the_value_that_python_gives(rule: str, metrics: dict[str, float]) -> None:
    assume(problems(rule) == ())

    class Fields:
        def __getattr__(self, name: str) -> float:
            return metrics[name]

        def __getitem__(self, name: str) -> float:
            return metrics[name]

    found = decide(rule, metrics)
    if "?" in rule or found is None:
        return
    python = rule.replace("&&", " and ").replace("||", " or ").replace("!(", " not (")
    try:
        expected = eval(python, {"metrics": Fields()})
    except ZeroDivisionError:
        return  # Python stops at the first side, CEL asks both
    assert found is expected


@given(rules, st.fixed_dictionaries(dict.fromkeys(NAMES, finite)), names, st.data())
def test_missing_metrics_never_pass(rule: str, metrics: dict[str, Any], gone: str, data: st.DataObject) -> None:
    assume(gone in asked(rule))
    less = {name: value for name, value in metrics.items() if name != gone}
    misspelt = {**less, data.draw(st.sampled_from([gone + "_", gone[:-1], gone.upper(), "x"])): metrics[gone]}
    for left in (less, misspelt, {}):
        for text in (rule, f"!({rule})"):
            assert decide(text, left) is None
            assert not any(v.passed for v in judge_rules([{"name": "r", "expr": text}], {"metrics": left}))


@given(rules, st.fixed_dictionaries(dict.fromkeys(NAMES, finite)), names, bad)
def test_what_is_no_finite_number_never_passes(rule: str, metrics: dict[str, Any], name: str, value: Any) -> None:
    assume(name in asked(rule))
    one = f"metrics.{name}"
    for text in (f"{one} < 0.5", f"!({one} < 0.5)", f"!(!({one} >= 0.5))", f"{one} - {one} == 0", f"-{one} < 1"):
        assert decide(text, metrics | {name: value}) is None
    if isinstance(value, float | int) and not isinstance(value, bool):
        assert decide(rule, metrics | {name: value}) is None
        assert decide(f"!({rule})", metrics | {name: value}) is None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | names, inner, max_size=3),
    max_leaves=6,
)
words = st.sampled_from(
    [
        *("metrics", "champion", "params", "benchmarks", "tags", "live", "x", "f1", "true", "null", "1", "0.5", "'f1'"),
        *(".", ".f1", "[", "]", "(", ")", "{", "}", ",", ":", "?", "!", "-", "+", "*", "/", "%", "&&", "||", "in"),
        *("<", ">=", "==", "!=", "1u", "b'x'", "//", '"""', "\\", "\n"),
        *(f"{name}(" for name in FUNCTIONS),
        *(f".{name}(" for name in METHODS),
        *(f".{name}(x, " for name in MACROS),
    ]
)
texts = st.lists(words, max_size=12).map(" ".join) | st.lists(words, max_size=8).map("".join) | st.text(max_size=30)
deeper = st.recursive(
    st.sampled_from(["params.f1", "params", "metrics", "metrics.f1", "params['x']", "champion.version", "1", "'f1'"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "<", "==", "&&", "||", "in", "/"]), inner).map(" ".join),
        st.tuples(st.sampled_from(FUNCTIONS), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, st.sampled_from(METHODS), inner).map(lambda t: f"({t[0]}).{t[1]}({t[2]})"),
        st.tuples(inner, st.sampled_from(MACROS), inner).map(lambda t: f"({t[0]}).{t[1]}(x, x == {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        inner.map("({}).f1".format),
        inner.map("[{}, x]".format),
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(texts | deeper, st.dictionaries(st.sampled_from(["metrics", "params", "champion", "tags", "live"]), plain))
def test_nothing_but_a_rule_error(rule: str, variables: dict[str, Any]) -> None:
    found = problems(rule, live="live" in variables)
    assert all(found)
    result = reason = None
    try:
        result = evaluate(rule, variables)
    except RuleError as error:
        reason = str(error)
    if reason is None:
        assert isinstance(result, bool)
        assert found == ()
    else:
        assert 0 < len(reason) < 250
    (verdict,) = judge_rules([{"name": "r", "expr": rule}], variables)
    json.dumps(verdict.to_mapping())
    assert bool(verdict.reason) is not verdict.passed
