"""Real git repositories for tests, in a line each."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FIRST_COMMIT_AT = 1_700_000_000
"""Commits of a `Repo` helper are a minute apart from here on, so that their ids are stable."""


def run(*args: str | Path, cwd: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program; its output as text. With `check`, a failure shows what the program said."""
    done = subprocess.run([str(arg) for arg in args], cwd=cwd, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{args} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def clone_of(top: Path, target: Path) -> Path:
    """A clone whose main is what `top` has checked out, on a branch or not."""
    run("git", "init", "-q", "-b", "main", target)
    run("git", "fetch", "-q", "--no-tags", top, "HEAD", cwd=target)
    run("git", "reset", "-q", "--hard", "FETCH_HEAD", cwd=target)
    return target


@dataclass
class Repo:
    """A real repository at `path` (a work tree, or a bare repository), driven by plain git."""

    path: Path
    commits_made: int = field(default=0)

    @classmethod
    def init(cls, path: Path, *, branch: str = "main", bare: bool = False, object_format: str = "sha1") -> Repo:
        path.mkdir(parents=True, exist_ok=True)
        options = ["--bare"] if bare else []
        run("git", "init", "-q", "-b", branch, f"--object-format={object_format}", *options, path)
        return cls(path)

    def clone(self, path: Path, *options: str) -> Repo:
        """A clone of this repository: `clone(path, "--bare")`, `clone(path, "--depth=1")` (through file://)."""
        url = f"file://{self.path}" if any(o.startswith(("--depth", "--filter")) for o in options) else self.path
        run("git", "clone", "-q", *options, url, path)
        return Repo(path, self.commits_made)

    def copy(self, path: Path) -> Repo:
        """All of it at another place: quicker than to make it again."""
        shutil.copytree(self.path, path, symlinks=True)
        return Repo(path, self.commits_made)

    def bare(self, path: Path) -> Repo:
        """A bare clone that stands for a server; it becomes `origin` here, and main follows it."""
        server = self.clone(path, "--bare")
        self.git("remote", "add", "origin", str(path))
        self.git("fetch", "-q", "origin")
        self.git("branch", "-q", "--set-upstream-to=origin/main", "main")
        return server

    def git(
        self,
        *args: str | Path,
        input: str | bytes | None = None,  # noqa: A002
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> str:
        """What git printed, without the last line end."""
        done = subprocess.run(
            ["git", *map(str, args)],
            cwd=self.path,
            input=input.encode() if isinstance(input, str) else input,
            env={**os.environ, **(env or {})},
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {args} exited {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file of the work tree, with its folders."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def read(self, path: str) -> str:
        return (self.path / path).read_text()

    def commit(
        self,
        message: str = "change",
        files: Mapping[str, str | bytes] | None = None,
        *,
        at: int | None = None,
        all: bool = False,  # noqa: A002
    ) -> str:
        """Write and add `files` (`all`: whatever the work tree holds), commit; the commit's id. May be empty."""
        for path, content in (files or {}).items():
            self.write(path, content)
        if files:
            self.git("add", "-f", "--", *files)
        if all:
            self.git("add", "-A")
        when = f"{FIRST_COMMIT_AT + 60 * self.commits_made if at is None else at} +0000"
        self.commits_made += 1
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        self.git("commit", "-q", "--allow-empty", "-m", message, env=dates)
        return self.head

    def merge(self, ref: str, message: str = "merge", *options: str) -> str:
        """A merge commit of `ref` into the branch that is checked out; its id."""
        when = f"{FIRST_COMMIT_AT + 60 * self.commits_made} +0000"
        self.commits_made += 1
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        self.git("merge", "-q", "--no-ff", "-m", message, *options, ref, env=dates)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def rev(self, ref: str) -> str | None:
        """The object that `ref` names, or None."""
        return self.git("rev-parse", "-q", "--verify", ref, check=False) or None

    def show(self, path: str, ref: str = "HEAD") -> str:
        """The content of `path` in `ref`."""
        return self.git("cat-file", "blob", f"{ref}:{path}") + "\n"

    def state(self) -> str:
        """What the user would lose: status with untracked files, unstaged and staged changes."""
        status = self.git("status", "--porcelain", "-uall")
        return "\n".join((status, self.git("diff", "--binary"), self.git("diff", "--cached", "--binary")))
