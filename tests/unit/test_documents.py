"""The YAML door with literals: what it reads, refuses and writes, and how it edits a user's file."""

from __future__ import annotations

import io
import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML

from modelreg.adapters import yaml_text
from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.document import Mark
from modelreg.errors import InvalidError
from modelreg.registry.ports import Documents

CORPUS = Path(__file__).parents[1] / "corpus"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CORPUS / "invalid" / "expected.json").read_text())
DOCS: Documents = YamlDocuments()
ENTRY = {"path": "registry/c/1.0.0/model.skops", "type": "model"}


def load(text: str) -> Any:
    return DOCS.load(text.encode(), "x.yaml").value


def refused(text: str | bytes) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        DOCS.load(text.encode() if isinstance(text, str) else text, "x.yaml")
    return caught.value


def splice(text: str, value: dict[str, object] | None = None) -> str:
    return DOCS.splice(text.encode(), "dvc.yaml", ("artifacts", "c"), value or ENTRY).decode()


# --- reading


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("18446744073709551615", 2**64 - 1),
        ("1.10", 1.1),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("0x10", "0x10"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-11-24", "2026-11-24"),
        ("1.3.0", "1.3.0"),
        ('"1"', "1"),
        ("'true'", "true"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = load(f"a: {text}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_nan_is_read_so_that_the_schema_can_name_it() -> None:
    assert math.isnan(load("a: .nan")["a"])


def test_marks_are_those_of_keys_and_items() -> None:
    document = DOCS.load(b'a:\n  "\xc3\xa9": 1\nb: [x, {y: 2}]\n', "x.yaml")
    assert document.marks == {
        (): Mark(1, 1),
        ("a",): Mark(1, 1),
        ("a", "é"): Mark(2, 3),
        ("b",): Mark(3, 1),
        ("b", 0): Mark(3, 5),
        ("b", 1): Mark(3, 8),
        ("b", 1, "y"): Mark(3, 9),
    }


@pytest.mark.parametrize("name", [n for n, e in sorted(EXPECTED.items()) if e["code"] == "invalid"])
def test_corpus_of_what_the_yaml_door_refuses(name: str) -> None:
    data = (CORPUS / "invalid" / name).read_bytes()
    start = time.perf_counter()
    with pytest.raises(InvalidError) as caught:
        DOCS.load(data, name)
    assert time.perf_counter() - start < 0.5  # 0.1 s on a quiet machine
    assert (caught.value.file, caught.value.line) == (name, EXPECTED[name]["line"])
    assert len(str(caught.value)) < 300


def test_an_error_names_the_field_and_the_way_out() -> None:
    error = refused("a:\n  b:\n    - 1\n    - 00\n")
    assert (error.line, error.field) == (4, "a.b[1]")
    assert error.hint is not None
    assert "double quotes" in error.hint


def test_a_file_of_more_than_a_mebibyte_is_refused() -> None:
    line = b"a: 1\n"
    data = line + b"#" * (yaml_text.MAX_BYTES - len(line))
    assert DOCS.load(data, "x").value == {"a": 1}
    assert "larger" in refused(data + b"#").message


def test_the_limits_themselves_are_allowed() -> None:
    deep = "[" * (yaml_text.MAX_DEPTH - 1) + "]" * (yaml_text.MAX_DEPTH - 1)
    load(f"a: {deep}")
    assert "32 levels" in refused(f"a: [{deep}]").message
    many = yaml_text.MAX_EVENTS - 9  # stream, document and mapping open and close; key; list opens and closes
    assert len(load(f"a: [{'x,' * many}]")["a"]) == many
    assert "50000" in refused(f"a: [{'x,' * (many + 1)}]").message


def test_without_libyaml_the_same_is_read_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "Loader", yaml.SafeLoader)
    assert load("a: [1, no, 1e-3]\nb: {}\n") == {"a": [1, "no", 0.001], "b": {}}
    assert "anchors" in refused("a: &a 1").message
    assert refused("a: [1").line == 1


# --- writing


def dump(value: dict[str, Any]) -> str:
    return DOCS.dump(value).decode()


def test_the_longest_list_on_a_line() -> None:
    most = list(range(10)) * 3 + [1, 2]
    assert dump({"a": most}) == f"a: {most}\n"
    assert len(dump({"a": most})) == len("a: \n") + 96
    assert dump({"a": [*most, 3]}).splitlines()[:2] == ["a:", "  - 0"]


def test_what_was_written_is_read_with_its_lines_and_belongs_to_who_reads_it() -> None:
    value = {"format": 1, "a": {"b": [1.5, None, "x"]}}
    data = DOCS.dump(value, schema="x.v1.json")
    first = DOCS.load(data, "one.yaml")
    assert (first.value, first.file) == (value, "one.yaml")
    assert first.marks == DOCS.load(bytes(bytearray(data)), "one.yaml").marks
    first.value["a"]["b"] = "changed"
    assert DOCS.load(data, "two.yaml").value == value
    other = DOCS.dump({"c": 1})
    assert (DOCS.load(data, "two.yaml").value, DOCS.load(other, "three.yaml").value) == (value, {"c": 1})


def test_header_and_comment() -> None:
    data = DOCS.dump({"format": 1}, schema="../schemas/x.v1.json", comment="one\ntwo\x1b")
    assert data == (
        b"# yaml-language-server: $schema=../schemas/x.v1.json\n# one\n# two\x1b\nformat: 1\n".replace(b"\x1b", b"?")
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.3.0", "1.3.0"),
        ("ann@example.org", "ann@example.org"),
        ("A/B lift 1.8 points (p = 0.003)", "A/B lift 1.8 points (p = 0.003)"),
        ("a, [b]", "a, [b]"),
        ("2026-11-24T12:30:00Z", '"2026-11-24T12:30:00Z"'),
        ("2026-11", '"2026-11"'),
        ("https://x", '"https://x"'),
        ("*", '"*"'),
        ("", '""'),
        ("no", '"no"'),
        ("NULL", '"NULL"'),
        ("1e5", '"1e5"'),
        ("0x10", '"0x10"'),
        ("1_0", '"1_0"'),
        ("d" * 32, f'"{"d" * 32}"'),
        ("d" * 32 + ".dir", f'"{"d" * 32}.dir"'),
        ("a # b", '"a # b"'),
        (" a", '" a"'),
        ("\u202ea", '"\\u202ea"'),
        ("\x7f", '"\\u007f"'),
        ("é", "é"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\nb", "|-\n  a\n  b"),
        ("a \nb", '"a \\nb"'),
        (1e-05, "1.0e-05"),
        (1e22, "1.0e+22"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (2**64 - 1, "18446744073709551615"),
        (None, "null"),
        (True, "true"),
        ([], "[]"),
        ({}, "{}"),
        ({"n": 1, "no": 2, "1": 3}, '{n: 1, "no": 2, "1": 3}'),
        ([{"version": "1.2.0", "to": "archived"}], "[{version: 1.2.0, to: archived}]"),
        (["a, b"], '["a, b"]'),
        (["why?"], '["why?"]'),
        ("why?", "why?"),
        ({"a": {"b": 1}}, "\n  a: {b: 1}"),
        (["x" * 50, "y" * 50], f"\n  - {'x' * 50}\n  - {'y' * 50}"),
        ([{"a": "x" * 50, "b": "y" * 50}], f"\n  - a: {'x' * 50}\n    b: {'y' * 50}"),
        ([["x" * 50, "y" * 50]], f"\n  - - {'x' * 50}\n    - {'y' * 50}"),
    ],
)
def test_the_look_of_values(value: object, text: str) -> None:
    separator = "" if text.startswith("\n") else " "
    assert dump({"k": value}) == f"k:{separator}{text}\n"
    assert load(dump({"k": value})) == {"k": value}
    assert yaml.safe_load(dump({"k": value})) == {"k": value}


@pytest.mark.parametrize("digits", ["0" * 29 + "3e9", "1" * 32, "12e45678" * 5, "9" * 64, "0" * 32 + ".dir"])
def test_every_reader_takes_a_digest_for_text(digits: str) -> None:
    data = DOCS.dump({"md5": digits, "list": [digits]})
    for value in (
        yaml.safe_load(data),
        YAML(typ="safe", pure=True).load(io.BytesIO(data)),
        load(data.decode()),
    ):
        assert value == {"md5": digits, "list": [digits]}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"a": math.nan}, "a"),
        ({"a": [1, math.inf]}, "a[1]"),
        ({"a": 10**20}, "a"),
        ({"a": {1: 2}}, "a"),
        ({"a": {"k" * 600: 2}}, "a"),
        ({"a": b"x"}, "a"),
        ({"a": object()}, "a"),
    ],
)
def test_what_no_document_can_hold_is_not_written(value: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        DOCS.dump(value)
    assert caught.value.field == field


def test_half_a_character_and_a_circle_are_not_written() -> None:
    circle: dict[str, Any] = {}
    circle["a"] = circle
    for value in ({"a": "\ud800"}, circle, {"a": "x" * yaml_text.MAX_BYTES}):
        with pytest.raises(InvalidError):
            DOCS.dump(value)


# --- splicing

BLOCK = "artifacts:\n  c:\n    path: registry/c/1.0.0/model.skops\n    type: model\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", BLOCK),
        ("# hi\n", "# hi\n" + BLOCK),
        ("vars: [a]", "vars: [a]\n" + BLOCK),
        ("stages: &s\n  t: {cmd: 'x ${y}'}\nz: *s\n# end\n", "stages: &s\n  t: {cmd: 'x ${y}'}\nz: *s\n# end\n" + BLOCK),
        ("artifacts:\nz: 1\n", BLOCK + "z: 1\n"),
        ("artifacts:   # mine\n  # none\nz: 1\n", BLOCK.replace("artifacts:", "artifacts:   # mine") + "  # none\nz: 1\n"),
        ("artifacts: {} # mine\nz: 1\n", BLOCK.replace("artifacts:", "artifacts: # mine") + "z: 1\n"),
        ("artifacts: {b: {path: x}, d: {path: y}} # q\n", "artifacts: {b: {path: x}, c: {path: registry/c/1.0.0/model.skops, type: model}, d: {path: y}} # q\n"),
        ("artifacts: {b: 1,}\n", "artifacts: {b: 1,c: {path: registry/c/1.0.0/model.skops, type: model}}\n"),
        ("artifacts:\n  # é\n  b:\n    path: x # é\n\n  # for d\n  d: {path: y}\n", "artifacts:\n  # é\n  b:\n    path: x # é\n" + BLOCK.removeprefix("artifacts:\n") + "\n  # for d\n  d: {path: y}\n"),
        ("artifacts:\n  # for d\n  d: {path: y}\n", BLOCK + "  # for d\n  d: {path: y}\n"),
        ("artifacts:\n  c:\n    path: old # é\n    type: model # t\n    labels: [a]\n  d: 1\n", "artifacts:\n  c:\n    path: registry/c/1.0.0/model.skops # é\n    type: model # t\n  d: 1\n"),
        ("artifacts:\n  c:\n    type: model\n    path: >-\n      a\n      b\n# z\n", "artifacts:\n  c:\n    type: model\n    path: registry/c/1.0.0/model.skops\n# z\n"),
        ("artifacts:\n  c: {path: x} # k\n", "artifacts:\n  c: {path: registry/c/1.0.0/model.skops, type: model} # k\n"),
        ("artifacts:\n  c: null\n", BLOCK),
        ("artifacts:\n  c: |\n    text\n", BLOCK),
        ("x: &x {path: y}\nartifacts:\n  c: *x\n", "x: &x {path: y}\nartifacts:\n  c: {path: registry/c/1.0.0/model.skops, type: model}\n"),
        ("a: 1\n...\n", "a: 1\n" + BLOCK + "...\n"),
        ("{a: 1}\n", "{a: 1, artifacts: {c: {path: registry/c/1.0.0/model.skops, type: model}}}\n"),
        ("artifacts:\r\n  b: 1\r\nz: 1\r\n", "artifacts:\r\n  b: 1\r\n" + BLOCK.removeprefix("artifacts:\n").replace("\n", "\r\n") + "z: 1\r\n"),
        ("\ufeffa: 1\n", "\ufeffa: 1\n" + BLOCK),
    ],
)  # fmt: skip
def test_splice_changes_nothing_else(before: str, after: str) -> None:
    assert splice(before) == after
    assert splice(after) == after


def test_find_reads_a_user_s_file_leniently() -> None:
    text = b"x: &x [1]\nartifacts:\n  c:\n    path: '${a}'\n    labels: [a, 01]\n    meta: *x\n"
    found = DOCS.find(text, "dvc.yaml", ("artifacts", "c"))
    assert found is not None
    assert found.value == {"path": "${a}", "labels": ["a", "01"], "meta": "*x"}
    assert found.mark(()) == Mark(3, 3)
    assert found.mark(("path",)) == Mark(4, 5)
    assert found.mark(("labels", 1)) == Mark(5, 17)
    for keys in (("artifacts", "d"), ("x", "c"), ("artifacts", "c", "path", "z")):
        assert DOCS.find(text, "dvc.yaml", keys) is None
    assert DOCS.find(b"", "dvc.yaml", ("artifacts",)) is None
    with pytest.raises(InvalidError):
        DOCS.find(b"a: [", "dvc.yaml", ("a",))


def test_splice_takes_other_spellings_of_the_same_value_as_done() -> None:
    text = "artifacts: {\"c\": {'type': model, path: 'registry/c/1.0.0/model.skops'}}\n"
    assert splice(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "artifacts: [a]\n",
        "- a\n",
        "artifacts:\n  c: 1\n  c: 2\n",
        "artifacts:\n  c: &c\n    path: x\nz: *c\n",
        "artifacts:\n  c: {path: x, # why\n    type: model}\n",
        "artifacts:\n  c:\n    # why\n    old: [1,\n # what\n 2]\n",
        "artifacts: {  # none\n}\n",
        "artifacts: &a {b: 1}\nartifacts: 2\n",
    ],
)
def test_splice_leaves_to_people_what_it_cannot_do(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        splice(text)
    assert caught.value.hint is not None
    assert "by hand" in caught.value.hint
    assert caught.value.field == "artifacts.c"


@pytest.mark.parametrize(
    "data",
    [
        b"a: [",
        b"a: 1\n---\nb: 2\n",
        b"\xff",
        b"#" * (yaml_text.MAX_BYTES + 1),
        b"a: " + b"[" * 70 + b"]" * 70,
    ],
)
def test_splice_refuses_what_is_not_yaml_within_bounds(data: bytes) -> None:
    with pytest.raises(InvalidError) as caught:
        DOCS.splice(data, "dvc.yaml", ("artifacts", "c"), ENTRY)
    assert caught.value.file == "dvc.yaml"


def test_splice_does_not_expand_an_alias_bomb() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for last, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]")
    text = "\n".join(lines) + "\n"
    assert splice(text) == text + BLOCK
