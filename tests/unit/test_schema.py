"""The schema door: the shipped schemas, the corpus, and the words of its findings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from modelreg.adapters import schema
from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.document import Document
from modelreg.domain.finding import Finding

CORPUS = Path(__file__).parents[1] / "corpus"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CORPUS / "invalid" / "expected.json").read_text())
DOCS = YamlDocuments()
SCHEMAS = [(name, False) for name in schema.schema_names()] + [(name, True) for name in schema.output_names()]


def check(text: str, kind: str) -> list[Finding]:
    return list(DOCS.check(DOCS.load(text.encode(), f"{kind}.yaml"), kind))


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def test_names() -> None:
    assert schema.schema_names() == [
        "annotations", "approval", "evidence", "manifest", "model", "policy", "registry", "stages", "transition", "withdrawn",
    ]  # fmt: skip
    files = (Path(__file__).parents[2] / "schemas" / "output").glob("*.v1.json")
    assert schema.output_names() == sorted(file.name.removesuffix(".v1.json") for file in files)
    with pytest.raises(KeyError):
        schema.schema_text("../registry")


@pytest.mark.parametrize(("name", "output"), SCHEMAS)
def test_schemas_are_sound_and_stand_alone(name: str, output: bool) -> None:
    body = json.loads(schema.schema_text(name, output=output))
    Draft202012Validator.check_schema(body)
    assert body["$id"] == f"https://modelreg.dev/schemas/{'output/' if output else ''}{name}.v1.json"
    assert body["title"]
    for node in nodes(body):
        reference = node.get("$ref", "#")
        assert not isinstance(reference, str) or reference.startswith("#")
        assert "format" not in node or isinstance(node["format"], dict)  # the keyword is not relied on
        for key, field in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            named = not {"if", "then", "else"} & set(node) and ("const" in field or "type" in field)
            assert "description" in field or "$ref" in field or not named or key in ("kind", "type"), key
        if isinstance(node.get("pattern"), str):
            assert node["pattern"].startswith("^")
            assert node["pattern"].endswith("$")
            assert not re.search(r"[+*]\)[+*]", node["pattern"])  # no repetition of a repetition


@pytest.mark.parametrize("path", sorted((CORPUS / "valid").glob("*.yaml")), ids=lambda p: p.name)
def test_valid_corpus(path: Path) -> None:
    kind = path.name.partition("--")[0]
    document = DOCS.load(path.read_bytes(), path.name)
    assert list(DOCS.check(document, kind)) == []
    again = DOCS.dump(document.value)
    assert DOCS.load(again, path.name).value == document.value
    assert DOCS.dump(DOCS.load(again, path.name).value) == again


@pytest.mark.parametrize("name", [n for n, e in sorted(EXPECTED.items()) if e["code"] != "invalid"])
def test_corpus_of_what_the_schemas_refuse(name: str) -> None:
    document = DOCS.load((CORPUS / "invalid" / name).read_bytes(), name)
    findings = DOCS.check(document, name.split("--", maxsplit=1)[0])
    expected = EXPECTED[name]
    assert (expected["code"], expected["line"]) in {(f.code, f.line) for f in findings}
    assert {f.file for f in findings} == {name}
    assert all(len(f.message) < 350 and f.message.isprintable() for f in findings)
    assert [(f.line, f.column) for f in findings] == sorted((f.line, f.column) for f in findings)


def test_the_corpus_is_complete() -> None:
    assert {path.name for path in (CORPUS / "invalid").glob("*.yaml")} == set(EXPECTED)
    assert len(EXPECTED) >= 100


@pytest.mark.parametrize(
    ("text", "kind", "message", "hint", "place"),
    [
        ("format: 1\n", "model", "`name` is missing", "a model's name", (1, 1, "name")),
        ("format: 1\ntag: {}\n", "annotations", "`tag` is not a known key", "did you mean `tags`?", (2, 1, "tag")),
        ("format: 1\ntags: {a: 1}\n", "annotations", "must be text, not the number `1`", "double quotes", (2, 8, "tags.a")),
        ("format: 2\nx: 1\n", "annotations", "of a newer format", "upgrade modelreg", (1, 1, "format")),
        ("format: 0\n", "annotations", "must be `1`, not `0`", None, (1, 1, "format")),
        ("format: true\n", "annotations", "must be a whole number, not true", None, (1, 1, "format")),
        ("format: 1\nproduction: 1.3\n", "stages", "does not fit: the version that holds", "double quotes", (2, 1, "production")),
        ("format: 1\nproduction: v1.3.0\n", "stages", "`v1.3.0` does not fit: a semantic version", None, (2, 1, "production")),
        ("format: 1\nproduction: [1.0.0, 1.0]\n", "stages", "must be text, not the number `1.0`", "quotes", (2, 21, "production[1]")),
        ("format: 1\nProd: 1.0.0\n", "stages", "`Prod` cannot be used here", None, (2, 1, "Prod")),
        ("format: 1\nname: m\ntask: clasification\n", "model", "must be one of classification", "did you mean `classification`?", (3, 1, "task")),
    ],
)  # fmt: skip
def test_findings_in_words(text: str, kind: str, message: str, hint: str | None, place: tuple[int, int, str]) -> None:
    finding = next(f for f in check(text, kind) if (f.line, f.column, f.field) == place)
    assert message in finding.message
    assert finding.hint == hint if hint is None else hint in (finding.hint or "")


def test_a_newer_format_is_the_only_finding() -> None:
    assert [f.code for f in check("format: 7\nwhat: ever\n", "manifest")] == ["newer-format"]


def test_a_stranger_s_text_is_shortened_and_harmless() -> None:
    findings = check(f'format: 1\nname: "{"x" * 5000}\\e[31m"\ntask: "\\e[31m\\n"\n', "model")
    assert all(len(f.message) < 250 and f.message.isprintable() for f in findings)
    assert len(findings) == 2


def test_findings_are_bounded() -> None:
    keys = "".join(f"Key{n}: 1.0.0\n" for n in range(1000))
    assert len(check(f"format: 1\n{keys}", "stages")) == schema.MAX_FINDINGS


def test_nothing_is_fetched() -> None:
    assert check("format: 1\n$schema: http://127.0.0.1:1/x\n$ref: http://127.0.0.1:1/y\n", "annotations")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage-get", {"model": "m", "stage": "production", "versions": ["1.0.0"]}),
        ("stage-list", {"model": "m", "stages": {"production": ["1.0.0"]}, "aliases": {"champion": "1.0.0"}}),
        ("validate", {"ok": False, "files": 1, "findings": [Finding("x", "schema", "bad").to_mapping()], "more": 1}),
        ("register", {"model": "m", "version": "1.0.0", "bump": None, "reasons": [], "commit": None}),
        ("withdraw", {"model": "m", "version": "1.0.0", "commit": "a" * 40}),
        ("announce", {"created": ["m@v1.0.0"], "existing": 3, "commit": None}),
        (
            "stage-set",
            {
                "model": "m", "version": "1.0.0", "from": "staging", "to": "production", "transition": 1, "commit": "a" * 64,
                "displaced": ["0.9.0"],
                "report": {"allowed": True, "verdicts": [{"check": "x", "passed": True, "judged": True, "expected": "", "actual": "", "reason": ""}]},
            },
        ),
    ],
)  # fmt: skip
def test_outputs(name: str, value: dict[str, Any]) -> None:
    assert schema.check_output(value, name) == []
    first = next(iter(value))
    del value[first]
    assert [f.field for f in schema.check_output(value, name)] == [first]


def test_a_document_without_marks_can_be_checked_too() -> None:
    findings = schema.check(Document("x", {"format": 1, "tags": {"a": float("nan")}}), "annotations")
    assert [f.message for f in findings] == ["must be a finite number", "must be text, not the number `NaN`"]
