"""Laws of the YAML door: what is written is read as the same value, by every reader; edits change one thing."""

from __future__ import annotations

import io
from typing import Any

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from modelreg.adapters.documents import YamlDocuments
from modelreg.adapters.yaml_entries import set_entry
from modelreg.errors import InvalidError

DOCS = YamlDocuments()

tricky = st.sampled_from(
    [
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "null",
        "~",
        ".nan",
        ".inf",
        "-",
        "--",
        "---",
        "...",
        "<<",
        "=",
        "?",
        ":",
        "#",
        "|",
        ">",
        "!",
        "&",
        "*",
        "%",
        "@",
        "`",
        "0",
        "00",
        "0.1.2",
        "1e5",
        "1_0",
        "0x1",
        "0o7",
        "1:30",
        "2026-11-24",
        "+1",
        "-1",
        ".5",
        "5.",
        "1.2.3",
        "1.2",
        "e1",
        "1e",
        "0b1",
        "[a]",
        "{a}",
        "a:",
        "a#",
        "a,b",
        "'a'",
        "_1",
        "___",
        "NaN",
        "Infinity",
    ]
) | st.sampled_from(
    ["", " ", "a ", " a", "a: b", "a #b", "\n", "a\n", "a\n\n", "a\n b\n", " a\nb", "a\r\nb", "\t", "a\tb"]
)
digests = st.from_regex(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?:\.dir)?|[0-9]{31,33}|[0-9]{2}e[0-9]{29}", fullmatch=True
)
texts = tricky | digests | st.text(max_size=40) | st.text("ab\n #:-", max_size=12)
keys = tricky | st.text(max_size=20) | digests
scalars = (
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)
documents = st.dictionaries(keys, values, max_size=6)


def same(one: Any, two: Any) -> bool:
    """Equal in value, type, order and sign."""
    return repr(one) == repr(two)


@given(documents, st.none() | st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_what_is_written_is_read(value: dict[str, Any], comment: str | None) -> None:
    data = DOCS.dump(value, schema="../x.v1.json", comment=comment)
    found = DOCS.load(data, "x").value
    assert same(found, value)
    assert DOCS.dump(found, schema="../x.v1.json", comment=comment) == data
    assert b"\r" not in data
    assert data.endswith(b"\n")


flat = texts | st.text("a0?:-#,[]{}&* ", max_size=6) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=5), flat | st.lists(flat, max_size=3)))
@settings(max_examples=400, deadline=None)
def test_other_readers_agree(value: dict[str, Any]) -> None:
    data = DOCS.dump(value)
    assert same(yaml.safe_load(data), value)
    assert same(dict(YAML(typ="safe", pure=True).load(io.BytesIO(data)) or {}), value)


@given(st.binary(max_size=200) | st.text("ab:-[]{},&*!|>'\"#\n \t0.1e", max_size=80).map(str.encode))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_a_document_or_a_refusal(data: bytes) -> None:
    try:
        document = DOCS.load(data, "x")
    except InvalidError as error:
        where, marked = error.file, True
    else:
        where, marked = document.file, () in document.marks
    assert where == "x"
    assert marked


names = st.text("abcxyz", min_size=1, max_size=3)
entries = st.dictionaries(st.sampled_from(["path", "type", "desc"]), texts, min_size=1)


@given(
    st.dictionaries(names, values, max_size=4),
    st.none() | st.dictionaries(names, entries | values, max_size=4),
    names,
    entries,
)
@settings(max_examples=400, deadline=None)
def test_a_splice_sets_one_thing(
    body: dict[str, Any], artifacts: dict[str, Any] | None, name: str, entry: dict[str, Any]
) -> None:
    before = {**body, "artifacts": artifacts}
    after = DOCS.splice(DOCS.dump(before), "dvc.yaml", ("artifacts", name), entry)
    assert DOCS.load(after, "x").value == {**body, "artifacts": {**(artifacts or {}), name: entry}}
    assert DOCS.splice(after, "dvc.yaml", ("artifacts", name), entry) == after


NAMES = st.sampled_from(("a", "b-c", "b_c", "m", "m-10", "m-9", "z", "no", "null", "1a", "on"))
TEXTS = st.sampled_from(("registry/m/1.0.0/model.skops", "model", "a b", "x: y", "1", "true", "a #b", "- a", "ä", "", "a\nb", "'", '"', "z-"))  # fmt: skip
ENTRIES = st.dictionaries(st.sampled_from(("path", "type", "desc")), TEXTS, min_size=1)


@given(st.lists(st.tuples(NAMES, ENTRIES), max_size=5), NAMES, ENTRIES)
def test_an_entry_set_by_lines_is_the_one_that_a_parser_sets(
    there: list[tuple[str, dict[str, str]]], name: str, entry: dict[str, str]
) -> None:
    """Where it is set by lines at all: same value, same order of entries; and a file that has it stays as it is."""
    text = b""
    for other, value in there:
        text = DOCS.splice(text, "dvc.yaml", ("artifacts", other), value)
    quick = set_entry(text.decode(), ("artifacts", name), entry)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelreg.adapters.yaml_entries.set_entry", lambda *_: None)
        slow = DOCS.splice(text, "dvc.yaml", ("artifacts", name), entry)
    if quick is None:
        return
    event("by lines")
    assert DOCS.load(quick.encode(), "dvc.yaml").value == DOCS.load(slow, "dvc.yaml").value
    assert list(DOCS.load(quick.encode(), "dvc.yaml").value["artifacts"]) == list(DOCS.load(slow, "dvc.yaml").value["artifacts"])  # fmt: skip
    assert (quick == text.decode()) == (slow == text)
    assert set_entry(quick, ("artifacts", name), entry) == quick


@pytest.mark.parametrize(
    "text",
    [
        "",
        "artifacts:\n",
        "artifacts: {}\n",
        "other:\n  a:\n    path: x\n",
        "# mine\nartifacts:\n  a:\n    path: x\n",
        "artifacts:\n  a:\n    path: x # mine\n",
        "artifacts:\n  a:\n    path: x\n  a:\n    path: x\n",
        "artifacts:\n  a:\n    path: x\nstages:\n  a:\n    cmd: x\n",
        "artifacts:\n  b:\n    path: |\n      x\n  a:\n    path: x\n",
        "artifacts:\n  b:\n    path: &x y\n  a:\n    path: x\n",
        "artifacts:\n  b:\n    path: [x,\n  a]\n  a:\n    path: x\n",
        'artifacts:\n  b:\n    path: "x\n  a:\n    path: y"\n',
        "artifacts:\n  b:\n    path: 'x\n  a:\n    path: y'\n",
        "artifacts:\n  b:\n    path: x\n      y\n  a:\n    path: x\n",
        'artifacts:\n  a:\n    path: "x"\n',
        "artifacts:\r\n  a:\r\n    path: x\r\n",
        "artifacts:\n  a:\n    path: x",
        "artifacts:\n  a:\n    path: ä\n",
    ],
)
def test_what_is_not_wholly_lines_is_for_a_parser(text: str) -> None:
    assert set_entry(text, ("artifacts", "a"), {"path": "y"}) is None


def test_ten_thousand_entries_are_no_obstacle() -> None:
    """They have more events than a document may have."""
    text = "artifacts:\n" + "".join(f"  m-{n:05d}:\n    path: a\n    type: model\n" for n in range(10_000))
    made = DOCS.splice(text.encode(), "dvc.yaml", ("artifacts", "m-07000"), {"path": "b", "type": "model"}).decode()
    assert made == text.replace("  m-07000:\n    path: a\n", "  m-07000:\n    path: b\n")
    made = DOCS.splice(text.encode(), "dvc.yaml", ("artifacts", "m-07000a"), {"path": "b"}).decode()
    assert made == text.replace("  m-07001:\n", "  m-07000a:\n    path: b\n  m-07001:\n")
