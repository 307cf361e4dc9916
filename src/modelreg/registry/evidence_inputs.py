"""What options of `evidence add` say, as the fields of a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.domain.clock import seconds
from modelreg.domain.metric import number
from modelreg.domain.names import is_metric
from modelreg.domain.version import Version
from modelreg.errors import ModelregError, UsageError
from modelreg.registry import inputs
from modelreg.registry.evidence import Content
from modelreg.registry.ports import Documents

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """`--metrics` and what they were measured on."""

    metrics: Path
    dataset: str | None = None
    dataset_file: Path | None = None
    dataset_sha256: str | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True)
class AbTestOptions:
    """Counts `V:N:SUCCESSES`, or with `kind` means `V:N:MEAN:SD`; times are dates or UTC timestamps."""

    metric: str
    control: str
    treatment: str
    started: str
    ended: str
    kind: str = "proportions"
    planned: int | None = None
    looks: int | None = None


@dataclass(frozen=True, slots=True)
class ComplianceOptions:
    """An attestation; `document` is its address, `document_file` its content, for the digest."""

    attestation: str
    issuer: str
    expires: str | None = None
    document: str | None = None
    document_file: Path | None = None


def from_file(documents: Documents, type_: str, path: Path) -> Content:
    """The type's own fields from YAML or JSON. Raises InvalidError, NotFoundError."""
    document = inputs.read_mapping(documents, path, "evidence")
    return Content(type_, document.value, document)


def evaluation(documents: Documents, options: EvaluationOptions) -> Content:
    """Metrics with their data set: a name in the manifest's lineage, or a name and a digest. Raises UsageError,
    InvalidError, NotFoundError."""
    dataset: str | dict[str, str] | None = options.dataset
    if options.dataset_file is not None and options.dataset_sha256 is not None:
        raise UsageError("--dataset-file and --dataset-sha256 exclude each other", hint="give one of them")
    digest = options.dataset_sha256
    if options.dataset_file is not None:
        digest = inputs.file_sha256(options.dataset_file, "the data set")
    if digest is not None:
        if not _SHA256.fullmatch(digest):
            raise UsageError(
                f"{digest[:70]!a} is no SHA-256", hint="64 lower-case hex digits, as sha256sum prints them"
            )
        name = options.dataset or (options.dataset_file.stem if options.dataset_file else None)
        if name is None:
            raise UsageError("--dataset-sha256 needs --dataset NAME", hint="--dataset holdout-2026-11")
        dataset = {"name": name, "sha256": digest}
    return Content(
        "evaluation",
        {"metrics": inputs.read_metrics(documents, options.metrics, dataset=dataset, split=options.split)},
    )


def ab_test(options: AbTestOptions) -> Content:
    """Both arms of an A/B test. Raises UsageError."""
    if options.kind not in ("proportions", "means"):
        raise UsageError(f"--kind {options.kind[:40]!a} is not known", hint="use proportions or means")
    if not is_metric(options.metric):
        raise UsageError(f"{options.metric[:60]!a} is not a metric name", hint="use a-z, 0-9 and _, first a letter")
    design: dict[str, Any] = {"kind": options.kind}
    if options.planned is not None:
        design["planned_per_arm"] = options.planned
    if options.looks is not None:
        design["looks"] = options.looks
    started, ended = timestamp(options.started, "--started"), timestamp(options.ended, "--ended")
    if ended < started:
        raise UsageError(
            f"the test ended ({ended}) before it started ({started})", hint="exchange --started and --ended"
        )
    arms = {
        "control": _arm(options.control, "--control", options.kind),
        "treatment": _arm(options.treatment, "--treatment", options.kind),
    }
    if arms["control"]["version"] == arms["treatment"]["version"]:
        raise UsageError("both arms are the same version", hint="--control names the version to compare with")
    fields = {"metric": options.metric, "design": design, "arms": arms, "started": started, "ended": ended}
    return Content("ab-test", fields)


def compliance(options: ComplianceOptions) -> Content:
    """A named attestation, until the end of the day where `expires` is a date. Raises UsageError, NotFoundError."""
    fields: dict[str, Any] = {"attestation": options.attestation, "issuer": options.issuer}
    if options.expires is not None:
        fields["expires"] = timestamp(options.expires, "--expires", time="23:59:59")
    if options.document_file is not None and options.document is None:
        raise UsageError("--document-file needs --document URI", hint="--document https://wiki.example.org/reviews/17")
    if options.document is not None:
        fields["document"] = {"uri": options.document}
        if options.document_file is not None:
            fields["document"]["sha256"] = inputs.file_sha256(options.document_file, "the document")
    return Content("compliance", fields)


def timestamp(text: str, option: str, time: str = "00:00:00") -> str:
    """A UTC timestamp; a date alone is taken at `time`. Raises UsageError for what is none."""
    full = f"{text}T{time}Z" if _DATE.fullmatch(text) else text
    if seconds(full) is None:
        raise UsageError(f"{option} {text[:40]!a} is no time", hint="write 2026-11-24 or 2026-11-24T12:30:00Z (UTC)")
    return full


def _arm(text: str, option: str, kind: str) -> dict[str, Any]:
    parts = text.split(":")
    shape = "V:N:SUCCESSES" if kind == "proportions" else "V:N:MEAN:SD"
    example = "1.2.0:10000:812" if kind == "proportions" else "1.2.0:10000:3.14:0.9"
    wrong = UsageError(f"{option} {text[:60]!a} is not {shape}", hint=f"{option} {example}")
    if len(parts) != (3 if kind == "proportions" else 4):
        raise wrong
    try:
        version, n = str(Version.parse(parts[0])), _count(parts[1])
        if kind == "means":
            mean, sd = number(float(parts[2])), number(float(parts[3]))
            if mean is None or sd is None or sd < 0 or n < 1:
                raise wrong
            return {"version": version, "n": n, "mean": mean, "sd": sd}
        successes = _count(parts[2])
    except (ValueError, ModelregError):
        raise wrong from None
    if n < 1 or successes > n:
        raise UsageError(f"{option}: {successes} of {n} cannot have succeeded", hint=f"{option} {example}")
    return {"version": version, "n": n, "successes": successes}


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)
