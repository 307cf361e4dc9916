"""A git repository whose models are brought in: its tags, what its dvc.yaml files declare, the files themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from modelreg.domain.declared import DeclaredArtifact
from modelreg.domain.gto import GtoTag
from modelreg.domain.plan import CommitId


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where an artifact was put (a file or a folder); None where it cannot be had, and why."""

    path: Path | None
    why: str = ""


class GitOrigin(Protocol):
    """Read from objects: nothing of it is checked out or run."""

    @property
    def name(self) -> str:
        """What it is called for people and in records, without credentials: a URL, or a folder's name."""

    def same_as(self, git_dir: Path) -> bool:
        """Whether it is the repository of that git directory."""

    def gto_tags(self) -> Sequence[GtoTag]:
        """All annotated tags. Raises UnavailableError where git cannot read them."""

    def commit(self, rev: str) -> CommitId:
        """Raises NotFoundError."""

    def committed(self, commit: CommitId) -> tuple[int, str]:
        """When (epoch seconds), and the author's e-mail."""

    def artifacts(self, commit: CommitId) -> Mapping[str, DeclaredArtifact]:
        """What the dvc.yaml files of a commit (and GTO's older artifacts.yaml) declare, by GTO's name."""

    def measured(self, commit: CommitId, folder: str) -> tuple[Mapping[str, Any], Mapping[str, Any], Sequence[str]]:
        """Metrics and parameters of the files that the dvc.yaml of `folder` declares, and notes on what is left out."""

    def fetch(self, commit: CommitId, path: str, into: Path) -> Fetched:
        """The file or folder at `path` of a commit, from git, or from DVC's cache or remote by the MD5 on record."""
