"""Dossiers for the exports: one with everything in it, and one in which every text is a stranger's."""

from __future__ import annotations

from typing import Any

from modelreg.domain.dossier import Dossier
from modelreg.domain.evidence import Evidence
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import Alias, Stage

REGISTRY = "fe462f377e9ae68046c46f666401b1a6"
COMMIT = "c" * 40


def artifact(path: str, sha256: str, **more: Any) -> dict[str, Any]:
    body = {"path": path, "role": "model", "format": "skops", "size_bytes": 10, "sha256": sha256 * 64, "md5": "b" * 32}
    return body | more


def full_body() -> dict[str, Any]:
    """A manifest with all of its parts."""
    return {
        "format": 1,
        "model": "churn",
        "version": "1.3.0",
        "created": "2026-11-24T12:30:00Z",
        "author": {"name": "Ada Lovelace", "email": "ada@example.com"},
        "bump": {"kind": "minor", "from": "1.2.0", "reasons": ["data changed"]},
        "framework": {"name": "scikit-learn", "version": "1.9.1"},
        "architecture": "sklearn.ensemble.RandomForestClassifier",
        "artifacts": [
            artifact("model.skops", "1"),
            artifact("notes", "2", role="other", format="folder", listing={"path": "notes.sha256", "sha256": "2" * 64}),
        ],
        "signature": {
            "inputs": [{"name": "plan", "type": "string", "shape": [-1], "nullable": True}],
            "outputs": [{"name": "churned", "type": "int64"}],
            "parameters": [{"name": "threshold", "type": "float64", "default": 0.5}],
        },
        "params": {"depth": 3, "nested": {"list": [1, None]}, "none": None},
        "metrics": {
            "f1": {
                "value": 0.9,
                "direction": "higher",
                "dataset": "customers",
                "split": "test",
                "n": 600,
                "interval": {"low": 0.88, "high": 0.92, "level": 0.95},
            },
            "recall": {"value": 1e-05, "direction": "higher", "dataset": "customers", "split": "test", "slice": "region=EU"},
            "loss": {"value": 2, "direction": "lower", "dataset": {"name": "held out", "sha256": "9" * 64}},
            "latency": {"value": 3.5, "direction": "lower", "unit": "ms"},
        },
        "feature_importance": {"method": "impurity", "values": {"plan": 0.75}},
        "benchmarks": [{"name": "predict", "batch_size": 32, "latency_p50_ms": 1.5, "hardware": "4 cores"}],
        "lineage": {
            "code": {
                "repository": "https://github.com/example/churn.git",
                "commit": "a" * 40,
                "tree": "e" * 40,
                "branch": "main",
                "dirty": True,
                "diff_sha256": "d" * 64,
                "entry_point": "train.py",
            },
            "data": [
                {"name": "customers", "role": "train", "path": "c.csv", "size_bytes": 10, "sha256": "3" * 64, "md5": "4" * 32, "rows": 5, "columns": 2},
                {"name": "images", "role": "train", "md5": "5" * 32 + ".dir", "files": 2, "version": "7"},
            ],
            "environment": {
                "python": "3.11.7",
                "platform": "linux-x86_64",
                "hardware": {"cpu_count": 2, "memory_bytes": 1, "gpu": None},
                "lock": {"path": "requirements.lock", "sha256": "6" * 64},
                "packages": {"scikit-learn": "1.9.1", "Foo_Bar": "2.0+cpu"},
            },
            "parents": [
                {"model": "base", "version": "2.0.0", "relation": "fine-tuned"},
                {"model": "gone", "version": "1.0.0", "relation": "fine-tuned"},
            ],
            "pipeline": {"file": "dvc.yaml", "stage": "train", "command": "python train.py", "seeds": {"python": 7}},
            "run": {"tracker": "mlflow", "id": "abc123", "url": None},
        },
        "tags": {"team": "growth"},
    }  # fmt: skip


def dossier(body: dict[str, Any] | None = None, **changes: Any) -> Dossier:
    parent = Manifest.from_mapping(
        {"model": "base", "version": "2.0.0", "artifacts": [artifact("model.skops", "7")], "metrics": {}}
    )
    facts: dict[str, Any] = {
        "registry": REGISTRY,
        "commit": COMMIT,
        "manifest": Manifest.from_mapping(body or full_body()),
        "manifest_sha256": "8" * 64,
        "about": {
            "name": "churn",
            "task": "classification",
            "description": "Who leaves?",
            "tags": {"license": "Apache-2.0", "team": "sales"},
        },
        "stage": Stage("production"),
        "aliases": (Alias("champion"),),
        "annotations": {"description": "boosting\non more customers", "tags": {"seen": "yes"}},
        "withdrawn": None,
        "evidence": (
            Evidence(
                "approval-1.yaml",
                {"type": "approval", "by": "bo@example.org", "from": "staging", "to": "production", "at": "2026-11-24T13:00:00Z"},
                True,
                "bo@example.org",
            ),
            Evidence("scan-1.yaml", {"type": "scan", "by": "ci@example.org", "at": "2026-11-24T13:00:00Z"}, True),
        ),
        "parents": {"base@2.0.0": parent},
    }  # fmt: skip
    return Dossier(**facts | changes)


def hostile(text: str) -> Dossier:
    """As the schemas allow it: every free text is `text`."""
    body = full_body()
    body |= {
        "author": {"name": text, "email": text},
        "bump": {"kind": "explicit", "reasons": [text]},
        "framework": {"name": text, "version": text},
        "architecture": text,
        "params": {text: text},
        "signature": {"inputs": [{"name": text, "type": text}], "outputs": [{"name": text, "type": text}]},
        "metrics": {
            "f1": {"value": 0.5, "direction": "higher", "dataset": text, "split": text, "slice": text, "unit": text, "source_name": text}
        },
        "feature_importance": {"method": text, "values": {text: 1.0}},
        "benchmarks": [{"name": text, "hardware": text}],
        "tags": {text[:64]: text},
        "lineage": {
            "code": {"repository": text, "commit": "a" * 40, "branch": text, "entry_point": text, "dirty_files": [text]},
            "data": [{"name": text, "role": text, "source": text, "path": text, "version": text}] * 2,
            "environment": {"python": text, "platform": text, "packages": {text: text}, "lock": {"path": text, "sha256": "6" * 64}},
            "parents": [{"model": "base", "version": "2.0.0", "relation": text}],
            "pipeline": {"file": text, "stage": text, "command": text, "seeds": {text: 1}, "outputs": {text: text}},
            "run": {"tracker": text, "id": text, "url": text},
        },
    }  # fmt: skip
    statement = {"type": "compliance", "attestation": text, "by": text, "at": "2026-11-24T13:00:00Z"}
    return dossier(
        body,
        about={"task": "other", "display_name": text, "description": text, "owners": [text], "tags": {"license": text}},
        annotations={"description": f"{text}\n{text}", "tags": {text[:64]: text}},
        withdrawn=text,
        stage=None,
        evidence=(Evidence("compliance-1.yaml", statement, True),),
    )
