"""The front matter of a model card, as the Hugging Face Hub reads it.

Formats: https://github.com/huggingface/hub-docs/blob/main/modelcard.md (fields and `model-index`), and
https://huggingface.co/docs/hub/model-cards. Texts are one line each, so that none can end the front matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelreg.domain.dossier import Dossier
from modelreg.domain.reports.harmless import one_line

_LIBRARIES = {"scikit-learn": "sklearn", "torch": "pytorch"}
"""Where the Hub calls a library otherwise than its distribution."""
_TABULAR = frozenset(("scikit-learn", "xgboost", "lightgbm", "catboost"))
_PIPELINES = {"classification": "tabular-classification", "regression": "tabular-regression"}
_RELATIONS = {
    "fine-tuned": "finetune",
    "finetuned": "finetune",
    "finetune": "finetune",
    "adapter": "adapter",
    "merge": "merge",
    "merged": "merge",
    "quantized": "quantized",
}
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
UNNAMED = "not recorded"
"""Stands for a data set that the manifest does not name; the Hub wants one."""


def front_matter(dossier: Dossier) -> dict[str, Any]:
    """Plain values; what is not known is left out."""
    manifest = dossier.manifest
    parents = dossier.lineage("parents")
    found = {
        "library_name": _library(manifest.body.get("framework") or {}),
        **_license(dossier.license),
        "pipeline_tag": _pipeline(dossier),
        "tags": ["modelreg", dossier.task, *(one_line(f"{key}:{value}") for key, value in dossier.tags.items())],
        "datasets": list(dict.fromkeys(one_line(entry["name"]) for entry in dossier.lineage("data"))),
        "metrics": list(manifest.metrics),
        "base_model": [f"{entry['model']}@{entry['version']}" for entry in parents],
        "base_model_relation": _relation([str(entry.get("relation")) for entry in parents]),
        "model-index": [{"name": dossier.name, "results": list(_results(dossier))}] if manifest.metrics else None,
    }
    return {key: value for key, value in found.items() if value}


def _library(framework: Mapping[str, Any]) -> str | None:
    name = one_line(framework.get("name") or "")
    return _LIBRARIES.get(name, name) or None


def _license(name: str | None) -> dict[str, str]:
    """The Hub's names are SPDX's in lower case; what is none of that kind is `other`, with its name."""
    if not name:
        return {}
    if _LICENSE.fullmatch(name.lower()):
        return {"license": name.lower()}
    return {"license": "other", "license_name": one_line(name)}


def _pipeline(dossier: Dossier) -> str | None:
    """Only where the library says that it is about tables: a classifier may be of pictures."""
    framework = dossier.manifest.body.get("framework") or {}
    return _PIPELINES.get(dossier.task) if framework.get("name") in _TABULAR else None


def _relation(relations: list[str]) -> str | None:
    """One word for all parents, as the Hub has it."""
    known = {_RELATIONS.get(relation) for relation in relations}
    return next(iter(known)) if len(known) == 1 else None


def _results(dossier: Dossier) -> Iterator[dict[str, Any]]:
    """An entry for each data set, split and slice, in the manifest's order."""
    digests = {entry["name"]: entry.get("sha256") for entry in dossier.lineage("data")}
    task = _pipeline(dossier) or dossier.task
    groups: dict[tuple[str, str | None, str | None, str | None], list[dict[str, Any]]] = {}
    for name, metric in dossier.manifest.metrics.items():
        entry = dossier.manifest.body["metrics"][name]
        dataset = entry.get("dataset")
        if isinstance(dataset, Mapping):
            called, digest = dataset.get("name"), dataset.get("sha256")
        else:
            called, digest = dataset, digests.get(dataset)
        place = (one_line(called or "") or UNNAMED, digest, entry.get("split"), entry.get("slice"))
        told = {"type": name, "value": metric.value, "name": one_line(entry.get("source_name") or name)}
        groups.setdefault(place, []).append(told)
    for (called, digest, split, part), metrics in groups.items():
        dataset = {
            "type": called,
            "name": called,
            "split": one_line(split) if split else None,
            "revision": digest,
            "args": {"slice": one_line(part)} if part else None,
        }
        yield {
            "task": {"type": task},
            "dataset": {key: value for key, value in dataset.items() if value},
            "metrics": metrics,
        }
