"""The language of `search`: what it means, and where it says that it cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from modelreg.domain.names import Alias, ModelName, Stage
from modelreg.domain.properties import properties_of
from modelreg.domain.search import (
    Candidate,
    Comparison,
    Every,
    Field,
    Not,
    Query,
    Some,
    answers,
    matches,
    refers,
    select,
)
from modelreg.domain.search_syntax import parse, parse_order
from modelreg.domain.version import Version
from modelreg.errors import UsageError

BODY: dict[str, Any] = {
    "created": "2026-11-24T09:30:00Z",
    "author": {"name": "Ann", "email": "ann@example.org"},
    "framework": {"name": "scikit-learn"},
    "metrics": {"accuracy": {"value": 0.9}, "loss": {"value": 0}, "bad": {"value": "0.9"}},
    "params": {"depth": 3, "warm": True, "criterion": "gini", "text": "3", "nothing": None, "sizes": [1]},
    "tags": {"team": "risk", "cost center": "12"},
    "lineage": {
        "code": {"commit": "0a1b2c3" + "d" * 33},
        "data": [{"name": "train", "sha256": "ab" * 32}],
        "parents": [{"model": "base", "version": "1.0.0"}],
    },
}


def candidate(version: str = "1.2.0", stage: str | None = "production", **body: Any) -> Candidate:
    standing = None if stage is None else Stage(stage)
    return Candidate(
        ModelName("churn"), Version.parse(version), standing, (Alias("champion"),), properties_of(BODY | body)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('metrics.accuracy > 0.85 and stage = production and tags.team = "risk"', True),
        ("metrics.accuracy > 0.9", False),
        ("metrics.accuracy >= .9 and metrics.accuracy <= 9e-1", True),
        ("metrics.loss = 0", True),
        ("metrics.loss in (1, -0.0)", True),
        ("metrics.bad = 0.9", None),  # a text is no measurement
        ("metrics.recall > 0.9", None),
        ("not metrics.recall > 0.9", None),  # what is not known is not met the other way round
        ("metrics.recall > 0.9 or model = churn", True),
        ("metrics.recall > 0.9 and model = other", False),
        ("metrics.recall != 1", None),
        ("params.depth = 3", True),
        ('params.depth = "3"', None),  # numbers and texts never mix
        ("params.text = 3", None),
        ("params.text = '3'", True),
        ("params.warm = true", True),
        ("params.warm = 1", None),
        ("params.warm != false", True),
        ("params.criterion = gini", True),
        ("params.criterion > a", True),
        ("params.nothing = 1", None),
        ("params.sizes = 1", None),
        ("params.depth like '%'", None),
        ("params.depth in (gini, 3)", True),
        ("params.depth in (gini, 4)", None),
        ('tags."cost center" = 12', True),
        ("tags.'cost center' like '1%'", True),
        ("tags.team in (growth, risk)", True),
        ("tags.team not in (growth, risk)", False),
        ("tags.none not in (growth)", None),
        ("stage != staging", True),
        ("stage glob 'pro*'", True),
        ("alias = champion", True),
        ("alias != challenger", True),
        ("alias != champion", False),
        ("not alias = challenger", True),  # a set is known, if it is empty too
        ("version < 1.10.0", True),
        ("version > 1.2.0-rc.1", True),
        ("version in (1.0.0, 1.2.0)", True),
        ("version like '1.%'", True),
        ("created >= 2026-11", True),
        ("author = ann@example.org or author = nobody", True),
        ("framework = scikit-learn", True),
        ("architecture = x", None),
        ("data = train", True),
        ("data = abababa", True),
        ("data = ababab", False),  # six digits are too few to mean one digest
        ("data glob tr*n", True),
        ("commit = 0a1b2c3", True),
        ("commit != 0a1b2c3", False),
        ("parent = base", True),
        ("parent = base@1.0.0", True),
        ("parent = base@1.0", False),
        ("NOT model = churn OR version = 1.2.0", True),
        ("model = 'churn' and (stage = staging or stage = production)", True),
    ],
)
def test_answers(text: str, expected: bool | None) -> None:
    assert answers(parse(text), candidate()) is expected


def test_a_withdrawn_version_stands_in_no_stage() -> None:
    gone = candidate(stage=None)
    assert answers(parse("stage = withdrawn"), gone) is True
    assert answers(parse("stage = production"), gone) is False


def test_and_binds_more_tightly_than_or_and_not_than_and() -> None:
    one, two, three = (Comparison(Field("model"), "=", (name,)) for name in "abc")
    assert parse("model = a or model = b and model = c") == Some((one, Every((two, three))))
    assert parse("not model = a and model = b") == Every((Not(one), two))
    assert parse("not (model = a and model = b)") == Not(Every((one, two)))


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ("", 1, "field is missing"),
        ("metrics.accuracy", 17, "operator is missing"),
        ("metrics.accuracy >", 19, "value is missing"),
        ("metrics.accuracy > high", 20, "is a number"),
        ('metrics.accuracy > "0.9"', 20, "is a number"),
        ("metrics.accuracy > nan", 20, "is a number"),
        ("metrics.accuracy > 1e999", 20, "too large"),
        ("metrics.accuracy like 1", 18, "does not take"),
        ("metric.accuracy > 1", 1, "no field"),
        ("metrics > 1", 1, "no field"),
        ("metrics. > 1", 1, "no field"),
        ("model = churn stage = production", 15, "not expected"),
        ("model = churn and", 18, "field is missing"),
        ("(model = churn", 15, "column 1 is not closed"),
        ("model = churn)", 14, "not expected"),
        ("model = 'churn", 9, "not closed"),
        ("model churn", 7, "no operator"),
        ("model not = churn", 11, "no operator"),
        ("model ! churn", 7, "not expected"),
        ("stage < production", 7, "no order"),
        ("alias > a", 7, "no order"),
        ("stage in production", 10, "takes a list"),
        ("stage in (production", 21, "not closed"),
        ("stage in (production staging)", 22, "not closed"),
        ("stage in ()", 11, "no value"),
        ("stage = and", 9, "no value"),
        ("version = 1.2", 11, "semantic version"),
        ("tags.n > 9", 10, "is text"),
        ("(" * 60 + "model = a", 51, "nested deeper"),
        ("model = a or " * 200 + "model = a", None, "more than"),
        ("model = '" + "a" * 4000 + "'", None, "longer than"),
    ],
)
def test_a_fault_is_said_with_its_column(text: str, column: int | None, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert word in caught.value.message
    assert column is None or caught.value.field == f"column {column}"


def test_a_misspelt_field_is_guessed() -> None:
    with pytest.raises(UsageError, match="no field") as caught:
        parse("metric.accuracy > 1")
    assert caught.value.hint == "did you mean metrics.accuracy?"


def test_order_puts_missing_values_last_either_way() -> None:
    versions = {v: candidate(v, metrics={"f1": {"value": x}}) for v, x in (("1.0.0", 0.5), ("1.1.0", 0.7))}
    versions |= {"1.9.0": candidate("1.9.0", metrics={}), "1.10.0": candidate("1.10.0", metrics={})}
    items = [(c, name) for name, c in versions.items()]
    assert select(items, Query(order=(parse_order("metrics.f1"),))) == ["1.0.0", "1.1.0", "1.10.0", "1.9.0"]
    assert select(items, Query(order=(parse_order("metrics.f1 desc"),), limit=3)) == ["1.1.0", "1.0.0", "1.10.0"]
    assert select(items, Query()) == ["1.10.0", "1.9.0", "1.1.0", "1.0.0"]
    assert select(items, Query(order=(parse_order("version asc"),), limit=1)) == ["1.0.0"]


@pytest.mark.parametrize("text", ["alias", "metrics.f1 down", "metrics.f1 desc desc", "", "f1"])
def test_what_cannot_be_an_order(text: str) -> None:
    with pytest.raises(UsageError):
        parse_order(text)


@pytest.mark.parametrize(
    ("operator", "pattern", "text", "expected"),
    [
        ("like", "a%c", "abbc", True),
        ("like", "a_c", "abc", True),
        ("like", "a_c", "ac", False),
        ("like", "A%", "abc", False),
        ("like", "[a]*?", "[a]*?", True),
        ("like", "[a]%", "a", False),
        ("like", "a%", "a\nb", True),
        ("glob", "a*[b-d]", "axxc", True),
        ("glob", "a?[!b]", "axb", False),
        ("glob", "a", "ab", False),
    ],
)
def test_patterns(operator: str, pattern: str, text: str, expected: bool) -> None:
    assert matches(operator, pattern, text) is expected


def test_a_pattern_of_many_stars_ends() -> None:
    assert not matches("like", "%a" * 200 + "b", "a" * 500)


def test_a_name_that_looks_like_the_beginning_of_a_digest_is_no_digest() -> None:
    assert refers("abcdef01", "abcdef01")
    assert not refers("abcdef01", "abcdef0")
    assert refers("abcdef0" + "1" * 57, "abcdef0")
    assert not refers("abcdef0" + "1" * 57, "ABCDEF0")
