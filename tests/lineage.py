"""Lineage for tests: manifests as anybody may write them, a registry in memory, a real one in a commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.lineage_graph import Standing, VersionName
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.errors import InvalidError
from tests.support import Repo

DOCUMENTS = YamlDocuments()
Bodies = dict[VersionName, Any]


def name(text: str) -> VersionName:
    model, _, version = text.partition("@")
    return VersionName(ModelName(model), Version.parse(version))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def data(label: str, content: str | None = None, **more: Any) -> dict[str, Any]:
    """A data set whose digest is that of `content`."""
    return {"name": label, "sha256": sha(content or label)} | more


def parent(text: str, relation: str = "fine-tuned") -> dict[str, str]:
    model, _, version = text.partition("@")
    return {"model": model, "version": version, "relation": relation}


def body(*, bump: str | None = None, created: str = "2026-11-24T09:30:00Z", **lineage: Any) -> dict[str, Any]:
    made = {"created": created, "lineage": lineage, "artifacts": []}
    return made | ({"bump": {"kind": "minor", "from": bump}} if bump else {})


def everything(text: str) -> dict[str, Any]:
    """A manifest with `text` wherever a stranger may write what he likes."""
    digests = {"sha256": sha(text), "md5": "b" * 32}
    return {
        "created": "2026-11-24T09:30:00Z",
        "framework": {"name": text, "version": text},
        "architecture": text,
        "artifacts": [{"path": text, "role": text, "format": text, "size_bytes": 3, **digests}],
        "lineage": {
            "code": {"repository": text, "commit": "a" * 40, "branch": text, "dirty": True, "entry_point": text},
            "data": [
                {"name": text, "role": text, "path": text, "source": text, "version": text, "rows": 3, "columns": 1}
                | {"format": text, "schema": [{"name": text, "type": text}], **digests}
            ],
            "features": [{"name": text, "from": [text], "transformation": text, "code": text}],
            "environment": {"python": text, "platform": text, "container": text, "lock": {"path": text, **digests}},
            "pipeline": {"file": text, "stage": text, "command": text, "folder": text},
            "run": {"tracker": text, "id": text, "url": text},
            "parents": [parent("base@1.0.0", text), {"model": text, "version": text, "relation": text}],
        },
    }


class InMemory:
    """A registry that holds these bodies; None for one that cannot be read. Versions of `serving` are in production."""

    def __init__(self, bodies: Mapping[str, Any], serving: Sequence[str] = ()) -> None:
        self.bodies: Bodies = {name(text): value for text, value in bodies.items()}
        self.serving = frozenset(map(name, serving))
        self._numbers: dict[ModelName, list[Version]] = {}

    def body(self, wanted: VersionName) -> Mapping[str, Any] | None:
        if wanted in self.bodies and self.bodies[wanted] is None:
            raise InvalidError("is no YAML")
        found: Mapping[str, Any] | None = self.bodies.get(wanted)
        return found

    def numbers(self, model: ModelName) -> Sequence[Version]:
        if model not in self._numbers:
            self._numbers[model] = sorted(each.version for each in self.bodies if each.model == model)
        return self._numbers[model]

    def standing(self, wanted: VersionName) -> Standing:
        if wanted in self.serving:
            return Standing("production", "2026-11-25T10:00:00Z", ("champion",), True)
        return Standing("development")


def registry(folder: Path, bodies: Mapping[str, Any], stages: Mapping[str, str] | None = None) -> Repo:
    """A real repository with a policy and these manifests; `stages` are whole stages.yaml files by model."""
    files = {"registry/registry.yaml": _REGISTRY, "registry/policy.yaml": _POLICY}
    for text, lineage in bodies.items():
        wanted = name(text)
        at = f"registry/{wanted.model}"
        written = lineage if isinstance(lineage, str) else DOCUMENTS.dump(_valid(wanted, lineage)).decode()
        files[f"{at}/{wanted.version}/manifest.yaml"] = written
        files[f"{at}/model.yaml"] = f"format: 1\nname: {wanted.model}\ntask: classification\n"
        files[f"{at}/stages.yaml"] = (stages or {}).get(wanted.model, "format: 1\naliases: {}\n")
    repo = Repo.init(folder)
    repo.commit("registry", files)
    return repo


_REGISTRY = 'format: 1\nid: "0123456789abcdef0123456789abcdef"\nbranch: main\nannounce: ci\n'
_POLICY = """\
format: 1
serial: 1
initial: development
stages:
  development: {}
  staging: {from: [development]}
  production: {from: [staging], exclusive: true, protected: true, announce: true}
"""


def _valid(wanted: VersionName, given: Mapping[str, Any]) -> dict[str, Any]:
    artifact = {"path": "model.skops", "role": "model", "format": "skops", "size_bytes": 11, "md5": "c" * 32}
    return {
        "format": 1,
        "model": wanted.model,
        "version": str(wanted.version),
        "author": {"name": "Ann", "email": "ann@example.org"},
        **given,
        "artifacts": [artifact | {"sha256": sha(str(wanted))}],
    }
