"""Rules in CEL: what is found before anything is known, and what they say of values."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from modelreg.domain.metric import Basis, Metric
from modelreg.domain.rules import RuleError, constant, evaluate, judge_rules, problems, variables
from tests.samples import manifest

SOUND = [
    "metrics.accuracy >= 0.85",
    "metrics.train_accuracy - metrics.accuracy <= 0.15",
    "metrics.accuracy-1 < 0",
    "metrics.f1 > champion.metrics.f1",
    "metrics['f1'] > 0.5",
    "!has(champion.metrics) || metrics.f1 >= champion.metrics.f1",
    "has(metrics.auc) && metrics.auc > 0.7",
    "champion.version != '1.0.0'",
    "champion.params.depth < params.depth",
    "params.depth <= 12 && params.depth > 1",
    "params.balanced",
    "!params.balanced",
    "tags.reviewed",
    "tags.team in ['growth', 'risk']",
    "'risk' in tags",
    "'depth' in params && params['depth'] < 9",
    "benchmarks.predict.latency_p95_ms < 5",
    "benchmarks.all(name, benchmarks[name].latency_p95_ms < 5)",
    "params.layers.all(n, n > 1)",
    "params.layers.map(n, n * 2).exists(n, n > 100)",
    "params.layers.filter(n, n > 1).size() == 2",
    "params.rows.exists_one(row, row.all(x, x > 0))",
    "size(params.layers) < 4",
    "tags.owner.startsWith('a') || tags.owner.endsWith('z') || tags.owner.contains('mm')",
    "double(params.rate) < 0.1 && int(params.rate) == 0 && string(params.depth) == '6' && bool(params.flag)",
    "params.balanced ? metrics.f1 > 0.5 : metrics.f1 > 0.6",
    "params.seed == null || params.seed > 1",
    "-metrics.loss > -1.5e-3",
    "true",
    "metrics.f1 > 0.5 // a comment",
    "(" * 300 + "metrics.f1 > 0.5" + ")" * 300,
]


@pytest.mark.parametrize("expression", SOUND)
def test_sound(expression: str) -> None:
    assert problems(expression) == ()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "is empty"),
        ("   \n", "is empty"),
        ("metrics.f1 >", "ends too early"),
        ("(metrics.f1 > 0.5", "ends too early"),
        ("// metrics.f1 > 0.5", "ends too early"),
        ("metrics.f1 > 0.5)", "column 17: ')'"),
        ("metrics.f1 => 0.5", "column 12: '=> 0.5'"),
        ("metrics.f1 = 0.5", "column 12: '= 0.5'"),
        ("metrics.f1 > 0,5", "column 15: ',5'"),
        ("metrics.f1 > 0.5 and metrics.auc > 0.5", "column 18: 'and"),
        ("metrics.f1 > 0.5 &&\n metrics.auc => 1", "line 2, column 14"),
        ("metrics.f1 > 'a", "syntax error"),
        ("metrics..f1 > 1", "syntax error"),
        ("metrics.f1 > 0.5; true", "syntax error"),
        ("metrics.f1 > $x", "syntax error"),
        ("metric.f1 > 0.5", "unknown variable metric: did you mean metrics?"),
        ("f1 > 0.5", "unknown variable f1: known are metrics, champion"),
        ("metrics.roc-auc > 0.5", "unknown variable auc"),
        ("metrics.f1 > 0.5 || accuracy > 0.5", "unknown variable accuracy"),
        ("live.metrics.f1 > 0.5", "rollback_when only"),
        ("size > 1", "unknown variable size"),
        ("int == 1", "unknown variable int"),
        ("True", "unknown variable True"),
        ("champion.f1 > 0.5", "champion.metrics.f1"),
        ("metrics.f1.value > 0.5", "metrics.f1 is a number and has no field value"),
        ("champion.version.major > 1", "champion.version is a text"),
        ("metrics", "is a mapping, and a rule must be true or false"),
        ("metrics.f1", "is a number, and a rule must be true or false"),
        ("metrics.f1 - 0.5", "is a number"),
        ("champion.version", "is a text"),
        ("0.5", "is a number"),
        ("'yes'", "is a text"),
        ("null", "is null"),
        ("[true]", "is a list"),
        ("size(params.layers)", "is a number"),
        ("params.layers.map(n, n > 1)", "is a list"),
        ("params.flag ? metrics.f1 : 0.5", "is a number"),
        ("params.flag ? true : 0.5", "?: gives true or false or a number"),
        ("metrics.f1 ? true : false", "the condition of ?:"),
        ("metrics.f1 > '0.5'", "a number is compared with a text"),
        ("metrics.f1 == true", "a number is compared with true or false"),
        ("metrics.f1 > null", "a side of a comparison is null"),
        ("true > false", "a side of a comparison is true or false"),
        ("0.1 < metrics.f1 < 0.9", "a side of a comparison is true or false"),
        ("[1] == [1]", "a side of a comparison is a list"),
        ("!metrics.f1", "what follows ! is a number"),
        ("-champion.version == 'a'", "what follows - is a text"),
        ("metrics.f1 && true", "a side of && is a number"),
        ("1.0 || true", "a side of || is a number"),
        ("metrics.f1 + 'a' == 'b'", "a number is added to a text"),
        ("true + 1 > 0", "a side of + is true or false"),
        ("[1] + [2] == null", "a side of + is a list"),
        ("'a' - 'b' == 1", "a side of - is a text"),
        ("'a' * 3 == 1", "a side of * or / is a text"),
        ("metrics.f1 % 2 == 0", "% is for integers"),
        ("1u < 2", "1u is no literal"),
        ("b'a' == b'a'", "is no literal"),
        ("metrics.f1 < 1e999", "too large"),
        (f"metrics.f1 < {'9' * 400}", "too large"),
        ("{'a': 1}.a == 1", "mappings in braces"),
        ("metrics{f1: 1}.f1 == 1", "messages"),
        (".metrics.f1 > 0.5", "does not begin with a dot"),
        (".size(params.a) > 1", "does not begin with a dot"),
        ("tags.team.matches('gr.*')", "matches() is not offered"),
        ("matches(tags.team, 'gr.*')", "matches() is not offered"),
        ("sizes(params.layers) > 1", "unknown function sizes: did you mean size?"),
        ("dyn(1) == 1", "unknown function dyn"),
        ("type(1) == type(2)", "unknown function type"),
        ("timestamp('2026-01-01T00:00:00Z') < params.at", "unknown function timestamp"),
        ("params.layers.min() > 1", "unknown function min"),
        ("params.layers.reduce(a, b, 0, a + b) > 1", "unknown function reduce"),
        ("params.at.getHours() > 1", "unknown function getHours"),
        ("contains('a', 'b')", "unknown function contains"),
        ("true || nothing(1)", "unknown function nothing"),
        ("size() > 1", "size() takes one argument, not 0"),
        ("size(1) > 1", "the argument of size() is a number"),
        ("'a'.size(1) > 1", "size() takes no argument, not 1"),
        ("tags.team.startsWith()", "startsWith() takes one argument, not 0"),
        ("tags.team.startsWith(1)", "a part of startsWith() is a number"),
        ("params.layers.contains(1)", "a part of contains() is a number"),
        ("double(true) > 1", "the argument of double() is true or false"),
        ("bool(metrics.f1)", "the argument of bool() is a number"),
        ("has(metrics)", "has() takes one field"),
        ("has(metrics['f1'])", "has() takes one field"),
        ("has(metrics.f1, metrics.auc)", "has() takes one field"),
        ("has(metric.f1)", "unknown variable metric"),
        ("has(metrics.f1.value)", "has no field value"),
        ("metrics[0] > 1", "an index is a number"),
        ("[1]['a'] == 1", "an index is a text"),
        ("metrics.f1[0] > 1", "a number has no items"),
        ("1 in metrics", "the left side of in is a number"),
        ("'a' in metrics.f1", "the right side of in is a number"),
        ("metrics.f1.all(x, x > 1)", "what all() goes through is a number"),
        ("params.layers.all(x)", "all() takes a name and an expression"),
        ("params.layers.all(x.y, true)", "all() takes a name and an expression"),
        ("params.layers.all(1, true)", "all() takes a name and an expression"),
        ("params.layers.map(x, x > 1, x)", "map() takes a name and an expression"),
        ("params.layers.all(metrics, metrics > 1)", "would hide the variable metrics"),
        ("params.layers.all(x, x)", "must be a comparison, not anything"),
        ("params.layers.exists(x, x + 1.0)", "must be a comparison, not a number"),
        ("params.layers.filter(x, x).size() == 1", "must be a comparison, not anything"),
        ("metrics.all(m, m.value > 1)", "the value is a text and has no field value"),
        ("params.a.all(x, y > 1)", "unknown variable y"),
        ("params.a.all(x, x > 1) && x > 1", "unknown variable x"),
        ("params.a.all(x, x.all(y, y.all(z, z > 1)))", "nested more than 2 deep"),
        ("&&".join(["metrics.f1>0"] * 70), "nested too deeply"),
        ("!" * 900 + "true", "nested too deeply"),
        ("-" * 70 + "1 > 0", "nested too deeply"),
        ("[" * 490 + "]" * 490, "nested too deeply"),
        ("true" + " " * 1000, "longer than 1000"),
    ],
)
def test_problems(expression: str, said: str) -> None:
    found = problems(expression)
    assert any(said in problem for problem in found), found
    assert all(len(problem) < 200 and problem.isprintable() for problem in found)
    with pytest.raises(RuleError):  # what has problems is never evaluated
        evaluate(expression, VARIABLES)


def test_all_problems_at_once() -> None:
    assert len(problems("metric.f1 > 0.5 && sizes(params.a) > 1 && metrics.f1 > 'a'")) == 3


def test_live_is_a_variable_of_rollback_when() -> None:
    assert problems("live.metrics.accuracy < 0.8 && live.window_hours > 1", live=True) == ()
    assert problems("live.metrics.accuracy", live=True) != ()
    assert evaluate("live.metrics.accuracy < metrics.accuracy", VARIABLES | {"live": {"metrics": {"accuracy": 0.7}}})


def test_constant() -> None:
    assert constant("1 < 2")
    assert constant("[1, 2].all(x, x > 0)")
    assert not constant("has(metrics.f1)")
    assert not constant("1 <")
    assert not constant("live.metrics.f1 > 1", live=True)


VARIABLES: dict[str, Any] = {
    "metrics": {"accuracy": 0.9, "train_accuracy": 0.95, "f1": 0.8, "loss": 0.25, "zero": 0.0, "nan": math.nan},
    "champion": {},
    "params": {
        "depth": 6,
        "rate": "0.01",
        "flag": True,
        "no": False,
        "none": None,
        "layers": [10, 20],
        "name": "forest",
        "big": 10**400,
        "inf": math.inf,
        "mixed": [1, "a", None, [2]],
        "words": ["a", "b"],
        "nested": {"a": {"b": 1}},
        "my name": 3,
    },
    "benchmarks": {"predict": {"latency_p95_ms": 4, "hardware": "2 cores"}},
    "tags": {"team": "growth", "risk": "high"},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("metrics.accuracy >= 0.9", True),
        ("metrics.accuracy > 0.9", False),
        ("metrics.train_accuracy - metrics.accuracy <= 0.15", True),
        ("metrics.accuracy - 1 > params.depth", False),
        ("metrics.accuracy + 1 > 1.8", True),
        ("1 - metrics.accuracy < 0.2", True),
        ("2 * metrics.f1 == 1.6", True),
        ("7 / 2 == 3.5", True),
        ("0x10 == 16", True),
        ("-metrics.f1 < 0 && - 1 < 0 && -1 < 0", True),
        ("params.depth == 6 && params.depth < 7 && 5 < params.depth", True),
        ("!(metrics.accuracy < 0.85)", True),
        ("metrics['accuracy'] > 0.5", True),
        ("has(metrics.accuracy)", True),
        ("has(metrics.auc)", False),
        ("has(metrics.auc) || metrics.f1 > 0.5", True),
        ("!has(metrics.auc) || metrics.auc > 0.5", True),
        ("has(metrics.auc) && metrics.auc > 0.5", False),
        ("!has(champion.metrics) || metrics.f1 >= champion.metrics.f1", True),
        ("!has(champion.metrics.f1) || metrics.f1 >= champion.metrics.f1", True),
        ("!has(champion.version) && metrics.f1 > 0.5", True),
        ("'team' in tags", True),
        ("'width' in params && params['width'] > 1", False),
        ("'width' in params ? params['width'] > 1 : params.depth > 1", True),
        ("tags.team == 'growth' && tags.team != 'risk'", True),
        ("tags.team < 'h'", True),
        ("tags.team + '!' == 'growth!'", True),
        ("tags.team.startsWith('gr') && tags.team.endsWith('th') && tags.team.contains('row')", True),
        ("tags.team.size() == 6 && size(tags) == 2", True),
        ("params.layers[1] == 20 && size(params.layers) == 2", True),
        ("params.layers.all(n, n > 5)", True),
        ("params.layers.all(n, n > 15)", False),
        ("params.layers.exists(n, n > 15)", True),
        ("params.layers.exists_one(n, n > 5)", False),
        ("params.layers.map(n, n * 2).all(n, n >= 20)", True),
        ("params.layers.filter(n, n > 15).size() == 1", True),
        ("params.layers.all(n, params.layers.exists(m, m > n || n == 20))", True),
        ("10 in params.layers && !(11 in params.layers)", True),
        ("'a' in params.mixed && null in params.mixed && !(true in params.mixed)", True),
        ("tags.all(t, tags[t].size() > 1)", True),
        ("params.words.all(w, w in ['a', 'b'])", True),
        ("params.nested.a.b == 1", True),
        ("params['my name'] == 3", True),
        ("params.none == null && params.depth != null", True),
        ("params.flag", True),
        ("params.no", False),
        ("params.flag == true", True),
        ("params.flag ? metrics.f1 > 0.5 : metrics.f1 > 0.9", True),
        ("double(params.rate) < 0.1 && int('3') == 3 && int(3.7) == 3 && int(-3.7) == -3", True),
        ("string(params.depth) == '6' && string(0.5) == '0.5' && string(true) == 'true'", True),
        ("bool('true') && !bool('false')", True),
        ("benchmarks.predict.latency_p95_ms < 5 && benchmarks.predict.hardware.contains('core')", True),
        ("false && params.depth / metrics.zero > 1", False),
        ("true || params.depth / metrics.zero > 1", True),
        ("1 < 2", True),
        ("false", False),
    ],
)
def test_evaluate(expression: str, value: bool) -> None:
    assert evaluate(expression, VARIABLES) is value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("metrics.auc > 0.5", "metrics.auc is missing"),
        ("!(metrics.auc > 0.5)", "metrics.auc is missing"),
        ("metrics.auc > 0.5 || metrics.f1 > 0.5", "metrics.auc is missing"),
        ("metrics.auc < 0.5 && metrics.f1 > 0.9", "metrics.auc is missing"),
        ("metrics['auc'] < 0.5", "metrics.auc is missing"),
        ("params['your name'] < 0.5", "params['your name'] is missing"),
        ("champion.metrics.f1 <= metrics.f1", "champion.metrics is missing"),
        ("!has(champion.version) || metrics.f1 >= champion.metrics.f1", "champion.metrics is missing"),
        ("params.nested.x.y > 1", "params.nested.x is missing"),
        ("params.name.x > 1", "params.name.x is missing"),
        ("has(metrics.auc) || metrics.auc > 0.5", "no such member"),
        ("params.words.filter(w, tags[w] == 'a').size() == 1", "no such key: 'a'"),
        ("metrics.nan > 0.5", "not a finite number"),
        ("!(metrics.nan < 0.85)", "metrics.nan is not a finite number"),
        ("metrics.nan != metrics.nan", "not a finite number"),
        ("has(metrics.nan)", "not a finite number"),
        ("metrics.f1 > 0.5 || metrics.nan > 1", "not a finite number"),
        ("metrics.all(m, metrics[m] >= 0)", "metrics is not a finite number, or holds one"),
        ("params.inf > 1", "not a finite number"),
        ("params.big > 1", "not a finite number"),
        ("metrics.f1 / metrics.zero > 1", "division by zero"),
        ("!(metrics.f1 / 0 < 1)", "division by zero"),
        ("!(metrics.zero / metrics.zero < 1)", "division by zero"),
        ("1e308 * 10 > 1", "not finite"),
        ("!(1e308 + 1e308 - 1e308 - 1e308 < 1)", "not finite"),
        ("double('nan') != 1", "not finite"),
        ("double('inf') > 1", "not finite"),
        ("int('nan') != 1", "not finite"),
        ("double(params.name) > 1", "'forest' is no number"),
        ("bool(params.name)", "neither true nor false"),
        ("params.depth", "neither true nor false"),
        ("params.name", "neither true nor false"),
        ("params.none", "neither true nor false"),
        ("params.layers", "neither true nor false"),
        ("params.flag ? params.depth : params.no", "neither true nor false"),
        ("params.depth || true", "no such overload: number"),
        ("params.name && false", "no such overload: text"),
        ("!params.none", "no such overload: null"),
        ("params.depth ? true : true", "?: asks for true or false"),
        ("params.flag > 0", "no such overload: boolean and number"),
        ("params.name > 1", "no such overload: text and number"),
        ("params.none < 1", "no such overload: null and number"),
        ("params.rate < 0.1", "no such overload: text and number"),
        ("params.flag == 1", "no such overload: boolean and number"),
        ("params.layers == null || params.layers == 1", "no such overload: list and number"),
        ("-params.flag == 1", "no such overload: boolean"),
        ("params.flag + params.flag == 2", "no such overload: boolean and boolean"),
        ("params.layers + params.layers == 1", "no such overload: list and list"),
        ("params.flag * 2 == 2", "no such overload: boolean and number"),
        ("params.layers[2] == 1", "no item 2"),
        ("params.layers[-1] == 20", "no item -1"),
        ("params.layers[0.5] == 20", "no item 0.5"),
        ("params.layers['a'] == 20", "params.layers.a is missing"),
        ("params.words.all(w, params.layers[w] == 1)", "no such overload"),
        ("params.name[0] == 'f'", "no such overload"),
        ("size(params.depth) == 1", "size of number"),
        ("params.depth.startsWith('6')", "no such overload: number and text"),
        ("'a' in params.name", "no such overload: text"),
        ("params.depth in params.nested", "no such overload: number"),
        ("params.depth.all(x, x > 1)", "cannot be evaluated: TypeError"),
        ("params.mixed.all(x, x > 0)", "no such overload"),
        ("params.mixed.filter(x, x > 0).size() == 1", "no such overload"),
        ("params.mixed.exists_one(x, x > 0)", "no such overload"),
    ],
)
def test_refuses_to_answer(expression: str, reason: str) -> None:
    assert problems(expression) == ()
    with pytest.raises(RuleError) as refused:
        evaluate(expression, VARIABLES)
    assert reason in str(refused.value)
    assert len(str(refused.value)) <= 160


def test_missing_variable() -> None:
    with pytest.raises(RuleError, match="tags is missing"):
        evaluate("'a' in tags", {"metrics": {}})
    with pytest.raises(RuleError, match="tags is missing"):
        evaluate("has(tags.a)", {"metrics": {}})


def test_values_that_no_document_holds() -> None:
    with pytest.raises(RuleError):
        evaluate("params.x == 1", {"params": {"x": b"1"}})
    with pytest.raises(RuleError):
        evaluate("params.x", {"params": {"x": object()}})


def test_work_is_bounded() -> None:
    many = {"params": {"list": list(range(200)), "long": list(range(20_000)), "nested": [[1] * 20_000]}}
    assert evaluate("params.list.all(x, x >= 0)", many)
    for expression in (
        "params.list.all(x, params.list.all(y, x + y >= 0))",
        "params.long.all(x, x >= 0)",
        "params.nested.all(x, x.all(y, y >= 0))",
        " && ".join(["params.list.all(x, x >= 0)"] * 30) + " && params.long[0] == 0",
    ):
        assert problems(expression) == ()
        with pytest.raises(RuleError, match="steps"):
            evaluate(expression, many)


def test_the_deepest_that_is_let_through_can_be_evaluated() -> None:
    assert evaluate("&&".join(["metrics.f1>0"] * 60), VARIABLES)
    assert evaluate(" + ".join(["metrics.f1"] * 30) + " > 0", VARIABLES)
    assert evaluate("params.layers.all(x, params.layers.all(y, " + "!" * 46 + "(x + y > 0)))", VARIABLES)


def test_recursion_limit_is_left_alone() -> None:
    code = (
        "import sys; sys.setrecursionlimit(1234); from modelreg.domain.rules import evaluate;"
        "assert evaluate('1 < 2', {}); print(sys.getrecursionlimit())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1234\n"


def test_nothing_is_said_on_standard_error() -> None:
    code = (
        "from modelreg.domain.rules import evaluate, RuleError\n"
        "for text in ('params.l.all(x, x > 1)', 'params.n / 0 > 1', 'params.l.exists(x, x.y)', 'tags.a', 'params.l[9]'):\n"
        "    try: evaluate(text, {'params': {'l': [1, 'a', None], 'n': 1}, 'tags': {'a': 'b'}})\n"
        "    except RuleError: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


# --- verdicts


def test_judge_rules() -> None:
    rules = [
        {"name": "overfit", "expr": "metrics.train_accuracy - metrics.accuracy <= 0.15"},
        {"name": "floor", "expr": "metrics.f1 > 0.9"},
        {"name": "typo", "expr": "metrics.acuracy > 0.5"},
        {"name": "bad", "expr": "metric.f1 >"},
        {"name": "champion", "expr": "!has(champion.metrics.f1) || metrics.f1 > champion.metrics.f1"},
    ]
    found = list(judge_rules(rules, VARIABLES))
    assert [(v.check, v.passed) for v in found] == [
        ("rules.overfit", True),
        ("rules.floor", False),
        ("rules.typo", False),
        ("rules.bad", False),
        ("rules.champion", True),
    ]
    assert [v.expected for v in found] == [rule["expr"] for rule in rules]
    assert found[0].actual == "metrics.accuracy = 0.9, metrics.train_accuracy = 0.95"
    assert (found[1].actual, found[1].reason) == ("metrics.f1 = 0.8", "is false")
    assert (found[2].actual, found[2].reason) == ("metrics.acuracy is missing", "metrics.acuracy is missing")
    assert found[3].reason.startswith("syntax error")
    assert found[4].actual == "champion.metrics.f1 is missing, metrics.f1 = 0.8"
    assert all(bool(v.reason) is not v.passed for v in found)


@pytest.mark.parametrize(
    "requirement",
    [[], [{}], [{"name": "a"}], [{"expr": "true"}], [{"name": "a", "expr": "true", "by": "me"}], ["true"], [None],
     [{"name": "a", "expr": True}]],
)  # fmt: skip
def test_a_requirement_that_is_not_known_fails(requirement: Any) -> None:
    found = list(judge_rules(requirement, VARIABLES))
    assert found
    assert not any(verdict.passed for verdict in found)
    assert all(verdict.reason for verdict in found)


def test_actual_is_short() -> None:
    (found,) = judge_rules([{"name": "x", "expr": "tags.a != '' && params.big != 1 && params.l != null"}], {
        "tags": {"a": "x" * 500}, "params": {"big": 10**300, "l": [1, 2]},
    })  # fmt: skip
    assert len(found.actual) < 150
    assert "params.l has 2 entries" in found.actual
    many = " && ".join(f"metrics.m{n} > 0" for n in range(12))
    (found,) = judge_rules([{"name": "x", "expr": many}], {"metrics": {f"m{n}": 1 for n in range(12)}})
    assert found.passed
    assert found.actual.endswith(", …")


# --- variables


def test_variables() -> None:
    body = manifest("1.1.0", {"f1": 0.8, "bad": math.nan, "worse": "0.9"}).to_mapping()
    body |= {
        "params": {"depth": 6},
        "tags": {"risk": "low", "team": "growth"},
        "benchmarks": [
            {"name": "predict", "latency_p95_ms": 4.0},
            {"name": "batch", "batch_size": 1},
            {"name": "batch", "batch_size": 100},
        ],
    }
    candidate = type(manifest()).from_mapping(body)
    holder = manifest("1.0.0", {"f1": 0.7})
    assert variables(candidate, holder, {"risk": "high", "owner": "ann"}) == {
        "metrics": {"f1": 0.8},
        "champion": {"metrics": {"f1": 0.7}, "params": {}, "version": "1.0.0"},
        "params": {"depth": 6},
        "benchmarks": {"predict": {"latency_p95_ms": 4.0}},
        "tags": {"risk": "low", "owner": "ann", "team": "growth"},
    }
    assert variables(candidate, None, {})["champion"] == {}
    assert "live" not in variables(candidate, None, {})
    assert variables(candidate, None, {}, {"metrics": {"f1": 0.1}})["live"] == {"metrics": {"f1": 0.1}}


def test_a_metric_that_is_not_finite_is_left_out() -> None:
    """Metrics read from a document are finite; one made otherwise need not be."""
    bad = Metric("bad", math.nan, "higher", Basis(None, None, None))
    candidate = replace(manifest("1.1.0", {"f1": 0.8}), metrics={"bad": bad})
    assert variables(candidate, candidate, {})["metrics"] == {}
    assert variables(candidate, candidate, {})["champion"]["metrics"] == {}
