"""The lock file of an environment: the one that was named, else one that lies near, else one made from what is there.

Whoever wants the environment again has to find the lock: one that does not lie in the recorded commit as it is now is
kept as an artifact of the version, with the role `lock`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from modelreg.adapters.provenance.place import Place
from modelreg.adapters.trees import CommitTree
from modelreg.domain.plan import CommitId
from modelreg.errors import InvalidError, NotFoundError

GENERATED = "requirements.txt"
NAMES = ("uv.lock", "requirements.lock", "requirements.txt")
"""What counts as a lock, in this order in each folder; the last only where it holds hashes."""

_SECRET = re.compile(rb"://[^/\s@]*:[^/\s@]*@")


@dataclass(frozen=True, slots=True)
class Lock:
    """`entry` is lineage.environment.lock; `content` what is to be kept as an artifact, None where the commit has it;
    `name` what the artifact is called."""

    entry: dict[str, Any]
    name: str
    content: bytes | None
    notes: tuple[str, ...] = ()


def nearest(place: Place, start: Path) -> Path | None:
    """The lock file nearest to a folder of the repository, upwards to its top; None where there is none."""
    top = place.top
    if top is None or place.inside(start) is None:
        return None
    for folder in (start, *start.parents):
        for name in NAMES:
            path = folder / name
            if path.is_file() and not path.is_symlink() and (name != NAMES[-1] or b"--hash=" in path.read_bytes()):
                return path
        if folder == top:
            break
    return None


def from_file(place: Place, path: Path, commit: str | None) -> Lock:
    """A lock file as it is now; `commit` is the recorded one. Raises NotFoundError, InvalidError."""
    file = place.folder / path
    if not file.exists():
        hint = "is the path right? it counts from the current folder"
        raise NotFoundError("there is no such lock file", file=str(path), hint=hint)
    if not file.is_file():
        raise InvalidError("is no file, and no lock file", file=str(path))
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidError(f"cannot be read: {error.strerror}", file=str(path)) from None
    inside = place.inside(file)
    entry = {"path": inside or path.name, "sha256": hashlib.sha256(content).hexdigest(), "source": "file"}
    if inside and commit and place.git and CommitTree(place.git, CommitId(commit)).read(inside) == content:
        return Lock(entry, path.name, None)
    if _SECRET.search(content):
        note = f"{path.name} is recorded by its digest only: it holds a password, and its commit does not have it"
        return Lock(entry, path.name, None, (note,))
    return Lock(entry, path.name, content)


def generated(installed: Mapping[str, Distribution], machine: Mapping[str, Any]) -> Lock:
    """A lock of what is installed for this process: versions without hashes, which stand for what an index has.
    `machine` is that of `environment.machine`."""
    content = "".join(f"{line}\n" for line in _lines(installed, machine)).encode()
    entry = {"path": GENERATED, "sha256": hashlib.sha256(content).hexdigest(), "source": "generated"}
    return Lock(entry, GENERATED, content)


def _lines(installed: Mapping[str, Distribution], machine: Mapping[str, Any]) -> Iterator[str]:
    yield f"# written by modelreg from what was installed: Python {machine['python']}, {machine['platform']}"
    for name, dist in installed.items():
        yield _line(name, dist)


def _version(dist: Distribution) -> str:
    """What `dist.version` says, without the descriptions of hundreds of packages being parsed as mails."""
    head = (dist.read_text("METADATA") or "").partition("\n\n")[0]
    found = re.findall(r"^Version:[ \t]*(\S+)$", head, re.MULTILINE)
    return found[0] if len(found) == 1 else dist.version


@lru_cache(maxsize=4096)
def _line(name: str, dist: Distribution) -> str:
    """A requirement; a comment for what no index has: local folders, archives, other people's credentials (PEP 610)."""
    pinned = f"{name}=={_version(dist)}"
    text = dist.read_text("direct_url.json")
    if not text:
        return pinned
    try:
        direct = json.loads(text)
        url, vcs = str(direct["url"]), direct.get("vcs_info")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"# {pinned} (from an unknown place)"
    if "dir_info" in direct or not re.fullmatch(r"https?://[^@?\s]+", url):
        return f"# {pinned} (from a local or private place)"
    return f"{name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else f"{name} @ {url}"
