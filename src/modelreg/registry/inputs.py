"""Files that a user hands over: metrics, parameters, data sets. Errors name file, line and field."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelreg.domain.document import Document
from modelreg.errors import InvalidError, NotFoundError
from modelreg.registry.ports import Documents
from modelreg.registry.register import parse_metrics

_HALVES = re.compile(rb"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
DATASET_ROLES = ("train", "validation", "test", "reference", "other")


def read_metrics(
    documents: Documents,
    path: Path,
    *,
    dataset: str | Mapping[str, str] | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Metrics from JSON or YAML, as the manifest writes them; `dataset` and `split` where the file names none.

    `dataset` is a name in lineage.data, or {name, sha256}.

    Raises InvalidError for an empty file and for what is no finite number, NotFoundError for a missing file.
    """
    document = _read(documents, path, "metrics")
    try:
        metrics = parse_metrics(document.value)
    except InvalidError as error:
        raise _placed(error, document) from error
    if not metrics:
        raise InvalidError("holds no metrics", file=str(path), line=1, hint='write {"accuracy": 0.91}')
    for entry in metrics.values():
        if dataset is not None:
            entry.setdefault("dataset", dataset if isinstance(dataset, str) else dict(dataset))
        if split is not None:
            entry.setdefault("split", split)
    return metrics


def read_params(documents: Documents, path: Path) -> dict[str, Any]:
    """Parameters from YAML or JSON: any mapping. Raises InvalidError, NotFoundError."""
    return dict(_read(documents, path, "parameters").value)


def read_mapping(documents: Documents, path: Path, what: str) -> Document:
    """Any mapping from YAML or JSON, with where its values stand. Raises InvalidError, NotFoundError."""
    return _read(documents, path, what)


def file_sha256(path: Path, what: str) -> str:
    """The digest of a user's file, read in pieces. Raises NotFoundError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        hint = "is the path right? it counts from the current folder"
        raise NotFoundError(f"{what} cannot be read: {error.strerror}", file=str(path), hint=hint) from None


def parse_pairs(pairs: list[str], option: str, example: str = "team=growth") -> dict[str, str]:
    """`key=value` options. Raises InvalidError for anything else."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InvalidError(f"{pair[:60]!a} is not KEY=VALUE", hint=f"as in {option} {example}")
        found[key] = value
    return found


def parse_seeds(texts: list[str]) -> dict[str, int]:
    """`LIBRARY=N` options: whole numbers. Raises InvalidError for anything else."""
    found: dict[str, int] = {}
    for name, value in parse_pairs(texts, "--seed", "python=7").items():
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise InvalidError(f"the seed {value[:60]!a} is no whole number", hint="--seed python=7")
        found[name] = int(value)
    return found


def parse_feature(text: str) -> dict[str, Any]:
    """`NAME[=COLUMN,…][: how]` as lineage.features has it. Raises InvalidError where there is no name."""
    made, _, how = text.partition(":")
    name, equals, columns = (part.strip() for part in made.partition("="))
    if not name:
        hint = '--feature "tenure_months=signup_date: whole months until the snapshot"'
        raise InvalidError(f"{text[:60]!a} names no feature", hint=hint)
    entry: dict[str, Any] = {"name": name}
    if equals and (parts := [column.strip() for column in columns.split(",") if column.strip()]):
        entry["from"] = parts
    if how.strip():
        entry["transformation"] = how.strip()
    return entry


def parse_data(text: str) -> tuple[str | None, Path, str]:
    """`[NAME=]PATH[:ROLE]` as (name, path, role): None where no name is given; the role is train unless it says so."""
    name, equals, rest = text.partition("=")
    rest = rest if equals else text
    path, colon, role = rest.rpartition(":")
    if not colon or role not in DATASET_ROLES:
        path, role = rest, "train"
    return (name if equals and name else None), Path(path), role


def _read(documents: Documents, path: Path, what: str) -> Document:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no {what} file {path}",
            file=str(path),
            hint="is the path right? it counts from the current folder",
        ) from None
    except OSError as error:
        raise NotFoundError(f"cannot be read: {error.strerror}", file=str(path), hint="may you read it?") from None
    if not data.strip():
        raise InvalidError(f"is empty, and should hold {what}", file=str(path), line=1, hint='write {"name": value}')
    # As Windows writes files: these are read here, and what is kept of them is written anew.
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")
    if path.suffix.lower() == ".json":
        # JSON is YAML but for tabs between tokens, which YAML refuses (inside strings JSON allows none), and for
        # characters beyond U+FFFF, which it escapes in two halves (RFC 8259, section 7).
        data = _HALVES.sub(_whole, data.replace(b"\t", b" "))
    document = documents.load(data, str(path))
    if not isinstance(document.value, Mapping):
        raise InvalidError(f"must be a mapping of {what}", file=str(path), line=1, hint='write {"name": value}')
    return document


def _whole(halves: re.Match[bytes]) -> bytes:
    character = b"".join(bytes.fromhex(half.decode()) for half in halves.groups()[1:]).decode("utf-16-be")
    return halves[1] + b"\\U%08X" % ord(character)


def _placed(error: InvalidError, document: Document) -> InvalidError:
    """The error with file and line, found by the last name of its field."""
    field = (error.field or "").removeprefix("metrics.")
    paths = [p for p in document.marks if "_".join(str(part) for part in p) == field]
    mark = document.mark(paths[0]) if paths else None
    return InvalidError(
        error.message,
        hint=error.hint,
        file=document.file,
        line=mark.line if mark else 1,
        field=field or None,
    )
