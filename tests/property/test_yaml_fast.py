"""What py-yaml12 is given, it reads as libyaml's strict pass does; what it would read otherwise it is not given."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelreg.adapters import yaml_fast, yaml_reader, yaml_text
from modelreg.adapters.documents import YamlDocuments
from modelreg.errors import InvalidError
from tests.property.test_documents import documents
from tests.property.test_yaml_passes import CORPUS, corpus, edited, quickly

EXPECTED: dict[str, dict[str, Any]] = json.loads((CORPUS / "invalid" / "expected.json").read_text())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From the first document on, whatever the environment says."""
    monkeypatch.setattr(yaml_fast, "WORTH", 0)
    monkeypatch.delenv(yaml_fast.VARIABLE, raising=False)
    yaml_fast._parser.cache_clear()
    yield
    yaml_fast._parser.cache_clear()


def agrees(text: str) -> bool:
    """Whether py-yaml12 read it; if so, as libyaml."""
    found = yaml_fast.values(text)
    assert found is None or repr(found) == repr(quickly(text))
    return found is not None


@given(edited())
@settings(max_examples=500, deadline=None)
def test_an_edited_document(text: str) -> None:
    agrees(text)


@given(documents)
@settings(max_examples=300, deadline=None)
def test_what_modelreg_writes(value: dict[str, Any]) -> None:
    agrees(YamlDocuments().dump(value).decode())


KEYS = ["a", "b", "c", "null", "true", "no", "x.y", "e5", "inf", "NaN", '"a"', '"b: c"', '"null"', "y", "k-1", "' '"]
SCALARS = """
a|b c|1|-1|0|1.5|-0.0|1.0e-05|1.5e+22|1.2.3|1.2.3-rc.1|x/y|null|~|true|True|TRUE|tRue|false|NULL|inf|nan|Infinity|e5|no
yes|on|"x"|"x: y"|"- a"|"#"|" "|/a|a@b|a (b)|a=b|a -1|10000000000000000|0.1|_|123456789012345678|-9.99e+99|a%|0.0.0|a -
00.1.2|a  b|a |"a" b|a"b|a,b|a, b|a: b|a #b|a#b|-|--|- a|[a|a]|{a|?|? a|&a|*a|!a|>|%a|@a|'a'|it's|0x1f|0o7|1_000|1:30|1e3
.5|5.|+1|.inf|.nan|2026-11-24|=|<<|a > b|a & b|(a)|a;b|a ? b|...|---|a ...|1 2|1a|1.a|1.2.e3|1,000|1e|0.1e+5|1.5E+05|+|.
""".strip().replace("\n", "|")


def made(random_: random.Random) -> str:
    """A few lines of what documents are made of, and of what they are not, at any indentation."""
    lines, indent = [], 0
    for _ in range(random_.randint(1, 6)):
        key, dashes = random_.choice(KEYS), random_.choice(["", "", "", "- ", "- - "])
        kind = random_.random()
        rest = "" if kind < 0.3 else f" {flow(random_, 0)}"
        line = dashes + flow(random_, 0) if kind > 0.8 else f"{dashes}{key}:{rest}"
        lines.append(" " * indent + random_.choice(["# a: b", "", "---"]) if kind < 0.04 else " " * indent + line)
        indent = max(0, indent + random_.choice([0, 0, 0, 2, 2, -2, 1, -1]) + 2 * (not rest))
    return "\n".join(lines) + "\n"


def flow(random_: random.Random, depth: int) -> str:
    kind = random_.random()
    if depth > 3 or kind < 0.6:
        return random_.choice(SCALARS.split("|"))
    items = [flow(random_, depth + 1) for _ in range(random_.randint(0, 3))]
    if kind < 0.8:
        return f"[{', '.join(items)}{random_.choice(['', '', '', ', ', ','])}]"
    between = [random_.choice([": ", ": ", ": ", ": ", ":", " : ", ""]) for _ in items]
    pairs = zip(between, items, strict=True)
    return f"{{{', '.join(random_.choice(KEYS) + sign + item for sign, item in pairs)}}}"


def test_lines_put_together_at_random() -> None:
    """Half a million more, with other seeds, were tried when the grammar was made."""
    random_ = random.Random(5)
    assert sum(agrees(made(random_)) for _ in range(20_000)) > 1_000


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\n",
        "a: *x\n",
        "a: !t 1\n",
        "&x a: 1\n",
        "<<: {a: 1}\n",
        "? a\n",
        "a: 1\n---\nb: 2\n",
        "--- a\n",
        "%YAML 1.2\n---\na: 1\n",
        "a: 1\n...\nb\n",
        "a: 1\na: 2\n",
        'a: 1\n"a": 2\n',
        "a: {b: 1, b: 2}\n",
        "a: [{b: {c: 1, c: 2}}]\n",
        "a:\n- {b: 1}\n- b: 1\n  b: 2\n",
        "a: {b, c: 1, c: 2}\n",
        "a: {b: 1, b, c: 2}\n",
        "a: [b: 1, c]\n",
        "null: 1\n",
        "true: 1\n",
        "{true: 1}\n",
        "1: 1\n",
        "a: 010\n",
        "a: 0x10\n",
        "a: 0o17\n",
        "a: 1e400\n",
        "a: 1.0e+400\n",
        "a: 18446744073709551615\n",
        "a: .inf\n",
        "a: +1\n",
        "a: 1_000\n",
        "  a: 1\nb: 2\n",
        "# c\n  a: 1\n- b\n",
        "\n  - a\n- b\n",
        "a: x\n b\n",
        "a: 'x'\n",
        'a: "\\x41"\n',
        "a: |\n  x\n",
        "a: >\n  x\n",
        "a: x # c\n",
        "a: é\n",
        'a: "x\u2028y"\n',
        "a:\tb\n",
        "a: b\t\n",
        "a: 1",
        "",
        "# none\n",
        "a: [1,]\n",
        "a: [1, ]\n",
        "a: {b: 1, }\n",
        "a: [1, 2\n",
        "a: 1\n  b: 2\n",
        f"{'a' * 600}: 1\n",
        "\n".join(" " * n + "a:" for n in range(33)) + "\n",
        f"a: {'x' * 30_000}\n",
    ],
)
def test_what_is_left_to_libyaml(text: str) -> None:
    assert yaml_fast.values(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "# c: d\n\na: {b: [1, -2.5, {c: null}], d: []}\ne:\n  - f\n  - g: 1.2.3-rc.1\n    h: true\n",
        'a: "x: y # z"\n"b: c": d\n# "\nb:\n- {}\n',
        "a: sklearn.Pipeline(A, B), and 3 -> 4 > 2\n",
        "\n".join(" " * n + "a:" for n in range(32)) + "\n",
    ],
)
def test_what_is_not(text: str) -> None:
    assert agrees(text)


def test_most_of_the_corpus_and_of_a_registry_is_read_so() -> None:
    written = [YamlDocuments().dump(yaml_reader.read(text.encode(), "x").value).decode() for text in corpus()]
    assert sum(map(agrees, written)) > len(written) * 3 / 4
    for text in corpus():
        agrees(text)


@pytest.mark.parametrize("fast", [True, False])
def test_the_door_refuses_the_same_with_it_and_without(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(yaml_fast.VARIABLE, "1" if fast else "0")
    assert (yaml_fast._parser() is not None) is fast
    for path in (CORPUS / "invalid" / name for name, of in EXPECTED.items() if of["code"] == "invalid"):
        with pytest.raises(InvalidError):
            YamlDocuments().load(path.read_bytes(), path.name)


def test_the_grammar_is_compiled_where_many_documents_are_read_only() -> None:
    code = (
        "import sys\nfrom modelreg.adapters import yaml_fast, yaml_reader\n"
        "for _ in range(yaml_fast.WORTH): yaml_reader.read(b'a: 1\\n', 'x')\n"
        "assert 'yaml12' not in sys.modules\nyaml_reader.read(b'a: 1\\n', 'x')\nassert 'yaml12' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_text_that_it_is_given_can_have_too_many_events() -> None:
    assert yaml_fast._MAX_LENGTH < yaml_text.MAX_EVENTS // 2


@given(st.text('ab:-[]{},"# \n10.', max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text(text: str) -> None:
    agrees(text)
