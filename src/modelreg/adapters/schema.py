"""The schema door: the JSON Schemas (2020-12) that modelreg ships, and what they say in plain words.

No schema is ever fetched, and no keyword of a document's own is obeyed: documents do not choose their schema.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

import referencing
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from modelreg.adapters.schema_files import output_names, schema_names, schema_text
from modelreg.domain.document import Document, Path
from modelreg.domain.finding import Finding

__all__ = ["check", "check_output", "output_names", "quoted", "schema_names", "schema_text"]

FORMAT = 1
MAX_FINDINGS = 100
_QUOTED = 60

_KINDS = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
}
_BOUNDS = {
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be more than {}",
    "maximum": "must be at most {}",
    "exclusiveMaximum": "must be less than {}",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} in its list",
    "maxItems": "must have at most {} in its list",
    "minProperties": "must have at least {} in its mapping",
    "maxProperties": "must have at most {} in its mapping",
}


def check(document: Document, kind: str) -> list[Finding]:
    """What the schema `kind` ("manifest", "policy", …) says against a document, in the order of its lines.

    At most 100 findings. A document of a newer format gets one finding, code "newer-format", and no other.
    """
    value = document.value
    declared = value.get("format") if isinstance(value, Mapping) else None
    if isinstance(declared, int) and not isinstance(declared, bool) and declared > FORMAT:
        message = f"the file is of a newer format ({quoted(declared)}) than this modelreg reads ({FORMAT})"
        return [document.finding(("format",), "newer-format", message, hint="upgrade modelreg")]
    return _findings(document, _validator(kind, output=False))


def check_output(value: Any, name: str) -> list[Finding]:
    """What the schema of a command's `--json` output ("stage-get") says against a value."""
    return _findings(Document(f"output of {name}", value), _validator(name, output=True))


def quoted(value: Any) -> str:
    """A value as a message may show it: one line, at most 60 characters, nothing that a terminal obeys."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=True)[: _QUOTED * 2]
    text = "".join(c if c.isprintable() else "?" for c in text[: _QUOTED * 2])
    return f"`{text if len(text) <= _QUOTED else text[: _QUOTED - 1] + '…'}`"


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """As in ECMA 262, where `$` is the end of the text: Python's would let a last line break pass."""
    if isinstance(instance, str):
        whole = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
        if not re.search(whole, instance):
            yield ValidationError("does not match")


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@cache
def _validator(kind: str, *, output: bool) -> Any:
    schema = json.loads(schema_text(kind, output=output))
    return _Validator(schema, registry=referencing.Registry())


def _findings(document: Document, validator: Any) -> list[Finding]:
    findings = {}
    errors = validator.iter_errors(document.value)
    found = (finding for error in errors for finding in _explain(document, error, validator.schema))
    for finding in islice(_merged(found, _not_finite(document, document.value, ())), MAX_FINDINGS):
        findings[finding.field, finding.message] = finding
    return sorted(findings.values(), key=lambda f: (f.line or 0, f.column or 0, f.field or "", f.message))


def _merged(*streams: Iterator[Finding]) -> Iterator[Finding]:
    for stream in streams:
        yield from stream


def _not_finite(document: Document, value: Any, path: Path) -> Iterator[Finding]:
    if isinstance(value, float) and not math.isfinite(value):
        hint = "leave it out, or write it in double quotes if it is no measurement"
        yield document.finding(path, "schema", "must be a finite number", hint=hint)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_finite(document, item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_finite(document, item, (*path, index))


def _explain(document: Document, error: ValidationError, root: Mapping[str, Any]) -> Iterator[Finding]:
    """An error of jsonschema in our own words, at the place where the reader has to look."""
    path: Path = tuple(error.absolute_path)
    keyword = str(error.validator)
    rule: Any = error.validator_value
    instance: Any = error.instance
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if keyword == "required":
        for name in rule:
            if name not in instance:
                yield document.finding(
                    (*path, name), "schema", f"`{name}` is missing", hint=_description(schema, name, root)
                )
    elif keyword == "additionalProperties" and rule is False:
        known = list(schema.get("properties", ()))
        for name in (name for name in instance if name not in known):
            yield document.finding(
                (*path, name), "schema", f"{quoted(name)} is not a known key", hint=_did_you_mean(name, known)
            )
    elif keyword == "const" and "type" in schema and type(instance) is not type(rule):
        return  # the type is said to be wrong already
    elif keyword in ("anyOf", "oneOf") and (branch := _branch(error)):
        for inner in branch:
            yield from _explain(document, inner, root)
    elif "propertyNames" in error.absolute_schema_path and isinstance(instance, str):
        message = f"{quoted(instance)} cannot be used here: {_words(error, schema)}"
        yield document.finding((*path, instance), "schema", message)
    else:
        message, hint = _sentence(keyword, rule, instance, _words(error, schema))
        yield document.finding(path, "schema", message, hint=hint)


def _sentence(keyword: str, rule: Any, instance: Any, words: str) -> tuple[str, str | None]:
    if keyword == "type":
        return _wrong_type(rule, instance)
    if keyword == "enum":
        choices = [str(choice) for choice in rule]
        message = f"must be one of {', '.join(choices)}, not {quoted(instance)}"
        return message, _did_you_mean(instance, choices)
    if keyword == "const":
        return f"must be {quoted(rule)}, not {quoted(instance)}", None
    if keyword in ("minLength", "minItems", "minProperties") and rule == 1:
        return "must not be empty", None
    if keyword == "uniqueItems":
        return "must not name anything twice", None
    if keyword in _BOUNDS:
        return _BOUNDS[keyword].format(rule), words or None
    if keyword == "None":
        return "must not stand here", words or None
    hint = "write it in double quotes if it is text" if isinstance(instance, int | float) else None
    return f"{quoted(instance)} does not fit: {words}", hint


def _wrong_type(rule: Any, instance: Any) -> tuple[str, str | None]:
    wanted = [rule] if isinstance(rule, str) else list(rule)
    message = f"must be {' or '.join(_KINDS[name] for name in wanted)}, not {_kind(instance)}"
    if "string" in wanted and not isinstance(instance, (dict, list)) and instance is not None:
        return message, "write it in double quotes"
    if isinstance(instance, str) and {"number", "integer", "boolean"} & set(wanted):
        return message, "write it without quotes, with a point for decimals"
    return message, None


def _kind(value: Any) -> str:
    if isinstance(value, (Mapping, list)):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"the text {quoted(value)}" if isinstance(value, str) else f"the number {quoted(value)}"


def _branch(error: ValidationError) -> list[ValidationError] | None:
    """The errors of the one alternative that is meant: whose type fits the value."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    meant = [
        found
        for found in branches.values()
        if not any(inner.validator == "type" and not inner.relative_path for inner in found)
    ]
    return meant[0] if len(meant) == 1 else None


def _words(error: ValidationError, schema: Mapping[str, Any]) -> str:
    return str(schema.get("description") or f"breaks the rule `{error.validator}`").rstrip(".")


def _description(schema: Mapping[str, Any], name: str, root: Mapping[str, Any]) -> str | None:
    found = schema.get("properties", {}).get(name, {})
    if "description" not in found and "$ref" in found:
        found = root["$defs"][found["$ref"].removeprefix("#/$defs/")]
    return str(found["description"]) if "description" in found else None


def _did_you_mean(name: Any, known: list[str]) -> str | None:
    close = difflib.get_close_matches(str(name)[:_QUOTED], known, n=1, cutoff=0.7)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known are: {', '.join(known)}" if 0 < len(known) <= 12 else None
