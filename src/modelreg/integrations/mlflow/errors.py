"""modelreg's errors as MLflow's clients know them: an MlflowException with one of MLflow's error codes.

What MLflow itself answers (not found, exists already, a bad value) has MLflow's code and words, see the other modules;
here is what only a registry in git can say. A refusal of the policy is PERMISSION_DENIED: the request is well formed
and may be allowed another day, so it is no INVALID_PARAMETER_VALUE, and MLflow's REST client does not repeat it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    DATA_LOSS,
    INVALID_PARAMETER_VALUE,
    INVALID_STATE,
    PERMISSION_DENIED,
    RESOURCE_CONFLICT,
    RESOURCE_DOES_NOT_EXIST,
)

from modelreg.errors import (
    ConflictError,
    DeniedError,
    GateDeniedError,
    IntegrityError,
    InvalidError,
    ModelregError,
    NotARegistryError,
    NotFoundError,
    UnavailableError,
    UsageError,
)

_CODES: tuple[tuple[type[ModelregError], int], ...] = (
    (DeniedError, PERMISSION_DENIED),
    (NotFoundError, RESOURCE_DOES_NOT_EXIST),
    (InvalidError, INVALID_PARAMETER_VALUE),
    (UsageError, INVALID_PARAMETER_VALUE),
    (IntegrityError, DATA_LOSS),
    (ConflictError, RESOURCE_CONFLICT),
    (UnavailableError, INVALID_STATE),
)
_ADDRESS = "write modelreg:///path/to/repository; modelreg init --registry /path/to/repository makes a registry in one"
"""In place of the command line's hint: MLflow's users have a URI, and no options."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns whatever modelreg raises inside into an MlflowException."""
    try:
        yield
    except ModelregError as error:
        raise exception(error) from error


def exception(error: ModelregError) -> MlflowException:
    """Message, place and hint, and of a gate every failed check; a bug stays an INTERNAL_ERROR."""
    lines = [str(error)]
    if isinstance(error, GateDeniedError):
        lines += [f"- {text}" for text in _failures(error)]
    hint = _ADDRESS if isinstance(error, NotARegistryError) else error.hint
    if hint:
        lines.append(f"({hint})")
    text = "\n".join(lines)
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    return MlflowException(text) if code is None else MlflowException(text, error_code=code)


def _failures(error: GateDeniedError) -> Iterator[str]:
    for check in error.report.get("verdicts") or ():
        if not check["passed"]:
            yield f"{check['check']}: expected {check['expected']}, found {check['actual']}"


def missing_model(name: str) -> MlflowException:
    """In SqlAlchemyStore's words, which MLflow's clients look for."""
    return MlflowException(f"Registered Model with name={name} not found", RESOURCE_DOES_NOT_EXIST)


def missing_version(name: str, version: object) -> MlflowException:
    return MlflowException(f"Model Version (name={name}, version={version}) not found", RESOURCE_DOES_NOT_EXIST)
