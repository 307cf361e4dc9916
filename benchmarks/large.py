"""Registries of any size for benchmarks, made by one `git fast-import`: ten versions a model, a landing a version."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

VERSIONS_A_MODEL = 10
_AT = 1_760_000_000
_POLICY = """\
format: 1
serial: 1
initial: development
stages:
  development: {from: [staging, archived]}
  staging: {from: [development, archived], announce: true}
  production: {from: [staging], exclusive: true, displaced_to: archived, protected: true, announce: true}
  archived: {from: [development, staging, production]}
gates:
  - stage: staging
    require:
      artifacts: {formats: [skops], at_least: recorded}
      metrics: {accuracy: {min: 0.8}}
      rules: [{name: not-overfitted, expr: metrics.train_accuracy - metrics.accuracy <= 0.15}]
  - stage: production
    require: {artifacts: {at_least: recorded}}
"""
_REGISTRY = """\
format: 1
id: "0123456789abcdef0123456789abcdef"
branch: main
announce: ci
artifacts: {remote: storage}
dvc_yaml: true
"""
_MODEL = "format: 1\nname: NAME\ntask: classification\nprimary_metric: accuracy\n"
_MANIFEST = """\
format: 1
model: NAME
version: VERSION
created: "2026-11-24T09:30:00Z"
author: {name: Ann, email: ann@example.org}
framework: {name: scikit-learn, version: 1.6.1}
artifacts:
  - {path: model.skops, role: model, format: skops, size_bytes: 11, sha256: "SHA", md5: "MD5"}
metrics:
  accuracy: {value: 0.9, direction: higher}
  train_accuracy: {value: 0.95, direction: higher}
lineage: {data: [], parents: []}
"""


def make(folder: Path, versions: int) -> Path:
    """A repository with this many versions on main, and `topic`: five versions of five models moved to staging."""
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    stream = b"".join(_stream(versions))
    subprocess.run(["git", "fast-import", "--quiet", "--done"], cwd=folder, input=stream, check=True)
    subprocess.run(["git", "gc", "-q"], cwd=folder, check=True)
    return folder


def _stream(versions: int) -> Iterator[bytes]:
    models = [f"model-{n:05d}" for n in range(max(5, versions // VERSIONS_A_MODEL))]
    entries = "".join(f"  {name}:\n    path: registry/{name}/1.0.0/model.skops\n    type: model\n" for name in models)
    founding = {
        "registry/registry.yaml": _REGISTRY,
        "registry/policy.yaml": _POLICY,
        "dvc.yaml": "artifacts:\n" + entries,
    }
    yield _commit("main", founding, 0)
    made = 0
    for number in range(versions):
        name, version = models[number % len(models)], f"1.{number // len(models)}.0"
        made += 1
        yield _commit("main", _version(name, version), made)
    yield b"reset refs/heads/topic\nfrom refs/heads/main\n\n"
    for name in models[:5]:
        made += 1
        yield _commit("topic", _transition(name), made)
    yield b"done\n"


def _version(name: str, version: str) -> dict[str, str]:
    md5 = hashlib.md5(f"{name}{version}".encode(), usedforsecurity=False).hexdigest()
    folder = f"registry/{name}/{version}"
    files = {
        f"{folder}/manifest.yaml": _manifest(name, version, md5),
        f"{folder}/model.skops.dvc": f'outs:\n- md5: "{md5}"\n  size: 11\n  hash: md5\n  path: model.skops\n',
        f"{folder}/.gitignore": "/model.skops\n",
    }
    if version == "1.0.0":
        files[f"registry/{name}/model.yaml"] = _MODEL.replace("NAME", name)
        files[f"registry/{name}/stages.yaml"] = "format: 1\naliases: {}\n"
    return files


def _manifest(name: str, version: str, md5: str) -> str:
    sha = hashlib.sha256(md5.encode()).hexdigest()
    return _MANIFEST.replace("NAME", name).replace("VERSION", version).replace("SHA", sha).replace("MD5", md5)


def _transition(name: str) -> dict[str, str]:
    md5 = hashlib.md5(f"{name}1.0.0".encode(), usedforsecurity=False).hexdigest()
    digest = hashlib.sha256(_manifest(name, "1.0.0", md5).encode()).hexdigest()
    record = f"""\
format: 1
number: 1
kind: promote
model: {name}
version: 1.0.0
manifest_sha256: "{digest}"
from: development
to: staging
displaces: []
aliases: {{}}
by: ann@example.org
at: "2026-11-24T12:30:00Z"
reason: ""
policy_serial: 1
"""
    return {
        f"registry/{name}/transitions/0001.yaml": record,
        f"registry/{name}/stages.yaml": "format: 1\nstaging: [1.0.0]\naliases: {}\n",
    }


def _commit(branch: str, files: dict[str, str], number: int) -> bytes:
    who = f"Ann <ann@example.org> {_AT + number} +0000"
    lines = [f"commit refs/heads/{branch}\ncommitter {who}\ndata 1\nc\n".encode()]
    for path, text in files.items():
        data = text.encode()
        lines.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
    return b"".join(lines)
