"""Registries of any size for benchmarks: ten versions a model, a landing and a tag a version.

The manifests are as `register` writes them; tags stand where `announce: direct` would have made them, so that GTO reads
the same repository.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.pack import FILE, FOLDER, Pack, WideTree, entry, write_refs

VERSIONS_A_MODEL = 10
RULED_MODELS = 5
"""Models whose gate has an expression: those of the branch `topic`. The others' gates are floors and formats only."""
ASKED = 7
"""The model that is moved first, and asked for."""
_AT = 1_760_000_000
_RULES = {
    "policy.yaml": """\
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
  - stage: staging
    match: {model: "model-0000[0-4]"}
    require: {rules: [{name: not-overfitted, expr: metrics.train_accuracy - metrics.accuracy <= 0.15}]}
  - stage: production
    require: {artifacts: {at_least: recorded}}
""",
    "registry.yaml": """\
format: 1
id: "0123456789abcdef0123456789abcdef"
branch: main
announce: direct
artifacts: {remote: storage}
dvc_yaml: true
""",
}
_MODEL = "format: 1\nname: NAME\ntask: classification\nprimary_metric: accuracy\n"
_MANIFEST = """\
format: 1
model: NAME
version: VERSION
created: "2026-11-24T09:30:00Z"
author: {name: Ann, email: ann@example.org}
framework: {name: scikit-learn, version: 1.6.1}
architecture: sklearn.ensemble.RandomForestClassifier
artifacts:
  - path: model.skops
    role: model
    format: skops
    media_type: application/zip
    size_bytes: 11
    sha256: "SHA"
    md5: "MD5"
signature:
  inputs:
    - {name: age, type: float64, shape: [-1], nullable: false}
    - {name: tenure, type: float64, shape: [-1], nullable: false}
    - {name: plan, type: string, shape: [-1], nullable: false}
    - {name: calls, type: int64, shape: [-1], nullable: false}
  outputs: [{name: prediction, type: int64, shape: [-1], nullable: false}]
  parameters: []
params:
  bootstrap: true
  ccp_alpha: 0.0
  criterion: gini
  max_depth: DEPTH
  max_features: sqrt
  max_leaf_nodes: null
  min_samples_leaf: 1
  min_samples_split: 2
  n_estimators: 40
  random_state: 11
metrics:
  accuracy: {value: ACCURACY, direction: higher, dataset: churn, split: test}
  train_accuracy: {value: 0.95, direction: higher, dataset: churn, split: train}
  f1: {value: 0.83, direction: higher, dataset: churn, split: test}
  log_loss: {value: 0.31, direction: lower, dataset: churn, split: test}
lineage:
  code:
    repository: null
    commit: "COMMIT"
    tree: "COMMIT"
    branch: main
    dirty: false
    diff_sha256: null
    entry_point: train.py
  data:
    - name: churn
      role: train
      path: data/churn.csv
      size_bytes: 25682
      sha256: "SHA"
  environment:
    python: 3.11.7
    platform: linux-x86_64
    hardware: {cpu_count: 2, memory_bytes: 25276502016, gpu: null}
    lock: {path: requirements.lock, sha256: "SHA"}
  parents: []
tags: {team: TEAM}
"""
_DVC = {
    ".gitignore": "/storage\n/cache\n",
    "config": """\
[core]
    analytics = false
    remote = storage
['remote "storage"']
    url = storage
""",
}


def make(folder: Path, versions: int) -> Path:
    """A repository with this many versions on main, and `topic`: five versions of five models moved to staging.

    main is checked out, and its artifacts' remote is a folder of it.
    """
    subprocess.run(["git", "init", "-q", "-b", "main", "--object-format=sha1", folder], check=True)
    _write_history(folder / ".git", versions)
    data = b"".join(_topic(versions))
    subprocess.run(["git", "fast-import", "--quiet", "--done"], cwd=folder, input=data, check=True)
    for command in (["commit-graph", "write", "--reachable", "--no-progress"], ["reset", "-q", "--hard", "main"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def _models(versions: int) -> list[str]:
    return [f"model-{n:05d}" for n in range(max(2 * RULED_MODELS, versions // VERSIONS_A_MODEL))]


def _write_history(git_dir: Path, versions: int) -> None:
    models = _models(versions)
    entries = "".join(f"  {name}:\n    path: registry/{name}/1.0.0/model.skops\n    type: model\n" for name in models)
    tags = []
    with Pack(git_dir) as pack:
        dvc = {name: pack.add("blob", text.encode()) for name, text in _DVC.items()}
        rules = {name: pack.add("blob", text.encode()) for name, text in _RULES.items()}
        entries_id = pack.add("blob", f"artifacts:\n{entries}".encode())
        dvc_id = _tree(pack, {name: (FILE, id_) for name, id_ in dvc.items()})

        def commit(registry: bytes, parent: bytes | None, number: int) -> bytes:
            top = {".dvc": (FOLDER, dvc_id), "dvc.yaml": (FILE, entries_id), "registry": (FOLDER, registry)}
            who = f"Ann <ann@example.org> {_AT + number} +0000"
            lines = [f"tree {_tree(pack, top).hex()}", *([f"parent {parent.hex()}"] if parent else [])]
            return pack.add("commit", "\n".join([*lines, f"author {who}", f"committer {who}", "", "c"]).encode())

        tip = commit(_tree(pack, {name: (FILE, id_) for name, id_ in rules.items()}), None, 0)
        registry = WideTree(pack, rules)
        folders: list[dict[str, tuple[bytes, bytes]]] = [{} for _ in models]
        for number in range(versions):
            model, version = number % len(models), f"1.{number // len(models)}.0"
            _add_version(pack, folders[model], models[model], version)
            tip = commit(registry.change(model, models[model], _tree(pack, folders[model])), tip, number + 1)
            tag = pack.add("tag", _tag(models[model], version, tip.hex(), number + 1))
            tags.append((f"{models[model]}@v{version}", tag, tip))
        registry.flush()
    write_refs(git_dir, {"refs/heads/main": tip}, tags)


def _add_version(pack: Pack, folder: dict[str, tuple[bytes, bytes]], name: str, version: str) -> None:
    """The files of a version, in the tree of its model."""
    top = f"registry/{name}/"
    within: dict[str, tuple[bytes, bytes]] = {}
    for path, text in _version(name, version).items():
        place = path.removeprefix(top).removeprefix(f"{version}/")
        (folder if path == f"{top}{place}" else within)[place] = (FILE, pack.add("blob", text.encode()))
    folder[version] = (FOLDER, _tree(pack, within))


def _tree(pack: Pack, entries: dict[str, tuple[bytes, bytes]]) -> bytes:
    ordered = sorted(entries, key=lambda name: name + "/" * (entries[name][0] == FOLDER))
    return pack.add("tree", b"".join(entry(entries[name][0], name, entries[name][1]) for name in ordered))


def _topic(versions: int) -> Iterator[bytes]:
    yield b"reset refs/heads/topic\nfrom refs/heads/main\n\n"
    for number, name in enumerate(_models(versions)[:RULED_MODELS], versions + 1):
        yield _commit("topic", _transition(name), number)
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
    number = int(sha[:4], 16)
    words = {"NAME": name, "VERSION": version, "SHA": sha, "MD5": md5, "COMMIT": sha[:40]}
    words |= {"ACCURACY": f"{0.85 + number % 1000 / 10_000:.4f}", "DEPTH": str(4 + number % 9)}
    words |= {"TEAM": ("risk", "growth", "search")[number % 3]}
    return re.sub("|".join(words), lambda found: words[found.group()], _MANIFEST)


def _tag(name: str, version: str, commit: str, number: int) -> bytes:
    """What `announce: direct` would have made of the registration (domain/tags.py)."""
    registry = _RULES["registry.yaml"].split('"')[1]
    md5 = hashlib.md5(f"{name}{version}".encode(), usedforsecurity=False).hexdigest()
    digest = hashlib.sha256(_manifest(name, version, md5).encode()).hexdigest()
    who = f"Ann <ann@example.org> {_AT + number} +0000"
    head = f"object {commit}\ntype commit\ntag {name}@v{version}\ntagger {who}\n\n"
    return f"{head}Register {name} {version}\n\nregistry: {registry}\nmanifest: {digest}\n".encode()


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
