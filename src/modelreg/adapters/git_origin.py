"""Another repository's models, read from its objects and from DVC's cache and remote as it configures them.

What DVC tracks is known by MD5 alone there: whatever is fetched is compared with that, and gets its sha256 here.
"""

from __future__ import annotations

import math
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from modelreg.adapters.documents import YamlDocuments
from modelreg.adapters.dvc_cache import check_md5
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.dvc_fetch import Expected, Fetcher
from modelreg.adapters.dvc_remote import UNKNOWN_SIZE
from modelreg.adapters.machine import LocalMachine
from modelreg.adapters.repository import GitRepository
from modelreg.domain import declared
from modelreg.domain.declared import DeclaredArtifact
from modelreg.domain.gto import GtoTag
from modelreg.domain.plan import CommitId
from modelreg.errors import IntegrityError, InvalidError, ModelregError, NotFoundError, UnavailableError
from modelreg.registry.origin import Fetched
from modelreg.registry.ports import Tree

TIMEOUT_S = 60.0
_FIELDS = ("refname:lstrip=2", "objecttype", "*objectname", "taggerdate:unix", "taggeremail:trim", "contents")
_TAGS = "".join(f"%({field})%00" for field in _FIELDS) + "%00"
_SMALL = 1024 * 1024
"""No file of metrics or parameters is read beyond this."""
_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class _Out:
    """An output that DVC tracks: its MD5 as DVC names the object, and its size, where the pointer has it."""

    md5: str
    size_bytes: int | None


class RepositoryOrigin:
    """`GitOrigin` on a clone at `path`. Raises NotARegistryError where there is no repository."""

    def __init__(self, path: Path) -> None:
        self._repository = GitRepository.open(path)
        self._documents = YamlDocuments()

    @property
    def name(self) -> str:
        url = LocalMachine(self._repository).origin()
        if url is None or "://" not in url:
            return (self._repository.top or self._repository.git_dir).resolve().name
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def same_as(self, git_dir: Path) -> bool:
        return self._repository.git_dir.resolve() == git_dir.resolve()

    def gto_tags(self) -> Sequence[GtoTag]:
        found = []
        for record in self._run("for-each-ref", f"--format={_TAGS}", "--", "refs/tags/").split("\0\0\n"):
            fields = record.split("\0")
            if len(fields) >= len(_FIELDS) and fields[1] == "tag" and fields[2] and fields[3].isdecimal():
                found.append(GtoTag(fields[0], fields[2], fields[5].strip(), int(fields[3]), fields[4]))
        return found

    def commit(self, rev: str) -> CommitId:
        commit = self._repository.resolve(rev)
        if commit is None:
            raise NotFoundError(f"{rev!a} names no commit there", hint="git tag, git branch --all list what there is")
        return commit

    def committed(self, commit: CommitId) -> tuple[int, str]:
        said = self._run("show", "-s", "--format=%ct%x00%ae", "--end-of-options", commit)
        at, _, by = said.strip().partition("\0")
        return int(at), by

    def _run(self, *args: str) -> str:
        return self._repository.git.run(args).decode(errors="replace")

    # -- what is declared

    def artifacts(self, commit: CommitId) -> Mapping[str, DeclaredArtifact]:
        tree = self._repository.tree(commit)
        found: dict[str, DeclaredArtifact] = {}
        for path in sorted(tree.paths("")):
            folder, name = posixpath.split(path)
            if name == "artifacts.yaml" and not folder:
                found |= declared.artifacts(self._value(tree, path, ()), folder)
            elif name == "dvc.yaml":
                found |= declared.artifacts(self._value(tree, path, ("artifacts",)), folder)
        return found

    def measured(self, commit: CommitId, folder: str) -> tuple[Mapping[str, Any], Mapping[str, Any], Sequence[str]]:
        tree = self._repository.tree(commit)
        path = posixpath.join(folder, "dvc.yaml")
        body = {}
        for key in ("metrics", "params", "stages"):
            value = self._value(tree, path, (key,))
            if value is not None:
                body[key] = value
        notes: list[str] = []
        metrics = self._files(commit, declared.metrics_files(body, folder), notes)
        params = self._files(commit, declared.params_files(body, folder), notes)
        single = next(iter(params.values())) if len(params) == 1 else params
        return _numbers(metrics), single, notes

    def _files(self, commit: CommitId, paths: Sequence[str], notes: list[str]) -> dict[str, Any]:
        found = {}
        for path in paths:
            try:
                data = self._small(commit, path)
                if path.endswith(".json"):
                    data = data.replace(b"\t", b" ")
                value = self._documents.load(data, path).value
            except ModelregError as error:
                notes.append(f"{path} is left out: {error.message}")
                continue
            if isinstance(value, Mapping):
                found[path] = value
            else:
                notes.append(f"{path} is left out: it is no mapping")
        return found

    def _small(self, commit: CommitId, path: str) -> bytes:
        data = self._repository.tree(commit).read(path)
        if data is None:
            out = self._tracked(commit, path)
            if out is None or out.md5.endswith(".dir"):
                raise NotFoundError("it is not in git, and DVC does not track it")
            with TemporaryDirectory(prefix="modelreg-") as folder:
                data = self._take(out, Path(folder, "file"), limit=_SMALL).read_bytes()
        if len(data) > _SMALL:
            raise InvalidError("it is too large")
        return data

    def _value(self, tree: Tree, path: str, keys: Sequence[str]) -> Any:
        """A value of somebody's YAML; None where there is none. Raises InvalidError, with the file."""
        data = tree.read(path)
        if data is None:
            return None
        if not keys:
            return self._documents.load(data, path).value
        found = self._documents.find(data, path, keys)
        return None if found is None else found.value

    # -- files

    def fetch(self, commit: CommitId, path: str, into: Path) -> Fetched:
        try:
            return Fetched(self._fetch(commit, path, into / posixpath.basename(path)))
        except (UnavailableError, IntegrityError, NotFoundError, InvalidError) as error:
            return Fetched(None, error.message)

    def _fetch(self, commit: CommitId, path: str, target: Path) -> Path:
        tree = self._repository.tree(commit)
        data = tree.read(path)
        if data is not None:
            if data.startswith(_LFS):
                raise UnavailableError("it is in Git LFS, which is not read")
            target.write_bytes(data)
            return target
        out = self._tracked(commit, path)
        if out is not None:
            return self._take(out, target)
        inside = {name: entry for name, entry in tree.paths(f"{path}/").items() if entry.mode in ("100644", "100755")}
        if not inside:
            raise NotFoundError(f"{path} is not in git at that commit, and DVC does not track it")
        for name, content in tree.read_many(inside).items():
            _write(target, name[len(path) + 1 :], content)
        return target

    def _tracked(self, commit: CommitId, path: str) -> _Out | None:
        """By a pointer beside it, a dvc.lock in a folder above, or a folder above that DVC tracks."""
        for whole in (path, *_above(path)):
            out = self._pointer(commit, whole) or self._locked(commit, whole)
            if out is None:
                continue
            if whole == path:
                return out
            if out.md5.endswith(".dir"):
                return self._within(out, path[len(whole) + 1 :])
        return None

    def _pointer(self, commit: CommitId, path: str) -> _Out | None:
        body = self._value(self._repository.tree(commit), f"{path}.dvc", ())
        outs = body.get("outs") if isinstance(body, Mapping) else None
        for entry in outs if isinstance(outs, list) else ():
            if isinstance(entry, Mapping) and entry.get("path") == posixpath.basename(path):
                return _out(entry)
        return None

    def _locked(self, commit: CommitId, path: str) -> _Out | None:
        tree = self._repository.tree(commit)
        for folder in (*_above(path), ""):
            stages = self._value(tree, posixpath.join(folder, "dvc.lock"), ("stages",))
            for stage in stages.values() if isinstance(stages, Mapping) else ():
                outs = stage.get("outs") if isinstance(stage, Mapping) else None
                for entry in outs if isinstance(outs, list) else ():
                    at = entry.get("path") if isinstance(entry, Mapping) else None
                    if isinstance(at, str) and posixpath.normpath(posixpath.join(folder, at)) == path:
                        return _out(entry)
        return None

    def _within(self, folder: _Out, below: str) -> _Out | None:
        files = self._fetcher.dir_files(folder.md5)
        return _Out(files[below], None) if below in files else None

    @cached_property
    def _fetcher(self) -> Fetcher:
        """By the configuration of HEAD: where the remote moved since, that is where the files are."""
        repository = self._repository
        head = repository.resolve("HEAD")
        read = repository.tree(head).read if head is not None else None
        return Fetcher(Configuration(repository.top, repository.git_dir, None, read), TIMEOUT_S)

    def _take(self, out: _Out, target: Path, limit: int | None = None) -> Path:
        if not out.md5.endswith(".dir"):
            size = self._size(out)
            if limit is not None and size > limit:
                raise InvalidError("it is too large")
            self._fetcher.take(out.md5, target, Expected(size, None), _nothing)
            return target
        files = self._fetcher.dir_files(out.md5)
        if not files:
            raise UnavailableError(f"neither the cache nor the remote holds the object {out.md5}")
        for name, md5 in files.items():
            self._take(_Out(md5, None), _place(target, name))
        return target

    def _size(self, out: _Out) -> int:
        """The size of an object as it lies in the cache, or else in the remote."""
        size = self._fetcher.cache.size(out.md5)
        if size is None and not self._fetcher.configuration.embedded:
            size = self._fetcher.remote.sizes([out.md5])[out.md5]
        if size is None:
            raise UnavailableError(f"neither the cache nor the remote holds the object {out.md5}")
        size = out.size_bytes if size == UNKNOWN_SIZE else size
        if size is None:
            raise UnavailableError(f"the remote does not say how large the object {out.md5} is")
        return size


def _out(entry: Mapping[str, Any]) -> _Out:
    md5, size = entry.get("md5"), entry.get("size")
    if not isinstance(md5, str):
        raise UnavailableError("DVC knows it by something else than an MD5")
    return _Out(check_md5(md5), size if type(size) is int and not md5.endswith(".dir") else None)


def _above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _place(folder: Path, name: str) -> Path:
    """Where a folder's file goes: below the folder, which is fresh and private. Raises IntegrityError."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise IntegrityError(f"a folder holds a file with the name {name[:80]!a}")
    place = folder.joinpath(*parts)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _write(folder: Path, name: str, content: bytes) -> None:
    _place(folder, name).write_bytes(content)


def _nothing(_: int) -> None:
    """Nobody watches single bytes; whole versions are counted."""


def _numbers(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The numbers of all files, groups as they are; a name that two files have is led by the second file's stem."""
    found: dict[str, Any] = {}
    for path, body in files.items():
        stem = re.sub(r"\W+", "_", os.path.splitext(posixpath.basename(path))[0])
        for key, value in _leaves(body).items():
            found[f"{stem}_{key}" if key in found else key] = value
    return found


def _leaves(body: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, Mapping):
            found |= _leaves(value, f"{prefix}{key}.")
        elif type(value) in (int, float) and math.isfinite(value):
            found[f"{prefix}{key}"] = value
    return found
