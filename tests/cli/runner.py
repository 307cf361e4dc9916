"""The command line called in process, with what it wrote."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.adapters.documents import YamlDocuments
from modelreg.adapters.schema import check_output
from modelreg.cli.app import run
from tests.support import Repo


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def json(self, schema: str) -> Any:
        """The JSON on standard output, which must fit its output schema."""
        value = json.loads(self.out)
        findings = check_output(value, schema)
        assert not findings, findings
        return value


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def modelreg(*arguments: str | Path, registry: Path | None = None) -> Result:
    """Run one command; `registry` is given as --registry."""
    where = [] if registry is None else ["--registry", str(registry)]
    out, err = io.StringIO(), io.StringIO()
    with _handlers_kept(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*map(str, arguments), *where])
    return Result(code, out.getvalue(), err.getvalue())


def done(*arguments: str | Path, registry: Path | None = None) -> Result:
    """As `modelreg`, and the command must succeed."""
    result = modelreg(*arguments, registry=registry)
    assert result.code == 0, result.err + result.out
    return result


def founded(path: Path, *options: str) -> Repo:
    """A registry without models in a new repository, its artifacts in git; `options` are more of `init`'s."""
    repo = Repo.init(path)
    repo.commit("first", {"README.md": "hello\n"})
    done("init", "--embedded", *options, registry=repo.path)
    return repo


def policy_of(repo: Repo) -> dict[str, Any]:
    """The policy as it lies in the work tree."""
    text = repo.read("registry/policy.yaml").encode()
    return dict(YamlDocuments().load(text, "policy.yaml").value)


def change_policy(repo: Repo, **changes: Any) -> None:
    """Commit a policy of the next serial."""
    body = policy_of(repo)
    text = YamlDocuments().dump(body | changes | {"serial": body["serial"] + 1})
    repo.commit("policy", {"registry/policy.yaml": text}, at=int(time.time()))


def manifest_of(repo: Repo, model: str, version: str = "1.0.0") -> Any:
    """A manifest as it has landed."""
    path = f"registry/{model}/{version}/manifest.yaml"
    return YamlDocuments().load(repo.show(path).encode(), path).value


def everything(repo: Repo) -> str:
    """All that a command that failed must leave as it was: HEAD, every ref, files, index."""
    refs = repo.git("for-each-ref", "--format=%(refname) %(objectname)")
    return "\n".join((repo.git("rev-parse", "HEAD", check=False), refs, repo.state()))


def artifact(folder: Path, text: str, name: str = "model.json") -> Path:
    """A small artifact outside the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def metrics(folder: Path, f1: float, name: str = "metrics.json") -> Path:
    """A metrics file outside the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({"f1": f1, "loss": 0.25}))
    return path
