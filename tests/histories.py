"""Registries with any history, written by `git fast-import`: what modelreg itself would not write included."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support import Repo

POLICY = """\
format: 1
serial: 1
initial: development
stages:
  development: {from: [staging, archived]}
  staging: {from: [development, archived]}
  production: {from: [staging], exclusive: true, displaced_to: archived}
  archived: {from: [development, staging, production]}
"""
REGISTRY = """\
format: 1
id: "0123456789abcdef0123456789abcdef"
branch: main
announce: ci
artifacts: {remote: storage}
"""
SHA = "ab" * 32
MD5 = "cd" * 16
MODELS = ("churn", "price-eu", "spam")
VERSIONS = ("1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "2.0.0-rc.10", "2.0.0-alpha", "2.0.0")
METRICS = (0.5, 0.9, 0.30000000000000004, 0.3, -1e-3, 12345678901234567890, 1.0, 1)
PARAMS = (3, 3.0, "3", True, "true", None, [1, 2], {"a": 1}, "gini", 7.5, "", -3)
TAGS = ("risk", "growth", "a b", "ä%_*", "3")
DATA = (
    {"name": "train", "sha256": "ab" * 32, "md5": "cd" * 16},
    {"name": "test", "sha256": "abcdef0" + "1" * 57},
    {"name": "abcdef01", "md5": "ef" * 16},
)
COMMITS = ("0a1b2c3" + "d" * 33, "0a1b2c4" + "d" * 33)
STAGES = ("development", "staging", "production", "archived")


def manifest(model: str, version: str, choice: random.Random) -> str:
    """A manifest with some of everything that can be searched for (JSON, which is YAML too)."""

    def some(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
        return {name: choice.choice(values) for name in choice.sample(names, choice.randint(0, len(names)))}

    metrics = some(("accuracy", "f1", "loss"), METRICS)
    parent = {"model": choice.choice(MODELS), "version": choice.choice(VERSIONS), "relation": "derived"}
    body = {
        "format": 1,
        "model": model,
        "version": version,
        "created": f"2026-1{choice.randint(0, 2)}-0{choice.randint(1, 9)}T09:30:00Z",
        "author": {"name": choice.choice(("Ann", "Bob")), "email": choice.choice(("ann@example.org", "bob@x.org"))},
        "bump": {"kind": "minor", "reasons": choice.sample(("more data", "3", "ä"), 2)},
        "artifacts": [
            {"path": "m.skops", "role": "model", "format": "skops", "size_bytes": 11, "sha256": SHA, "md5": MD5}
        ],
        "params": some(("depth", "max depth", "criterion"), PARAMS),
        "metrics": {name: {"value": value, "direction": "higher"} for name, value in metrics.items()},
        "tags": some(("team", "cost center"), TAGS),
        "lineage": {
            "code": {"commit": choice.choice(COMMITS)} if choice.random() < 0.7 else None,
            "data": choice.sample(DATA, choice.randint(0, 2)),
            "parents": [parent] if choice.random() < 0.5 else [],
        },
    }
    if choice.random() < 0.6:
        body["framework"] = {"name": choice.choice(("scikit-learn", "torch"))}
    if choice.random() < 0.6:
        body["architecture"] = "sklearn.ensemble.RandomForestClassifier"
    return json.dumps(body)


def transition(model: str, number: int, version: str, to: str, kind: str = "promote") -> str:
    return f"""\
format: 1
number: {number}
kind: {kind}
model: {model}
version: {version}
manifest_sha256: "{SHA}"
from: development
to: {to}
displaces: []
aliases: {{}}
by: ann@example.org
at: "2026-11-24T12:30:00Z"
reason: "because"
policy_serial: 1
"""


@dataclass
class History:
    """Branches of a repository as mappings of path to content, and commits made from them."""

    repo: Repo
    choice: random.Random
    root: str = ""
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: int = 0

    def found(self, branch: str = "main") -> None:
        files = {"registry/registry.yaml": REGISTRY, "registry/policy.yaml": POLICY}
        self.trees.setdefault(branch, {}).update({self._at(path): text for path, text in files.items()})
        self.commit(branch, parents=())

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}" if self.root else path

    def commit(self, branch: str, parents: tuple[str, ...] | None = None) -> None:
        """The whole tree of the branch as a commit on these parents (None: on the branch)."""
        self.commits += 1
        who = f"Ann <ann@example.org> {1_700_000_000 + 60 * self.commits} +0000"
        lines = [f"commit refs/heads/{branch}\ncommitter {who}\ndata 1\nc\n"]
        tip = self.repo.rev(f"refs/heads/{branch}")
        on = ((tip,) if tip else ()) if parents is None else parents
        if on:
            lines.append(f"from {on[0]}\n" + "".join(f"merge {other}\n" for other in on[1:]))
        lines.append("deleteall\n")
        for path, text in self.trees[branch].items():
            mode = "120000" if text.startswith("->") else "100644"
            lines.append(f"M {mode} inline {path}\ndata {len(text.encode())}\n{text}\n")
        self.repo.git("fast-import", "--quiet", "--force", input="".join(lines))

    def _documents(self, tree: dict[str, str]) -> list[str]:
        """The paths of all models' files."""
        return [path for path in tree if path.startswith(tuple(self._at(f"registry/{model}/") for model in MODELS))]

    # --- what may happen to a registry

    def register(self, tree: dict[str, str]) -> None:
        model, version = self.choice.choice(MODELS), self.choice.choice(VERSIONS)
        folder = self._at(f"registry/{model}")
        if f"{folder}/{version}/manifest.yaml" in tree:
            return
        tree.setdefault(f"{folder}/model.yaml", f"format: 1\nname: {model}\ntask: other\nprimary_metric: f1\n")
        tree.setdefault(f"{folder}/stages.yaml", "format: 1\naliases: {}\n")
        tree[f"{folder}/{version}/manifest.yaml"] = manifest(model, version, self.choice)

    def annotate(self, tree: dict[str, str]) -> None:
        """Tags that may change, at times none, or of a version that is not there."""
        folder = self._at(f"registry/{self.choice.choice(MODELS)}/{self.choice.choice(VERSIONS)}")
        manifests = [path for path in self._documents(tree) if path.endswith("/manifest.yaml")]
        if manifests and self.choice.random() < 0.8:
            folder = self.choice.choice(manifests).removesuffix("/manifest.yaml")
        names = self.choice.sample(("team", "cost center"), self.choice.randint(0, 2))
        tags = {name: self.choice.choice(TAGS) for name in names}
        tree[f"{folder}/annotations.yaml"] = json.dumps({"format": 1, "tags": tags} if tags else {"format": 1})

    def move(self, tree: dict[str, str]) -> None:
        """A transition, at times with approvals, and a stages.yaml that need not be its sum."""
        model = self.choice.choice(MODELS)
        folder = self._at(f"registry/{model}")
        versions = [path.split("/")[-2] for path in tree if path.startswith(folder) and path.endswith("manifest.yaml")]
        if not versions:
            return
        version, to = self.choice.choice(versions), self.choice.choice(STAGES)
        number = 1 + sum(1 for path in tree if path.startswith(f"{folder}/transitions/"))
        kind = self.choice.choice(("promote", "promote", "rollback", "archive"))
        tree[f"{folder}/transitions/{number:04d}.yaml"] = transition(model, number, version, to, kind)
        listed = self.choice.sample(versions, self.choice.randint(0, len(versions)))
        cut = self.choice.randint(0, len(listed))
        production = f"production: {listed[0]}\n" if cut else ""
        tree[f"{folder}/stages.yaml"] = (
            f"format: 1\nstaging: [{', '.join(listed[cut:])}]\n{production}"
            f"aliases: {{{f'champion: {listed[0]}, b: {listed[-1]}' if listed else ''}}}\n"
        )
        if self.choice.random() < 0.5:
            name = f"approval-{self.choice.randrange(1 << 32):08x}.yaml"
            by, entry = self.choice.choice(("bob@example.org", "cy@example.org")), self.choice.randint(0, 1)
            said = f"format: 1\ntype: approval\nby: {by}\nto: {to}\nentry: {entry}\n"
            tree[f"{folder}/{version}/evidence/{name}"] = said

    def withdraw(self, tree: dict[str, str]) -> None:
        if manifests := [path for path in self._documents(tree) if path.endswith("/manifest.yaml")]:
            path = self.choice.choice(manifests)
            tree[path.replace("manifest.yaml", "withdrawn.yaml")] = "format: 1\nreason: no\n"

    def remove(self, tree: dict[str, str]) -> None:
        """What an add-only registry does not allow, and a history may hold."""
        if removable := self._documents(tree):
            del tree[self.choice.choice(removable)]

    def edit(self, tree: dict[str, str]) -> None:
        if manifests := [path for path in self._documents(tree) if path.endswith("/manifest.yaml")]:
            path = self.choice.choice(manifests)
            model, version = path.split("/")[-3:-1]
            tree[path] = manifest(model, version, self.choice)

    def spoil(self, tree: dict[str, str]) -> None:
        """A document that cannot be read, is a symlink, or is not where it belongs."""
        if documents := self._documents(tree):
            path = self.choice.choice(documents)
            tree[path] = self.choice.choice(("a: &x 1\n", "- 1\n", "format: 1\n", "->elsewhere", "", "a: [1\n"))

    def mend(self, branch: str) -> None:
        """Back to a tree in which every document can be read."""
        tree = self.trees[branch]
        spoilt = ("a: &x", "- 1", "->", "a: [1")
        for path in [p for p, text in tree.items() if text.startswith(spoilt) or text in ("", "format: 1\n")]:
            del tree[path]
