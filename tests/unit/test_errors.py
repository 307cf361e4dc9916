from __future__ import annotations

import pytest

from modelreg import errors
from modelreg.errors import GateDeniedError, ModelregError

TABLE = {
    "ModelregError": ("bug", 70),
    "InvalidError": ("invalid", 1),
    "DeniedError": ("denied", 1),
    "GateDeniedError": ("denied", 1),
    "NotFoundError": ("not-found", 1),
    "UsageError": ("usage", 2),
    "IntegrityError": ("integrity", 3),
    "UnavailableError": ("unavailable", 4),
    "NotARegistryError": ("not-a-registry", 4),
    "IdentityError": ("identity", 4),
    "ConflictError": ("conflict", 5),
}


@pytest.mark.parametrize(("name", "expected"), TABLE.items())
def test_code_and_exit_code(name: str, expected: tuple[str, int]) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, ModelregError)
    assert (kind.code, kind.exit_code) == expected


def test_the_table_is_whole() -> None:
    assert {n for n, k in vars(errors).items() if isinstance(k, type) and issubclass(k, ModelregError)} == set(TABLE)


@pytest.mark.parametrize(
    ("file", "line", "field", "where"),
    [
        (None, None, None, ""),
        ("m.yaml", None, None, "m.yaml"),
        ("m.yaml", 22, None, "m.yaml:22"),
        ("m.yaml", None, "metrics.f1", "m.yaml: metrics.f1"),
        ("m.yaml", 22, "metrics.f1", "m.yaml:22: metrics.f1"),
        (None, None, "metrics.f1", "metrics.f1"),
    ],
)
def test_where(file: str | None, line: int | None, field: str | None, where: str) -> None:
    error = ModelregError("is wrong", hint="mend it", file=file, line=line, field=field)
    assert error.where == where
    assert str(error) == (f"{where}: is wrong" if where else "is wrong")
    assert error.to_mapping() == {
        "error": {
            "code": "bug",
            "message": "is wrong",
            "hint": "mend it",
            "file": file,
            "line": line,
            "field": field,
        }
    }


def test_gate_denied_carries_its_report() -> None:
    error = GateDeniedError("no", {"allowed": False, "verdicts": []}, hint="evaluate it")
    assert error.to_mapping()["report"] == {"allowed": False, "verdicts": []}
    assert error.to_mapping()["error"]["hint"] == "evaluate it"
