"""The whole error tree. Only the command line turns these into text and exit codes.

    ModelregError             a bug unless a subclass says otherwise        70
    ├── InvalidError          a document or an input breaks a rule          1
    ├── DeniedError           a rule says no                                1
    │   └── GateDeniedError   a gate says no, with every verdict            1
    ├── NotFoundError         the model, version, stage or file is absent   1
    ├── UsageError            the call itself makes no sense                2
    ├── IntegrityError        bytes, digests, tags or history disagree      3
    ├── UnavailableError      cannot decide or cannot work here             4
    │   ├── NotARegistryError no repository, or no registry in it
    │   └── IdentityError     git does not know who acts
    └── ConflictError         somebody else was quicker, or dirt is there   5

An error says what is wrong, where (file, line, field) and what to do (hint). Messages never quote more of a
stranger's text than a name, and the renderer escapes that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ModelregError(Exception):
    """Base of every error that modelreg raises on purpose."""

    code: ClassVar[str] = "bug"
    exit_code: ClassVar[int] = 70

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.file = file
        self.line = line
        self.field = field

    @property
    def where(self) -> str:
        """`registry/churn/1.0.0/manifest.yaml:22: metrics.accuracy.value`, as far as it is known; else empty."""
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (place, self.field) if part)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def to_mapping(self) -> dict[str, Any]:
        """The shape that `--json` prints on standard error (schemas/output/error.v1.json)."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "hint": self.hint,
                "file": self.file,
                "line": self.line,
                "field": self.field,
            }
        }


class InvalidError(ModelregError):
    """A document, a name or an input file breaks a rule. Exit code 1."""

    code = "invalid"
    exit_code = 1


class DeniedError(ModelregError):
    """A gate or a rule of the registry says no. Exit code 1."""

    code = "denied"
    exit_code = 1


class GateDeniedError(DeniedError):
    """The gate says no. `report` is its whole answer, as in schemas/output/stage-set.v1.json. Exit code 1."""

    def __init__(self, message: str, report: Mapping[str, Any], *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report

    def to_mapping(self) -> dict[str, Any]:
        return super().to_mapping() | {"report": self.report}


class NotFoundError(ModelregError):
    """The model, version, stage, alias or file that was asked for does not exist. Exit code 1."""

    code = "not-found"
    exit_code = 1


class UsageError(ModelregError):
    """The call itself makes no sense: options that exclude each other, a bad address. Exit code 2."""

    code = "usage"
    exit_code = 2


class IntegrityError(ModelregError):
    """Bytes, digests, signatures, tags or history do not agree with the record. Exit code 3."""

    code = "integrity"
    exit_code = 3


class UnavailableError(ModelregError):
    """Cannot decide, or cannot work here: missing history, artifact, remote or tool. Exit code 4."""

    code = "unavailable"
    exit_code = 4


class NotARegistryError(UnavailableError):
    """There is no git repository here, or no registry in it. Exit code 4."""

    code = "not-a-registry"


class IdentityError(UnavailableError):
    """Git does not know who acts. Exit code 4."""

    code = "identity"


class ConflictError(ModelregError):
    """The branch moved, another process holds the lock, or a touched path is dirty. Exit code 5."""

    code = "conflict"
    exit_code = 5
