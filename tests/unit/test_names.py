from __future__ import annotations

import pytest

from modelreg.domain.names import (
    DEVICES,
    collision_key,
    is_metric,
    metric_name,
    parse_alias,
    parse_file,
    parse_model,
    parse_stage,
)
from modelreg.errors import InvalidError

# Refused as a model, a stage, an alias and a metric alike.
NEVER = [
    *("", " ", "\t", "\n", "a b", " a", "a ", "a\n", "\na", "a\r", "a\x00", "\x00", "a\x7f", "a\x1b[31m"),
    *(".", "..", "...", ".a", "a.", "a.b", "a..b", "../a", "a/b", "/a", "a/", "a\\b", "\\a", "~", "~a", "a~1"),
    *("-", "--", "-a", "--help", "-rf", "_", "_a", "A", "Churn", "CHURN", "chURN", "aB"),
    *("a@b", "@", "a#b", "#a", "a!", "a:b", "a*", "a?", "[a]", "a^", "a{b}", "$a", "`a`", "a;b", "a|b", "a&b"),
    *("'a'", '"a"', "a=b", "a,b", "a%b", "a+b", "<a>", "(a)"),
    *(
        "сhurn",
        "сһurn",
        "ｃhurn",
        "chυrn",
        "churո",
        "chμrn",
        "éa",
        "e\u0301a",
        "naïve",
        "ﬁt",
        "ıa",
        "ſa",
        "K",
        "²a",
        "a²",
    ),
    *("a\u200bb", "\u200ba", "a\u200d", "a\u2060b", "\ufeffa", "a\u00adb", "a\u180eb", "a\u034fb", "a\ufe0f"),
    *("\u202ea", "a\u202d", "a\u2066b\u2069", "\u200fa", "a\u200e", "\u061ca", "a\u00a0b", "a\u3000b", "a\u2028b"),
    *("١a", "a١", "１", "𝒶", "😀", "a\ud800"),
]


@pytest.mark.parametrize("name", NEVER, ids=ascii)
def test_never_a_name(name: str) -> None:
    for parse in (parse_model, parse_stage, parse_alias):
        with pytest.raises(InvalidError) as raised:
            parse(name)
        assert str(raised.value).isascii()
        assert str(raised.value).isprintable()
        assert raised.value.hint
    assert not is_metric(name)


def test_enough_of_them() -> None:
    assert len(set(NEVER)) == len(NEVER) >= 60


@pytest.mark.parametrize("name", ["a-", "a_", "a" * 65, *sorted(DEVICES)])
def test_not_a_model(name: str) -> None:
    with pytest.raises(InvalidError):
        parse_model(name)


@pytest.mark.parametrize("name", ["a", "0", "7b", "churn", "churn_predictor", "a-b", "a--b", "com10", "con1", "a" * 64])
def test_model(name: str) -> None:
    assert parse_model(name) == name


@pytest.mark.parametrize("name", ["latest", "aliases", "format", "v1", "v10", "1", "1a", "a-", "a_", "a" * 32])
def test_not_a_label(name: str) -> None:
    for parse in (parse_stage, parse_alias):
        with pytest.raises(InvalidError):
            parse(name)


@pytest.mark.parametrize("name", ["a", "production", "pre-prod", "canary_2", "v", "va", "v1a", "yes", "null", "a" * 31])
def test_label(name: str) -> None:
    assert parse_stage(name) == name
    assert parse_alias(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", ".gitignore", "-a", "a/b", "a\\b", "a b", "a.", "é", "a\u200b", "a\n", "a" * 129, "a:b", "_a"),
        *("manifest.yaml", "annotations.yaml", "withdrawn.yaml", "evidence", "model.dvc", "manifest.yaml.sig"),
        *("Manifest.yaml", "EVIDENCE", "model.DVC", "model.Sig"),
        *("con", "CON", "nul.txt", "Aux.json", "com1.skops", "lpt9"),
    ],
    ids=ascii,
)
def test_not_a_file(name: str) -> None:
    with pytest.raises(InvalidError):
        parse_file(name)


@pytest.mark.parametrize(
    "name", ["model.skops", "Model_1-2.onnx", "a", "0", "console.json", "manifest.json", "a" * 128]
)
def test_file(name: str) -> None:
    assert parse_file(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [("F1-Score (test)", "f1_score_test"), ("roc_auc", "roc_auc"), ("val/loss", "val_loss"), (" R2 ", "r2")],
)
def test_metric_name(text: str, name: str) -> None:
    assert metric_name(text) == name


@pytest.mark.parametrize("text", ["", "1st", "Primary", "!!", "é", "_"], ids=ascii)
def test_not_a_metric_name(text: str) -> None:
    with pytest.raises(InvalidError):
        metric_name(text)


@pytest.mark.parametrize(("a", "b", "same"), [("a-b", "a_b", True), ("A.x", "a.X", True), ("ab", "a_b", False)])
def test_collision_key(a: str, b: str, same: bool) -> None:
    assert (collision_key(a) == collision_key(b)) is same
