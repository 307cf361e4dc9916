"""A small registry with rules, people and their keys, made past the commands, so that it can be attacked at will."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.adapters.documents import YamlDocuments
from modelreg.adapters.signing import SshSignatures
from modelreg.domain.clock import stamp
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.signers import APPROVAL, TRANSITION, namespace_of
from modelreg.domain.templates import template
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.moving import Wish, draft
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_workspace
from tests.cli.runner import Result, artifact, done, metrics, modelreg
from tests.keys import Key
from tests.support import Repo

ADA, ANN, BO, CY = "ada@example.com", "ann@example.org", "bo@example.org", "cy@example.org"
MODEL = ModelName("churn")
POLICY, SIGNERS = "registry/policy.yaml", "registry/allowed_signers"
REVOKED, REGISTRY = "registry/revoked_signers", "registry/registry.yaml"
ABOUT, STAGES = "registry/churn/model.yaml", "registry/churn/stages.yaml"
DAY_S = 86_400


def dumped(body: Mapping[str, Any]) -> bytes:
    return YamlDocuments().dump(body, schema="../schemas/x.v1.json", comment=None)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def policy(**changes: Any) -> dict[str, Any]:
    """Staging asks for f1 of at least 0.8. A change of the rules asks for a platform member: Ann or Bo."""
    body = deepcopy(template("standard")[0])
    floor: dict[str, Any] = {"stage": "staging", "require": {"metrics": {"f1": {"min": 0.8}}}}
    people = {"roles": {"platform": [ANN, BO], "reviewer": [BO, CY]}, "change": {"approvals": 1, "role": "platform"}}
    return body | {"gates": [floor, *body["gates"]]} | people | changes


@dataclass
class Lab:
    """`repo` holds the registry; `keys` by person. Commits are made now, unless a test says when."""

    repo: Repo
    keys: Mapping[str, Key]

    @property
    def top(self) -> Path:
        return self.repo.path

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.top)

    def run(self, *arguments: str | Path) -> Result:
        return modelreg(*arguments, registry=self.top)

    def done(self, *arguments: str | Path) -> Result:
        return done(*arguments, registry=self.top)

    def register(self, f1: float = 0.9, model: str = MODEL, text: str | None = None, *options: str) -> str:
        """Register a version with that f1 where it is checked out; the version."""
        files = self.top.parent / "files"
        content = artifact(files, text or f"{model} {f1} {time.monotonic_ns()}")
        made = self.done("register", model, content, "--metrics", metrics(files, f1), *options, "--json")
        return str(made.json("register")["version"])

    def register_on(self, branch: str, f1: float = 0.9, model: str = MODEL, *options: str) -> str:
        """A new branch off main that registers a version; main is where it was."""
        before = self.repo.head
        version = self.register(f1, model, None, *options)
        self.repo.git("branch", "-f", branch, "main")
        self.repo.git("reset", "-q", "--hard", before)
        for name in self.repo.git("tag", "--no-merged", "main").split():
            self.repo.git("tag", "-d", name)
        return version

    def move(self, version: str, to: str, *, by: str = ADA, key: Key | None = None) -> dict[str, bytes]:
        """The files of a stage change as modelreg would write them on main, whatever the gate says; signed by `key`,
        whoever it belongs to."""
        workspace = self.workspace
        wish = Wish(MODEL, Version.parse(version), Stage(to), by, "why not")
        files = draft(workspace, workspace.snapshot(), wish, Circumstances(workspace.clock())).files
        record = next(path for path in files if "/transitions/" in path)
        return {**files, **self.signed(record, files[record], TRANSITION, key)}

    def statement(
        self, type_: str, version: str = "1.0.0", *, by: str = BO, key: Key | None = None, **fields: Any
    ) -> dict[str, bytes]:
        """A piece of evidence, rightly named and bound, with a signature where `key` is given."""
        folder = f"registry/{MODEL}/{version}"
        bound = {"model": MODEL, "version": version, "manifest_sha256": sha256(self.data(f"{folder}/manifest.yaml"))}
        body = {"format": 1, "type": type_, "registry": self.workspace.settings.id, **bound}
        data = dumped(body | {"by": by, "at": stamp(int(time.time()))} | fields)
        return self.signed(
            f"{folder}/evidence/{type_}-{sha256(data)[:12]}.yaml", data, namespace_of("evidence", type_), key
        )

    def evaluation(self, f1: float, version: str = "1.0.0", **more: Any) -> dict[str, bytes]:
        return self.statement("evaluation", version, metrics={"f1": {"value": f1, "direction": "higher"}}, **more)

    def vote(
        self, files: Mapping[str, bytes], *, by: str = BO, key: Key | None = None, **fields: Any
    ) -> dict[str, bytes]:
        """A signed approval of the record among `files`, on main."""
        workspace = self.workspace
        record = next(path for path in files if "/transitions/" in path and path.endswith(".yaml"))
        transition = Transition.from_mapping(YamlDocuments().load(files[record], record).value)
        judge = Judge(workspace, workspace.snapshot(), workspace.snapshot(), Circumstances(workspace.clock()))
        said = judge.wanted(transition) | {"not_after": stamp(workspace.clock() + DAY_S)} | fields
        return self.statement("approval", by=by, key=key or self.keys[by], **said)

    def approval(
        self, files: Mapping[str, bytes | None], *, by: str = BO, key: Key | None = None, **fields: Any
    ) -> dict[str, bytes]:
        """The approval of a change of rules from what is checked out to `files` (None: removed), signed by `by`."""
        paths = {path: self.digests(path, new) for path, new in sorted(files.items())}
        body = {"format": 1, "registry": self.workspace.settings.id, "paths": paths, "by": by}
        now = int(time.time())
        data = dumped(body | {"at": stamp(now), "not_after": stamp(now + DAY_S)} | fields)
        return self.signed(f"registry/approvals/{sha256(data)[:12]}.yaml", data, APPROVAL, key or self.keys[by])

    def digests(self, path: str, new: bytes | None) -> dict[str, str | None]:
        old = self.data(path) if (self.top / path).exists() else None
        return {"old": None if old is None else sha256(old), "new": None if new is None else sha256(new)}

    def signed(self, path: str, data: bytes, namespace: str | None, key: Key | None) -> dict[str, bytes]:
        if key is None or namespace is None:
            return {path: data}
        return {path: data, f"{path}.sig": SshSignatures().sign(data, namespace=namespace, key=key.path)}

    def data(self, path: str) -> bytes:
        return (self.top / path).read_bytes()

    def commit(self, files: Mapping[str, bytes | None] | None = None, *, at: int | None = None) -> str:
        """A commit that writes and (None) removes files."""
        for path in [path for path, data in (files or {}).items() if data is None]:
            self.repo.git("rm", "-q", "--cached", "--", path)
            (self.top / path).unlink(missing_ok=True)
        kept = {path: data for path, data in (files or {}).items() if data is not None}
        return self.repo.commit("change", kept, at=int(time.time()) if at is None else at)

    @contextmanager
    def branch(self, name: str = "topic") -> Iterator[None]:
        """What is committed within goes onto a branch off main."""
        self.repo.git("switch", "-q", "-C", name, "main")
        yield
        self.repo.git("switch", "-q", "-f", "main")

    def gate(self, head: str = "topic", base: str = "main", *options: str | Path) -> Result:
        return self.run("gate", "--base", base, "--head", head, "--format", "json", *options)

    def refused(self, head: str = "topic", *options: str | Path) -> list[str]:
        """What the gate has against a range: checks that failed, codes of findings. Empty where it may land."""
        result = self.gate(head, "main", *options)
        assert result.code in (0, 1), result.err
        body = result.json("gate")
        failed = [check["check"] for change in body["changes"] for check in change["checks"] if not check["passed"]]
        codes = [finding["code"] for finding in body["findings"] if finding["severity"] == "error"]
        assert (result.code == 1) == bool(failed + codes) == (not body["allowed"])
        return failed + codes

    def verified(self) -> list[str]:
        """The codes of what verify finds wrong; its exit code must agree."""
        result = self.run("verify", "--offline", "--json")
        assert result.code in (0, 3), result.err
        codes = [f["code"] for f in result.json("verify")["findings"] if f["severity"] == "error"]
        assert (result.code == 3) == bool(codes), result.out
        return codes

    def land(self, files: Mapping[str, bytes | None], at: int | None = None) -> list[str]:
        """Commit onto main past every gate; what verify finds then."""
        self.commit(files, at=at)
        return self.verified()


def found(folder: Path, body: Mapping[str, Any], keys: Mapping[str, Key], signers: str | None = None) -> Lab:
    """A registry whose founding landing brings this policy and (default: of all keys) these signers."""
    repo = Repo.init(folder / "repo")
    repo.commit("first", {"README.md": "hello\n"}, at=int(time.time()) - 60)
    done("init", "--embedded", registry=repo.path)
    lines = signers if signers is not None else "".join(key.line(person) for person, key in keys.items())
    repo.write(POLICY, dumped(body))
    repo.write(SIGNERS, lines)
    repo.git("add", "-A")
    repo.git("commit", "-q", "--amend", "--no-edit")
    return Lab(repo, keys)


def copy_of(lab: Lab, folder: Path) -> Lab:
    """A copy to attack; making one takes milliseconds."""
    shutil.copytree(lab.top, folder / "repo", symlinks=True)
    return Lab(Repo(folder / "repo"), lab.keys)
