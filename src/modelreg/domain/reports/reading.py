"""A report back from its JSON, as a stranger may have written it: nothing is believed but the shape that is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from modelreg.domain.finding import Finding
from modelreg.domain.gate_report import ChangeKind, GateReport, JudgedChange
from modelreg.domain.verdict import Verdict
from modelreg.errors import InvalidError

T = TypeVar("T")
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
MOST = 10_000
"""Changes, checks or findings in a list; more is no report of a pull request."""


def read_report(value: Any) -> GateReport:
    """The report of `gate --json`. Raises InvalidError for any other shape.

    `allowed` is not read: it follows from the checks.
    """
    body = _mapping(value, "the report")
    return GateReport(
        base=_text(body, "base"),
        head=_text(body, "head"),
        changes=_each(body, "changes", _change),
        findings=_each(body, "findings", _finding),
    )


def _change(body: Mapping[str, Any]) -> JudgedChange:
    kind = next((known for known in KINDS if known == body.get("kind")), None)
    if kind is None:
        raise InvalidError("is not a kind of change", field="changes.kind")
    number = body.get("transition")
    return JudgedChange(
        kind=kind,
        file=_text(body, "file"),
        verdicts=_each(body, "checks", _verdict),
        model=_maybe(body, "model"),
        version=_maybe(body, "version"),
        from_=_maybe(body, "from"),
        to=_maybe(body, "to"),
        by=_maybe(body, "by"),
        transition=number if type(number) is int else None,
    )


def _verdict(body: Mapping[str, Any]) -> Verdict:
    # Only `true` is a yes: a text "false" must not read as passed.
    return Verdict(
        check=_text(body, "check"),
        passed=body.get("passed") is True,
        expected=_text(body, "expected"),
        actual=_text(body, "actual"),
        reason=_maybe(body, "reason") or "",
        judged=body.get("judged") is not False,
    )


def _finding(body: Mapping[str, Any]) -> Finding:
    line, column = body.get("line"), body.get("column")
    return Finding(
        file=_text(body, "file"),
        code=_text(body, "code"),
        message=_text(body, "message"),
        line=line if type(line) is int and line > 0 else None,
        column=column if type(column) is int and column > 0 else None,
        field=_maybe(body, "field"),
        severity="warning" if body.get("severity") == "warning" else "error",
        hint=_maybe(body, "hint"),
    )


def _each(body: Mapping[str, Any], key: str, read: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    items = body.get(key)
    if not isinstance(items, list) or len(items) > MOST:
        raise InvalidError(f"must be a list of at most {MOST}", field=key)
    return tuple(read(_mapping(item, key)) for item in items)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidError("must be a mapping", field=what)
    return value


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise InvalidError("must be text", field=key)
    return value


def _maybe(body: Mapping[str, Any], key: str) -> str | None:
    return None if body.get(key) is None else _text(body, key)
