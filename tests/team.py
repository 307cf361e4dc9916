"""A team for tests: a bare server, a clone for each person, everybody with a key of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.clock import stamp
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.proposal import ProposalName
from modelreg.domain.signers import APPROVAL
from modelreg.domain.templates import template
from modelreg.domain.version import Version
from modelreg.registry.judging import Circumstances
from modelreg.registry.moving import Wish, draft
from modelreg.registry.question import find_question
from modelreg.registry.stating import common, rendered
from modelreg.wiring import open_workspace
from tests.cli.runner import Result, artifact, done, metrics, modelreg
from tests.keys import Key, make_key
from tests.support import Repo

NAMES = ("ann", "bo", "cy", "dan")
MODEL = ModelName("churn")
APPROVALS = {"count": 2, "role": "reviewer", "valid_days": 7, "from": ["signature"]}


def person(name: str) -> str:
    return f"{name}@example.org"


def policy(**changes: Any) -> dict[str, Any]:
    """Staging asks for two signed approvals of reviewers, production for one; reviewers are ann, bo and cy."""
    body, _ = template("standard")
    gates = [
        {"stage": "staging", "require": {"approvals": APPROVALS}},
        {"stage": "production", "require": {"approvals": {**APPROVALS, "count": 1}}},
    ]
    roles = {"reviewer": [person(name) for name in ("ann", "bo", "cy")]}
    return (
        body | {"serial": 2, "gates": gates, "roles": roles, "change": {"approvals": 1, "role": "reviewer"}} | changes
    )


@dataclass(frozen=True)
class Team:
    """`clones` and `keys` by name. Ann registers churn 1.0.0 and 1.0.1; dan is listed, and no reviewer."""

    folder: Path
    server: Repo
    clones: Mapping[str, Repo]
    keys: Mapping[str, Key]

    def run(self, name: str, *arguments: str | Path) -> Result:
        return modelreg(*arguments, registry=self.clones[name].path)

    def does(self, name: str, *arguments: str | Path) -> Result:
        return done(*arguments, registry=self.clones[name].path)

    def approves(self, name: str, version: str, stage: str, *options: str) -> Result:
        return self.run(name, "approve", "churn", version, stage, "--key", self.keys[name].path, *options)

    def fetch(self, *names: str) -> None:
        for name in names or NAMES:
            self.clones[name].git("fetch", "-q", "origin")
            if self.clones[name].git("branch", "--show-current") == "main":
                self.clones[name].git("merge", "-q", "--ff-only", "origin/main")

    def propose(self, name: str, version: str, stage: str, *, branch: str = "") -> str:
        """A proposal as modelreg makes it, pushed; the branch's name."""
        repo = self.clones[name]
        workspace = open_workspace(repo.path)
        base = workspace.snapshot()
        wish = Wish(MODEL, Version.parse(version), Stage(stage), person(name))
        made = draft(workspace, base, wish, Circumstances(workspace.clock(), via="pull-request"))
        assert made.transition is not None
        branch = branch or str(ProposalName(MODEL, Version.parse(version), Stage(stage)))
        self.branch(name, branch, made.files)
        return branch

    def branch(self, name: str, branch: str, files: Mapping[str, bytes]) -> None:
        """A branch off main with one commit, pushed; the clone stays on main."""
        repo = self.clones[name]
        repo.git("switch", "-q", "-c", branch, "main")
        repo.commit(branch, files, at=int(time.time()))
        repo.git("push", "-q", "origin", branch)
        repo.git("switch", "-q", "main")
        self.fetch()

    def forged(
        self,
        key: Key,
        by: str,
        branch: str,
        version: str,
        stage: str,
        fields: Mapping[str, Any] | None = None,
        *,
        folder: str = "",
    ) -> dict[str, bytes]:
        """A signed approval written past the command, of what `branch` proposes: `fields` changed at will, its name
        right. `folder` is the version where it goes, if not its own."""
        repo, parsed = self.clones["dan"], Version.parse(version)
        self.fetch("dan")
        workspace = open_workspace(repo.path)
        question = find_question(workspace, MODEL, parsed, Stage(stage), branch)
        at = workspace.clock()
        body = common(workspace, workspace.snapshot(), MODEL, parsed, "approval", by, at)
        body |= question.wanted | {"not_after": stamp(at + 86_400)} | dict(fields or {})
        path, data = rendered(workspace, MODEL, Version.parse(folder or version), body)
        return {path: data, f"{path}.sig": workspace.signatures.sign(data, namespace=APPROVAL, key=key.path)}

    def votes_with(self, branch: str, files: Mapping[str, bytes]) -> str:
        """What the gate would count with these files on the branch; they go nowhere."""
        repo = self.clones["dan"]
        repo.git("fetch", "-q", "origin")
        repo.git("switch", "-q", "--detach", f"origin/{branch}")
        repo.commit("forged", files, at=int(time.time()))
        forged = repo.head
        repo.git("switch", "-q", "main")
        return self._counted(self.run("dan", "gate", "--base", "origin/main", "--head", forged, "--format", "json"))

    def land(self, branch: str) -> None:
        """Merge a branch on the server, as a forge does."""
        repo = self.clones["ann"]
        repo.git("fetch", "-q", "origin")
        repo.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", f"origin/{branch}")
        repo.git("push", "-q", "origin", "main")
        self.fetch()

    def change_rules(self, files: Mapping[str, str | bytes], branch: str = "rules") -> None:
        """A change of the rules that landed, by whatever way."""
        self.branch(
            "ann", branch, {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        )
        self.land(branch)

    def gate(self, branch: str) -> Any:
        """What the gate says of a branch, as the server has it."""
        self.fetch("dan")
        result = self.run("dan", "gate", "--base", "origin/main", "--head", f"origin/{branch}", "--format", "json")
        return result.json("gate")

    def votes(self, branch: str) -> str:
        """What the gate counts: `2: bo@example.org, cy@example.org`."""
        self.fetch("dan")
        head = f"origin/{branch}"
        return self._counted(self.run("dan", "gate", "--base", "origin/main", "--head", head, "--format", "json"))

    @staticmethod
    def _counted(result: Result) -> str:
        (change,) = [change for change in result.json("gate")["changes"] if change["kind"] == "promote"]
        (verdict,) = [verdict for verdict in change["checks"] if verdict["check"] == "approvals"]
        return str(verdict["actual"])


def dumped(body: Mapping[str, Any]) -> bytes:
    return YamlDocuments().dump(body)


def make_server(folder: Path, keys: Mapping[str, Key], **changes: Any) -> Repo:
    """A bare repository with a registry whose rules are `policy(**changes)`."""
    repo = Repo.init(folder / "first")
    repo.git("config", "user.email", person("ann"))
    repo.commit("first", {"README.md": "hello\n"})
    done("init", "--embedded", registry=repo.path)
    rules = {
        "registry/policy.yaml": dumped(policy(**changes)),
        "registry/allowed_signers": "".join(keys[name].line(person(name)) for name in NAMES).encode(),
    }
    repo.commit("rules", rules, at=int(time.time()))
    for text in ("one", "two"):
        done("register", "churn", artifact(folder, text), "--metrics", metrics(folder, 0.8), registry=repo.path)
    return repo.clone(folder / "server", "--bare")


def join(server: Repo, folder: Path, keys: Mapping[str, Key]) -> Team:
    """A server of the test's own, and a clone for each person."""
    mine = server.clone(folder / "server", "--bare")
    clones = {}
    for name in NAMES:
        clones[name] = mine.clone(folder / name)
        clones[name].git("config", "user.email", person(name))
    return Team(folder, mine, clones, keys)


def team_keys(folder: Path) -> dict[str, Key]:
    return {name: make_key(folder, name) for name in NAMES}
