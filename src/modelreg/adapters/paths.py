"""Paths that a plan or a journal may name: plain, from the top of the repository, outside of git's own folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelreg.errors import InvalidError

_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
# What HFS+ ignores in names (git: utf8.c, next_hfs_char): `.g<zero-width>it` is `.git` there.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# NTFS drops dots and spaces at the end and what follows a colon; `git~1` is the short name of `.git` there.
_GIT = re.compile(r"(\.git|git~1)[. ]*(:.*)?", re.IGNORECASE | re.DOTALL)


def why_not(path: str) -> str | None:
    """Why a path may not be written, or None."""
    parts = path.split("/")
    if not path or path.startswith("/") or "" in parts:
        return "is no path from the top of the repository"
    if _CONTROL.search(path):
        return "holds a backslash or a control character"
    if "." in parts or ".." in parts:
        return "leads out of its folder"
    if any(_GIT.fullmatch(_IGNORED.sub("", part)) for part in parts):
        return "is inside git's own folder"
    return None


def check_paths(paths: Iterable[str]) -> None:
    """Raises InvalidError for a path that may not be written, and for one that is a folder of another."""
    known = set(paths)
    for path in sorted(known):
        reason = why_not(path)
        if reason is None and any(folder in known for folder in folders_of([path])):
            reason = "needs a folder where the same change writes a file"
        if reason is not None:
            raise InvalidError(f"{path!a} {reason}")


def folders_of(paths: Iterable[str]) -> set[str]:
    """Every folder above one of the paths, but the top."""
    return {path[:end] for path in paths for end in range(len(path)) if path[end] == "/"}
