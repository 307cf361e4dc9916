"""Names of models, stages, aliases and metrics: ASCII, so that confusables and a leading `-` cannot exist.

The patterns are those of `schemas/`; what a pattern cannot say (reserved words, Windows device names) is here.
"""

from __future__ import annotations

import re
from typing import NewType

from modelreg.errors import InvalidError

ModelName = NewType("ModelName", str)
Stage = NewType("Stage", str)
Alias = NewType("Alias", str)

_MODEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_STAGE = re.compile(r"[a-z](?:[a-z0-9_-]{0,29}[a-z0-9])?")
_METRIC = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION_LIKE = re.compile(r"v[0-9]+")

RESERVED_STAGES = frozenset({"latest", "aliases", "format"})
RESERVED_MODELS = frozenset({"approvals"})  # registry/approvals/ holds approvals of changes of the rules
RESERVED_FILES = frozenset({"manifest.yaml", "annotations.yaml", "withdrawn.yaml", "evidence"})
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))})


def parse_model(text: str) -> ModelName:
    """A model's name. Raises InvalidError."""
    if text in RESERVED_MODELS:
        raise InvalidError(f"{_quoted(text)} is no model's name: the registry keeps that folder", hint="take another")
    if not _MODEL.fullmatch(text) or text in DEVICES:
        raise InvalidError(
            f"{_quoted(text)} is not a model name",
            hint="use 1 to 64 of a-z, 0-9, _ and -, beginning and ending with a letter or digit: churn_predictor",
        )
    return ModelName(text)


def parse_stage(text: str) -> Stage:
    """A stage's name. Raises InvalidError."""
    return Stage(_label(text, "a stage"))


def parse_alias(text: str) -> Alias:
    """An alias. Raises InvalidError."""
    return Alias(_label(text, "an alias"))


def is_metric(text: str) -> bool:
    """Whether `text` can name a metric (`primary` stands for the model's primary metric and cannot)."""
    return bool(_METRIC.fullmatch(text)) and text != "primary"


def metric_name(text: str) -> str:
    """Another tool's metric name in our grammar: `F1-Score (test)` → `f1_score_test`. Raises InvalidError."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not is_metric(name):
        raise InvalidError(f"{_quoted(text)} is not a metric name", hint="use a-z, 0-9 and _, first a letter: roc_auc")
    return name


def parse_file(text: str) -> str:
    """The name of an artifact beside its manifest. Raises InvalidError."""
    lower = text.lower()  # a disk that ignores case would put Manifest.yaml over manifest.yaml
    stem = lower.split(".", 1)[0]
    if not _FILE.fullmatch(text) or lower in RESERVED_FILES or stem in DEVICES or lower.endswith((".dvc", ".sig", ".")):
        raise InvalidError(
            f"{_quoted(text)} cannot name an artifact",
            hint="use letters, digits, '.', '_' and '-', and no name of a version's own files (manifest.yaml)",
        )
    return text


def collision_key(name: str) -> str:
    """Names with the same key may not stand side by side: they differ only by case or by `-` and `_`."""
    return name.lower().replace("-", "_")


def printable(value: object, limit: int) -> str:
    """Strangers' text as at most `limit` characters of printable ASCII, on one line; what was cut off ends in `~`."""
    text = str(value)[: limit + 1].encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= limit else f"{text[: limit - 1]}~"


def _label(text: str, what: str) -> str:
    if not _STAGE.fullmatch(text) or _VERSION_LIKE.fullmatch(text) or text in RESERVED_STAGES:
        raise InvalidError(
            f"{_quoted(text)} is not a name for {what}",
            hint="use 1 to 31 of a-z, 0-9, _ and -, first a letter; not latest, aliases, format, or v and digits",
        )
    return text


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")
