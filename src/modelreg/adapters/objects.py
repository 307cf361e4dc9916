"""Commits and tags as objects, through `git fast-import`: 6 to 10 ms whatever the size of the tree.

It runs in a scratch git directory that shares only the object store, so no ref becomes visible and no configuration
of the repository is read. A landing takes one: it tells the id of the commit before it hears of the tags that name it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from modelreg.adapters.door import Door
from modelreg.adapters.git import Result
from modelreg.adapters.locking import state_folder
from modelreg.adapters.paths import check_paths
from modelreg.domain.plan import CommitId, Plan, Tag
from modelreg.registry.ports import Identity

_COMMAND = ("fast-import", "--quiet", "--force")


class Import:
    """A running `git fast-import`. What it was told is in the repository when the `importing` around it has ended."""

    def __init__(self, git: Door, process: subprocess.Popen[bytes], who: Identity) -> None:
        self._git = git
        self._process = process
        self._who = who
        self._marks = 0

    def commit(self, plan: Plan) -> CommitId:
        """The id of a plan's commit. Raises InvalidError, with nothing written, for a path that may not be."""
        check_paths(plan.files)
        stream = [f"commit refs/heads/landing\n{self._mark()}".encode(), _signature(b"author", self._who, plan.at)]
        stream += [_signature(b"committer", self._who, plan.at), _data(plan.message.encode())]
        if plan.base is not None:
            stream.append(f"from {plan.base}\n".encode())
        if plan.merges is not None:
            stream.append(f"merge {plan.merges}\n".encode())
        for path, content in plan.files.items():
            stream += [b"M 100644 inline ", _quoted(path), b"\n", _data(content)]
        return CommitId(self._ids(stream, 1)[0])

    def tags(self, tags: Sequence[Tag]) -> list[str]:
        """The ids of annotated tags, in order."""
        stream: list[bytes] = []
        for tag in tags:
            stream += [f"tag {tag.name}\n{self._mark()}from {tag.target}\n".encode()]
            stream += [_signature(b"tagger", self._who, tag.at), _data(tag.message.encode())]
        return self._ids(stream, len(tags)) if tags else []

    def _mark(self) -> str:
        self._marks += 1
        return f"mark :{self._marks}\n"

    def _ids(self, stream: list[bytes], marks: int) -> list[str]:
        """Tell it, and ask for the ids of the last so many marks. Raises UnavailableError where it gave up."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - pipes
        asked = b"".join(b"get-mark :%d\n" % n for n in range(self._marks - marks + 1, self._marks + 1))
        try:
            self._process.stdin.write(b"".join(stream) + asked)
            self._process.stdin.flush()
            answers = [self._process.stdout.readline() for _ in range(marks)]
        except BrokenPipeError:
            answers = [b""]
        if not all(answer.endswith(b"\n") for answer in answers):
            self.finish()
            raise self._git.git.failure(_COMMAND, Result(-1, b"", "it ended in the middle"))
        return [answer.decode().strip() for answer in answers]

    def finish(self) -> None:
        """Wait until all is written. Raises UnavailableError with git's reason where it is not."""
        assert self._process.stdout is not None and self._process.stderr is not None  # noqa: S101, PT018 - pipes
        self._hang_up()
        done = Result(0, self._process.stdout.read(), self._process.stderr.read().decode("utf-8", "replace"))
        if code := self._process.wait():
            raise self._git.git.failure(_COMMAND, replace(done, code=code))

    def stop(self) -> None:
        """Write nothing."""
        self._process.kill()
        self._hang_up()

    def _hang_up(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(BrokenPipeError):
            self._process.stdin.close()


@contextmanager
def importing(git: Door, who: Identity) -> Iterator[Import]:
    """Objects to be written, by this author. Raises UnavailableError where git cannot write them all."""
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=state_folder(git.common_dir)))
    try:
        (scratch / "refs").mkdir()
        (scratch / "objects").mkdir()
        (scratch / "HEAD").write_text("ref: refs/heads/landing\n")
        version = "1" if git.object_format != "sha1" else "0"
        extension = f"[extensions]\n\tobjectFormat = {git.object_format}\n" if version == "1" else ""
        (scratch / "config").write_text(f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{extension}")
        env = {"GIT_DIR": str(scratch), "GIT_OBJECT_DIRECTORY": str(git.common_dir / "objects")}
        with git.git.open(_COMMAND, write=True, env=env) as process:
            running = Import(git, process, who)
            try:
                yield running
            except BaseException:
                running.stop()
                raise
            running.finish()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_tags(git: Door, tags: Sequence[Tag], who: Identity) -> list[str]:
    """Annotated tag objects, in order; their ids."""
    if not tags:
        return []
    with importing(git, who) as objects:
        return objects.tags(tags)


def _signature(role: bytes, who: Identity, at: int) -> bytes:
    name, email = (" ".join(text.replace("<", "").replace(">", "").split()) for text in (who.name, who.email))
    return role + f" {name} <{email}> {at} +0000\n".encode()


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def _quoted(path: str) -> bytes:
    """As git-fast-import wants paths: C-style quotes, with which every byte is possible."""
    raw = os.fsencode(path)
    escaped = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
