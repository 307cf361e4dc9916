"""Objects by id, from one `git cat-file --batch` that stays open: to start git takes longer than most answers."""

from __future__ import annotations

import hashlib
import re
import subprocess
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from modelreg.adapters.git import Git
from modelreg.adapters.object_format import TreeEntry
from modelreg.errors import IntegrityError, UnavailableError

_AT_ONCE = 100
"""So many ids are asked for before the answers are read: less than a pipe holds."""
_MOST_KEPT = 100_000
"""Names in the folders that are kept: a process that writes for days does not keep what it has left behind."""
_SMALL = 64 * 1024
_ROOM = 8 * 1024 * 1024
"""Bytes of small files that are kept: from one commit to the next nearly all documents are the same."""
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ENTRY = {
    object_format: re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % width, re.DOTALL)
    for object_format, width in (("sha1", 20), ("sha256", 32))
}
"""A folder's entry as git stores it: mode, name, and the id in raw bytes."""


class ObjectReader:
    """Reads the objects of one repository; what is read is hashed again, since git does not check loose objects.

    Trees are kept: of two commits they are mostly the same. Only where something is missing is the configuration
    asked: of a partial clone, the remote may give it.
    """

    def __init__(self, git: Git, object_format: str, bring: Callable[[Collection[str]], None] | None = None) -> None:
        """`bring` fetches many objects in one go, as far as that can be done."""
        self._git = git
        self._bring = bring
        self._format = object_format
        self._process: subprocess.Popen[bytes] | None = None
        self._fetches = False
        self._here: set[str] | None = None
        self._trees: dict[str, tuple[TreeEntry, ...]] = {}
        self._by_name: dict[str, dict[bytes, TreeEntry]] = {}
        self._roots: dict[str, str] = {}
        self._kept = 0
        self._blobs: dict[str, bytes] = {}
        self._room = 0

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Contents by id. Raises UnavailableError for one that a partial clone has not and its remote does not give,
        IntegrityError for one that is missing, damaged or no blob."""
        wanted = list(dict.fromkeys(ids))
        found = {id_: self._blobs[id_] for id_ in wanted if id_ in self._blobs}
        for id_, answer in self._ask([id_ for id_ in wanted if id_ not in found]):
            if answer is None or answer[1] != "blob":
                raise self._missing(id_)
            found[id_] = answer[2]
            if len(answer[2]) <= _SMALL:
                self._room += len(answer[2])
                if self._room > _ROOM:
                    self._blobs, self._room = {}, len(answer[2])
                self._blobs[id_] = answer[2]
        return found

    def messages(self, commits: Iterable[str]) -> dict[str, str]:
        """What commits say, by id: all below the header (the first empty line ends it). Raises as `blobs`."""
        found = {}
        for id_, answer in self._ask(list(dict.fromkeys(commits))):
            if answer is None or answer[1] != "commit":
                raise self._missing(id_)
            found[id_] = answer[2].partition(b"\n\n")[2].decode(errors="replace")
        return found

    def parents(self, commit: str) -> list[str]:
        """The parents that a commit names, in their order. Raises as `blobs`."""
        ((_, answer),) = self._ask([commit])
        if answer is None or answer[1] != "commit":
            raise self._missing(commit)
        return [line[7:].decode() for line in answer[2].partition(b"\n\n")[0].split(b"\n") if line[:7] == b"parent "]

    def root(self, commit: str) -> str:
        """The id of the tree of a commit (or of a tree itself)."""
        if commit in self._roots:
            return self._roots[commit]
        ((_, answer),) = self._ask([f"{commit}^{{tree}}"])
        if answer is None:
            raise self._missing(commit)
        if answer[0] not in self._trees:
            self.keep(answer[0], self._entries(answer[0], answer[2]))
        if _ID.fullmatch(commit):  # not a name, which may name another one tomorrow
            self._roots[commit] = answer[0]
        return answer[0]

    def commit(self, name: str) -> str | None:
        """The id of the commit that a ref or an id names now; None where it names none that is here.

        For names that git takes as a revision and that hold neither spaces nor line ends (`GitRepository.resolve`).
        """
        return self.commits([name])[0]

    def commits(self, names: Iterable[str]) -> list[str | None]:
        """As `commit`, of several at the same moment."""
        answers = self._ask([f"{name}^{{commit}}" for name in names])
        return [None if answer is None else answer[0] for _, answer in answers]

    def trees(self, ids: Iterable[str]) -> Mapping[str, tuple[TreeEntry, ...]]:
        """The entries of folders by id. Raises as `blobs`."""
        wanted = list(dict.fromkeys(ids))
        found = {id_: self._trees[id_] for id_ in wanted if id_ in self._trees}
        for id_, answer in self._ask([id_ for id_ in wanted if id_ not in found]):
            if answer is None or answer[1] != "tree":
                raise self._missing(id_)
            found[id_] = self._entries(id_, answer[2])
            self.keep(id_, found[id_])
        return {id_: found[id_] for id_ in wanted}

    def entry(self, tree: str, name: bytes) -> TreeEntry | None:
        """What stands under a name in a folder. Raises as `blobs`."""
        names = self._by_name.get(tree)
        if names is None:
            entries, names = self.trees([tree])[tree], {}
            for item in entries:
                names.setdefault(item.name, item)
            self._by_name[tree] = names
        return names.get(name)

    def keep(self, id_: str, entries: tuple[TreeEntry, ...]) -> None:
        """Remember a folder: one that was read, or one that this process makes."""
        self._kept += len(entries)
        if self._kept > _MOST_KEPT:
            self._trees, self._by_name, self._roots, self._kept = {}, {}, {}, len(entries)
        self._trees[id_] = entries

    def _entries(self, id_: str, data: bytes) -> tuple[TreeEntry, ...]:
        """Raises IntegrityError for a tree object that is not as git writes one."""
        items = _ENTRY[self._format].findall(data)
        width = 2 + hashlib.new(self._format, usedforsecurity=False).digest_size  # with a space and a NUL
        if sum([len(mode) + len(name) + width for mode, name, _ in items]) != len(data):  # something lies between them
            raise IntegrityError(f"object {id_} is damaged: it is no tree", hint="git fsck")
        return tuple([TreeEntry(name, _mode(mode), raw.hex()) for mode, name, raw in items])

    def _ask(self, specs: list[str]) -> Iterator[tuple[str, tuple[str, str, bytes] | None]]:
        """Each spec with id, type and content of its object; None for what is missing."""
        if self._fetches:
            self._fetch(specs)
        for start in range(0, len(specs), _AT_ONCE):
            part = specs[start : start + _AT_ONCE]
            answers = self._answers(part)
            if not self._fetches and _lacks(part, answers) and self._git.is_partial:
                self._fetches = True
                self._fetch(specs[start:])
                self._process = None
                answers = self._answers(part)
            if answers is None:
                self._git.run(["cat-file", "--batch"], input=b"")  # says why, if it does not work at all
                raise UnavailableError("git cat-file ended in the middle of an answer", hint="git fsck")
            yield from zip(part, answers, strict=True)

    def _fetch(self, specs: list[str]) -> None:
        """What a partial clone lacks of these objects, in one go: git itself opens a connection for each of them."""
        if self._here is None:
            every = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered", "--buffer"]
            self._here = set(self._git.run(every, here=True).text.split())
        missing = [spec for spec in specs if spec not in self._here and _ID.fullmatch(spec)]
        if len(missing) > 1 and self._bring is not None:
            self._bring(missing)
            self._here.update(missing)

    def _answers(self, specs: list[str]) -> list[tuple[str, str, bytes] | None] | None:
        """The answers to some specs; None where git ended before the last of them."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes were asked for
        try:
            process.stdin.write("".join(f"{spec}\n" for spec in specs).encode())
            process.stdin.flush()
            return [self._answer(process.stdout) for _ in specs]
        except (OSError, EOFError):
            self._process = None
            return None

    def _answer(self, pipe: object) -> tuple[str, str, bytes] | None:
        """One answer (git-cat-file(1), BATCH OUTPUT): `ID TYPE SIZE LF CONTENT LF`, or `SPEC missing LF`."""
        header = pipe.readline()  # type: ignore[attr-defined]
        if not header.endswith(b"\n"):
            raise EOFError
        parts = header[:-1].split(b" ")
        if len(parts) != 3 or not parts[2].isdigit():
            return None
        size = int(parts[2])
        content = pipe.read(size + 1)  # type: ignore[attr-defined]
        if len(content) != size + 1:
            raise EOFError
        id_, type_, data = parts[0].decode(), parts[1].decode(), content[:-1]
        made = hashlib.new(self._format, b"%s %d\0" % (parts[1], size) + data, usedforsecurity=False).hexdigest()
        if made != id_:
            raise IntegrityError(f"object {id_} is damaged: its bytes are not those of its id", hint="git fsck")
        return id_, type_, data

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = self._git.open(["cat-file", "--batch"], here=not self._fetches)
            weakref.finalize(self, _close, self._process)
        return self._process

    def _missing(self, id_: str) -> IntegrityError | UnavailableError:
        if self._git.is_partial:
            return UnavailableError(
                f"object {id_} is not in this partial clone, and its remote did not give it",
                hint="is the network there?",
            )
        return IntegrityError(f"object {id_} is missing or damaged in this clone", hint="git fsck, then clone again")


@lru_cache
def _mode(stored: bytes) -> str:
    return stored.decode().rjust(6, "0")


def _lacks(specs: list[str], answers: list[tuple[str, str, bytes] | None] | None) -> bool:
    """Whether an object may be elsewhere: one that is named by its id. A ref that is not here is nowhere else."""
    if answers is None:
        return True
    return any(answer is None and _ID.match(spec) for spec, answer in zip(specs, answers, strict=True))


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
