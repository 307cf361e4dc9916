"""What git stores as commits, tags and folders: bytes, and the ids that they give (git: Documentation/gitformat,
object-file.c, tree.c, fsck.c). Nothing is read or written here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from modelreg.domain.plan import CommitId, Tag
from modelreg.registry.ports import Identity

FOLDER = "040000"


class TreeEntry(NamedTuple):
    """One name in a folder: git mode as ls-tree prints it ("040000" is a folder)."""

    name: bytes
    mode: str
    id: str


class GitObject(NamedTuple):
    """An object to be stored: its id, its kind (`blob`, `tree`, `commit`, `tag`) and its content."""

    id: str
    kind: bytes
    content: bytes

    @property
    def whole(self) -> bytes:
        """What the id is the hash of, and what a loose object holds."""
        return b"%s %d\0%s" % (self.kind, len(self.content), self.content)


def git_object(kind: bytes, content: bytes, object_format: str) -> GitObject:
    """An object with its id in a repository of that format ("sha1", "sha256")."""
    made = GitObject("", kind, content)
    return made._replace(id=hashlib.new(object_format, made.whole, usedforsecurity=False).hexdigest())


def sorted_tree(entries: Iterable[TreeEntry]) -> tuple[TreeEntry, ...]:
    """In the order of a folder: by name, as if folders ended with a slash."""
    return tuple(sorted(entries, key=lambda entry: entry.name + b"/" if entry.mode == FOLDER else entry.name))


def tree_content(entries: Iterable[TreeEntry]) -> bytes:
    """A folder, of entries in its order: `MODE NAME NUL ID` for each, the id in raw bytes."""
    return b"".join([b"%s %s\0%s" % (_mode(mode), name, bytes.fromhex(id_)) for name, mode, id_ in entries])


def commit_content(tree: str, parents: Iterable[CommitId], who: Identity, at: int, message: str) -> bytes:
    """A commit by one author, who commits it too, at a time in epoch seconds (UTC)."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"{role} {_signature(who, at)}" for role in ("author", "committer")]
    return "\n".join([*lines, "", message]).encode()


def tag_content(tag: Tag, who: Identity) -> bytes:
    """An annotated tag of a commit."""
    lines = [f"object {tag.target}", "type commit", f"tag {tag.name}", f"tagger {_signature(who, tag.at)}"]
    return "\n".join([*lines, "", tag.message]).encode()


@lru_cache
def _mode(mode: str) -> bytes:
    """As stored: no zero before it."""
    return mode.lstrip("0").encode()


def _signature(who: Identity, at: int) -> str:
    name, email = (" ".join(text.replace("<", "").replace(">", "").split()) for text in (who.name, who.email))
    return f"{name} <{email}> {at} +0000"
