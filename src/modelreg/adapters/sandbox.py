"""A throwaway clone in a private folder, for code of the past (`registry.sandbox.Sandbox`).

It is made by plumbing: no remote, no ref but its own branch, objects borrowed from the repository. A work tree of the
repository itself would share its refs, so that code which registers what it made would land on the user's branch.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from modelreg.adapters import dvc_setup, fetching, hashing, interpreters, programs, recomposed
from modelreg.adapters.door import Door
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.git import Git, check_ref
from modelreg.adapters.hashing import ListedFile
from modelreg.adapters.interpreters import Interpreter
from modelreg.adapters.paths import check_paths
from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId
from modelreg.errors import InvalidError, UnavailableError
from modelreg.registry.artifact_port import Stored
from modelreg.registry.ports import Identity, Repository
from modelreg.registry.sandbox import Ran, Tell

STORAGE = "MODELREG_STORAGE"
"""Environment variable: a folder that takes the place of the registry's remote, whatever is configured."""

_PLAIN_REMOTE = frozenset(("url", "checksum_jobs", "jobs", "no_traverse", "type", "protected", "shared", "verify"))
"""Settings that a remote in a folder may have (`dvc.config_schema`): with others its URL cannot become a folder's."""

_KEPT = ("LC_", "LANG", "TZ", "PATH", "TERM", "LD_LIBRARY_PATH", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_")
"""What code of the past sees of the environment: language, time zone and what numerical libraries go by. No tokens."""


@dataclass
class CloneSandbox:
    """Implements `registry.sandbox.Sandbox`. `theirs` is the configuration of the user's cache and remote."""

    folder: Path
    theirs: Configuration
    branch: str
    _interpreter: Interpreter | None = field(default=None, init=False)

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    def repository(self) -> Repository:
        return GitRepository.open(self.clone)

    # -- objects

    def fetch(self, md5: str, target: Path, *, sha256: str | None, size_bytes: int | None) -> bool:
        return fetching.fetch(self.theirs, md5, target, sha256=sha256, size_bytes=size_bytes)

    def place(self, path: str, md5: str, *, sha256: str | None, size_bytes: int | None) -> bool:
        arrived = Path(tempfile.mkdtemp(dir=self.folder)) / "content"
        if not self.fetch(md5, arrived, sha256=sha256, size_bytes=size_bytes):
            return False
        target = self._plain(path)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        arrived.rename(target)
        return True

    def made(self, md5: str, target: Path, *, sha256: str | None, size_bytes: int | None) -> bool:
        mine = Configuration(self.clone, self.clone / ".git", None, None, "", self._cache)
        return fetching.fetch(mine, md5, target, sha256=sha256, size_bytes=size_bytes, remote=False)

    def left(self, path: str) -> Stored | None:
        place = self._plain(path)
        if place.is_dir():
            files = [(item.path, hashing.digest_file(item.file)) for item in hashing.walk(place)]
            listing = hashing.listing(ListedFile(name, d.size_bytes, d.sha256) for name, d in files)
            folder = hashing.dir_object((name, d.md5) for name, d in files)
            md5 = hashlib.md5(folder, usedforsecurity=False).hexdigest()
            size = sum(digests.size_bytes for _, digests in files)
            return Stored(place.name, size, hashlib.sha256(listing).hexdigest(), f"{md5}.dir", listing)
        if not os.path.lexists(place):
            return None
        found = hashing.digest_file(place)
        return Stored(place.name, found.size_bytes, found.sha256, found.md5, None)

    # -- environment

    def install(self, lock: bytes | None, name: str, python: str | None, tell: Tell) -> Sequence[str]:
        if lock is None:
            self._interpreter = interpreters.current(self.folder, self.clone)
        else:
            self._interpreter = interpreters.fresh(self.folder, self.clone, lock, name, python, tell)
        return self._interpreter.notes

    def installed(self) -> tuple[str, Mapping[str, str]]:
        environment = self._environment(Identity("", ""), 0, ())
        return interpreters.installed(self._python, self.folder, environment)

    def run(
        self,
        command: str | Sequence[str],
        folder: str,
        *,
        author: Identity,
        hash_seed: int,
        keep: Sequence[str],
        limit_s: float | None,
        tell: Tell,
    ) -> Ran:
        # DVC only starts the stages' commands, which find their Python on PATH. -P: no module of the clone is DVC's.
        dvc = [sys.executable, "-P", "-m", "dvc"]
        args = ["/bin/sh", "-c", command] if isinstance(command, str) else [*dvc, *command]
        cwd = self._plain(folder) if folder else self.clone
        if not cwd.is_dir():
            raise UnavailableError(f"there is no folder {folder} at that commit to run in")
        environment = self._environment(author, hash_seed, keep)
        return programs.run(args, cwd=cwd, env=environment, tell=tell, limit_s=limit_s)

    @property
    def _python(self) -> Interpreter:
        if self._interpreter is None:
            self.install(None, "", None, lambda _: None)
        assert self._interpreter is not None  # noqa: S101 - made just now
        return self._interpreter

    @property
    def _cache(self) -> Path:
        return self.folder / "cache"

    def _environment(self, author: Identity, hash_seed: int, keep: Sequence[str]) -> dict[str, str]:
        """A home, a cache and a remote of its own, the author's name, and little of the user's environment."""
        python = self._python
        kept = {k: v for k, v in os.environ.items() if k in keep or k.startswith(_KEPT)}
        kept["PATH"] = os.pathsep.join([*map(str, python.path), os.environ.get("PATH", os.defpath)])
        for name in ("home", "tmp", "dvc"):
            (self.folder / name).mkdir(exist_ok=True)
        if python.python_path:
            kept["PYTHONPATH"] = os.pathsep.join(python.python_path)
        if not dvc_setup.is_embedded(self.theirs.merged, self.theirs.name) and self.theirs.wanted != "embedded":
            kept[STORAGE] = str(self.folder / "remote")
        dvc = str(self.folder / "dvc")
        return kept | {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONHASHSEED": str(hash_seed),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_COMMITTER_NAME": author.name,
            "GIT_COMMITTER_EMAIL": author.email,
            "DVC_NO_ANALYTICS": "1",
            "DVC_GLOBAL_CONFIG_DIR": dvc,
            "DVC_SYSTEM_CONFIG_DIR": dvc,
            "DVC_SITE_CACHE_DIR": dvc,
        }

    def _plain(self, path: str) -> Path:
        """A path in the clone that no link leads out of. Raises InvalidError."""
        check_paths([path])
        place = self.clone / path
        for above in place.relative_to(self.clone).parents:
            if (self.clone / above).is_symlink() and above != Path():
                raise InvalidError(f"{above} is a symbolic link in the clone", file=path)
        if place.is_symlink():
            raise InvalidError("is a symbolic link in the clone", file=path)
        return place


@contextmanager
def opened(
    source: Door,
    theirs: Configuration,
    code: tuple[CommitId, CommitId | None],
    branch: str,
    *,
    keep: Path | None = None,
) -> Iterator[CloneSandbox]:
    """A sandbox whose `branch` is the commit of `code`, with the registry of its second one where there is one, checked
    out; gone afterwards unless it is made at `keep`.

    Raises UnavailableError where objects of the commit are missing here, or `keep` cannot be made.
    """
    if keep is not None:
        _made(keep)
    folder = (keep or Path(tempfile.mkdtemp(prefix="modelreg-reproduce-"))).resolve()
    try:
        sandbox = CloneSandbox(folder, theirs, branch)
        _clone(source, code, branch, sandbox.clone)
        _redirect(sandbox)
        yield sandbox
    finally:
        if keep is None:
            _writable(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _made(keep: Path) -> None:
    try:
        keep.mkdir(parents=True, mode=0o700)
    except OSError as error:
        hint = "name a folder that is not there yet"
        raise UnavailableError(f"cannot be made: {error.strerror}", file=str(keep), hint=hint) from error


def _clone(source: Door, code: tuple[CommitId, CommitId | None], branch: str, clone: Path) -> None:
    check_ref(branch)
    room = Git(clone.parent)
    room.run(
        ["init", "--quiet", "--template=", f"--object-format={source.object_format}", "-b", branch, str(clone)],
        write=True,
    )
    (clone / ".git" / "objects" / "info").mkdir(exist_ok=True)
    alternates = clone / ".git" / "objects" / "info" / "alternates"
    alternates.write_bytes(os.fsencode(source.common_dir / "objects") + b"\n")
    if source.shallow:
        shutil.copyfile(source.common_dir / "shallow", clone / ".git" / "shallow")
    (clone / ".git" / "info").mkdir(exist_ok=True)
    (clone / ".git" / "info" / "exclude").write_text("config.local\n")
    git = Git(clone)
    commit = code[0] if code[1] is None else _recomposed(clone, code[0], code[1])
    git.run(["update-ref", f"refs/heads/{branch}", commit], write=True)
    # Bytes as they are in the commit: no filter, and no line ends of the user's taste.
    plain = [*git.filters_off(), ("core.autocrlf", "false"), ("core.eol", "lf")]
    done = git.run(["reset", "--hard", "--quiet", commit], write=True, check=False, config=plain)
    if done.code:
        raise UnavailableError(
            f"the files of commit {commit[:12]} cannot be had: {done.err.strip().splitlines()[-1][:200]}",
            hint="git fetch --refetch brings what a partial clone left out; git fsck says what is missing",
        )


def _recomposed(clone: Path, code: CommitId, records: CommitId) -> str:
    """A commit of the clone with the files of one commit, and the registry of another, which it follows."""
    door = Door.open(clone)
    tree = recomposed.write(door, code, records)
    who = {f"GIT_{role}_{part}": "modelreg" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    command = ["commit-tree", tree, "-p", records, "-m", f"The files of {code}"]
    return door.run(command, write=True, env=who).decode().strip()


def _redirect(sandbox: CloneSandbox) -> None:
    """Let DVC's cache and remotes in the clone be folders of the sandbox (`config.local`, which git does not see)."""
    prefix = sandbox.theirs.prefix
    committed = sandbox.clone / f"{prefix}.dvc" / "config"
    if not committed.is_file() or committed.is_symlink():
        return
    lines = ["[cache]", f"    dir = {sandbox.folder / 'cache'}"]
    for number, (name, settings) in enumerate(dvc_setup.read_config(committed.read_bytes())["remote"].items()):
        embedded = os.path.normpath(str(settings.get("url"))) == dvc_setup.EMBEDDED
        if not embedded and set(settings) <= _PLAIN_REMOTE:
            lines += [f"['remote \"{name}\"']", f"    url = {sandbox.folder / 'remote'}{number or ''}"]
    (committed.parent / "config.local").write_text("\n".join(lines) + "\n")


def _writable(folder: Path) -> None:
    """DVC makes what it caches read-only; a folder that is cannot be emptied."""
    for place, names, _ in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if not path.is_symlink():
                path.chmod(0o700)
