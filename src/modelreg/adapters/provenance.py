"""Where a version comes from, as far as this machine can tell: code, data, environment."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

from modelreg.adapters.door import Door
from modelreg.adapters.hashing import digest_file
from modelreg.errors import ModelregError, NotFoundError


def code(start: Path, entry_point: str | None = None) -> dict[str, Any] | None:
    """The state of the git repository around `start`: commit, tree, branch, whether tracked files differ from it.

    `diff_sha256` is the digest of `git diff --binary HEAD`. None outside a repository or before the first commit.
    """
    try:
        git = Door.open(start)
        commit = git.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], check=False).decode().strip()
        if not commit:
            return None
        tree = git.run(["rev-parse", "--verify", "HEAD^{tree}"]).decode().strip()
        branch = git.run(["symbolic-ref", "--quiet", "--short", "HEAD"], check=False).decode().strip()
        remote = git.run(["config", "--get", "remote.origin.url"], check=False).decode().strip()
        diff = git.run(["diff", "--binary", "--no-ext-diff", "--no-textconv", "HEAD"]) if git.top else b""
    except ModelregError:
        return None
    body: dict[str, Any] = {"repository": without_credentials(remote) or None, "commit": commit, "tree": tree}
    body |= {"branch": branch or None, "dirty": bool(diff)}
    body["diff_sha256"] = hashlib.sha256(diff).hexdigest() if diff else None
    if entry_point:
        body["entry_point"] = entry_point
    return body


def data(name: str, path: Path, role: str) -> dict[str, Any]:
    """An entry of lineage.data: size in bytes, sha256 and MD5 of the file. Raises NotFoundError."""
    if not path.is_file():
        raise NotFoundError(
            f"there is no data file {path}", file=str(path), hint="is the path right? it counts from the current folder"
        )
    digests = digest_file(path)
    return {
        "name": name,
        "role": role,
        "path": _shown(path),
        "size_bytes": digests.size_bytes,
        "sha256": digests.sha256,
        "md5": digests.md5,
    }


def environment(lock: Path | None = None) -> dict[str, Any]:
    """Python, platform, hardware, and the lock file's digest. Raises NotFoundError for a lock that is not there."""
    body: dict[str, Any] = {
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "hardware": {"cpu_count": os.cpu_count(), "memory_bytes": _memory_bytes(), "gpu": None},
    }
    if lock is not None:
        if not lock.is_file():
            raise NotFoundError(
                f"there is no lock file {lock}",
                file=str(lock),
                hint="is the path right? it counts from the current folder",
            )
        body["lock"] = {"path": lock.name, "sha256": hashlib.sha256(lock.read_bytes()).hexdigest()}
    return body


def without_credentials(url: str) -> str:
    """A remote's URL without user and password; a path of this machine is no address for others: left out."""
    if url.startswith(("/", ".", "file:")):
        return ""
    return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)


def _shown(path: Path) -> str:
    """From the working folder; a path of this machine says nothing to others, so elsewhere the name alone."""
    here = Path.cwd().resolve()
    absolute = path.resolve()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else path.name


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
