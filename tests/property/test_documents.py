"""Laws of the YAML door: what is written is read as the same value, by every reader; edits change one thing."""

from __future__ import annotations

import io
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from modelreg.adapters.documents import YamlDocuments
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
