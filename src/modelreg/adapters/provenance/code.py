"""The state of the code: the repository's commit, and what differs from it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from modelreg.adapters.door import Door
from modelreg.adapters.provenance.place import Place
from modelreg.errors import ModelregError

MAX_FILES = 100
_NAMED = 5


def code(place: Place, script: Path | None = None) -> tuple[dict[str, Any] | None, list[str]]:
    """lineage.code as it is now, and notes. None outside a repository and before the first commit.

    `diff_sha256` is the digest of `git -c core.quotePath=false diff --binary HEAD`, `dirty_files` its paths. A `script`
    that git does not track counts as differing, since nobody finds it at the commit: its diff from nothing (`git diff
    --no-index /dev/null`) follows the other. No file is exempt: what modelreg writes below registry/ it commits itself.
    """
    git = place.git
    if git is None:
        return None, [f"the code is not recorded: {place.why}"]
    try:
        return _state(place, git, script)
    except ModelregError as error:
        return None, [f"the code is not recorded: {error.message}"]


def without_credentials(url: str) -> str:
    """A URL without user and password; a path of this machine is no address for others: left out."""
    if url.startswith(("/", ".", "file:")):
        return ""
    return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)


def _state(place: Place, git: Door, script: Path | None) -> tuple[dict[str, Any] | None, list[str]]:
    commit = git.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], check=False).decode().strip()
    if not commit:
        return None, ["the code is not recorded: its repository has no commit"]
    tree = git.run(["rev-parse", "--verify", "HEAD^{tree}"]).decode().strip()
    branch = git.run(["symbolic-ref", "--quiet", "--short", "HEAD"], check=False).decode("utf-8", "replace").strip()
    remote = git.run(["config", "--get", "remote.origin.url"], check=False).decode("utf-8", "replace").strip()
    entry_point = place.inside(script) if script else None
    diff, files = _differs(git, entry_point) if git.top else (b"", [])
    body: dict[str, Any] = {
        "repository": without_credentials(remote) or None,
        "commit": commit,
        "tree": tree,
        "branch": branch or None,
        "dirty": bool(diff),
        "diff_sha256": hashlib.sha256(diff).hexdigest() if diff else None,
    }
    if files:
        body["dirty_files"] = files[:MAX_FILES]
    if entry_point:
        body["entry_point"] = entry_point
    return body, [_told(files)] if files else []


def _differs(git: Door, entry_point: str | None) -> tuple[bytes, list[str]]:
    options = ["--no-ext-diff", "--no-textconv"]
    diff = git.run(["diff", "--binary", *options, "HEAD"])
    names = git.run(["diff", "--name-only", "--no-renames", "-z", *options, "HEAD"])
    files = [name.decode("utf-8", "replace") for name in names.split(b"\0") if name]
    if entry_point and not git.run(["ls-files", "-z", "--", entry_point]):
        # Exit code 1 says that they differ.
        diff += git.attempt(["diff", "--binary", *options, "--no-index", "--", "/dev/null", entry_point]).out
        files.append(entry_point)
    return diff, files


def _told(files: list[str]) -> str:
    named = ", ".join(ascii(name)[1:-1] for name in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    verb = "differs" if len(files) == 1 else "differ"
    return f"{named}{more} {verb} from the commit, which is recorded: the commit alone does not make this version again"
