"""The quick passes of the YAML door take and refuse what the one with marks does, and make the same of it."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelreg.adapters import yaml_marked, yaml_reader, yaml_text, yaml_values
from modelreg.domain.document import Mark
from modelreg.errors import InvalidError
from tests.property.test_documents import DOCS, documents

CORPUS = Path(__file__).parents[1] / "corpus"
REFUSED = object()


@functools.cache
def corpus() -> list[str]:
    """Sound documents of every kind, as text."""
    return [path.read_text() for path in sorted((CORPUS / "valid").rglob("*.yaml"))]


def slowly(text: str) -> Any:
    try:
        return yaml_marked.marked(text, "x").value
    except InvalidError:
        return REFUSED


def quickly(text: str) -> Any:
    try:
        return yaml_values.values(text)
    except yaml_values.UnsureError:
        return REFUSED


def agree(text: str) -> None:
    one, two = slowly(text), quickly(text)
    assert repr(one) == repr(two)


PIECES = ["&a ", "*a", "!t ", "!!str ", "<<: ", '"<<": ', "? ", "- ", ": ", "---\n", "...\n", "%YAML 1.2\n", "{", "}"]
PIECES += ["[", "]", ",", "#", '"', "'", "|\n", ">\n", "\n", "  ", " ", "\t", "x", "1", "0", ".5", "1e3", "-", "+1"]
PIECES += ["x: 1\n", "a: b", '"a": ', "null", "true", "~", "1: 2\n", "{a, b}", "{a: 1, a: 2}", "[a: 1]", "0x1", "1_0"]


@st.composite
def edited(draw: st.DrawFn) -> str:
    """A sound document with a few pieces put in, lines doubled or moved, characters taken out."""
    text = draw(st.sampled_from(corpus()) | documents.map(lambda value: DOCS.dump(value).decode()))
    for _ in range(draw(st.integers(0, 3))):
        lines = text.split("\n")
        line, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        what = draw(st.integers(0, 4))
        if what == 0:
            lines.insert(other, lines[line])
        elif what == 1:
            lines[line] = " " * draw(st.integers(0, 6)) + lines[line].lstrip(" ")
        elif what == 2:
            del lines[line]
        else:
            place = draw(st.integers(0, len(lines[line])))
            piece = draw(st.sampled_from(PIECES)) if what == 3 else ""
            lines[line] = lines[line][:place] + piece + lines[line][place + (what == 4) :]
        text = "\n".join(lines)
    return text


@given(edited())
@settings(max_examples=600, deadline=None)
def test_an_edited_document_is_the_same_to_both(text: str) -> None:
    agree(text)


@given(st.text("ab:-[]{},&*!|>'\"#?%~ \n\n0.1e", max_size=60))
@settings(max_examples=600, deadline=None)
def test_any_text_is_the_same_to_both(text: str) -> None:
    agree(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\n",
        "&x a: 1\n",
        "a: &x [1]\n",
        "a: [*x]\n",
        "a: !t 1\n",
        "a: !t [1]\n",
        "!t {a: 1}\n",
        "<<: {a: 1}\n",
        "%YAML 1.2\n---\na: 1\n",
        "%TAG !e! tag:example.org,2000:\n---\na: 1\n",
        "a: 1\n---\nb: 2\n",
        "a: 1\n--- b\n",
        "a: 1\na: 2\n",
        'a: 1\n"a": 2\n',
        "a: {b: 1, b: 2}\n",
        "1: 2\n",
        "null: 2\n",
        "true: 2\n",
        ": 2\n",
        "[a]: 2\n",
        "{a: 1}: 2\n",
        f"{'k' * 513}: 1\n",
        "a: 00\n",
        f"a: {'1' * 21}\n",
        f"a: 1.{'1' * 39}\n",
        "a: 1e999\n",
        "a: [1\n",
        "a: @x\n",
        "",
        "# none\n",
        "null\n",
        "[" * 33 + "]" * 33,
    ],
)
def test_what_is_refused_is_refused_by_both(text: str) -> None:
    assert slowly(text) is REFUSED
    assert quickly(text) is REFUSED


@pytest.mark.parametrize(
    "text",
    [
        '"<<": 1\n',
        "a: [<<]\n",
        "a: <<\n",
        "x\n",
        "[]\n",
        "{}\n",
        "a:\n",
        f"{'k' * 512}: 1\n",
        "a: 1\n...\n",
        "[" * 32 + "]" * 32,
        '"1": 2\n',
        "- - a\n  - {b: [c, {d: e}]}\n",
    ],
)
def test_what_is_sound_is_sound_to_both(text: str) -> None:
    assert slowly(text) is not REFUSED
    agree(text)


def test_special_numbers_are_the_same_to_both() -> None:
    agree("a: [.nan, -.inf, .inf, -0.0, 1e3, +1, .5, 5., 1.3.0, -, +, ., 1_0, 0x1]\n")
    assert math.isnan(quickly("a: .nan\n")["a"])


def test_the_corpus_is_the_same_to_both() -> None:
    for path in CORPUS.rglob("*.yaml"):
        try:
            text = yaml_text.decode(path.read_bytes(), path.name)
        except InvalidError:
            continue
        if len(text) < yaml_text.MAX_EVENTS // 2:
            agree(text)


def test_a_long_text_is_looked_at_closely() -> None:
    text = f"a: [{'x,' * (yaml_text.MAX_EVENTS // 4)}]\n"
    assert quickly(text) is REFUSED
    assert len(yaml_reader.read(text.encode(), "x").value["a"]) == yaml_text.MAX_EVENTS // 4


def test_marks_are_made_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = yaml_marked.marked

    def counted(text: str, file: str) -> Any:
        asked.append(file)
        return real(text, file)

    monkeypatch.setattr(yaml_reader, "marked", counted)
    document = yaml_reader.read(b"a:\n  b: [1, 2]\n", "x.yaml")
    assert document.value == {"a": {"b": [1, 2]}}
    assert not asked
    assert document.mark(("a", "b", 1)) == Mark(2, 10)
    assert document.mark(("a", "c")) == Mark(1, 1)
    assert dict(document.marks) == real("a:\n  b: [1, 2]\n", "x.yaml").marks
    assert len(document.marks) == 5
    assert asked == ["x.yaml"]
