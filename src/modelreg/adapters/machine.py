"""What this machine has: tools with their versions, and what killed writers left in a git directory."""

from __future__ import annotations

import re
import shutil
import time

from modelreg.adapters.git import MINIMUM_VERSION, version
from modelreg.adapters.repository import GitRepository
from modelreg.errors import UnavailableError

_MERGE_TREE = (2, 38)


class LocalMachine:
    """Implements `registry.doctor.Machine`, for a repository where there is one."""

    def __init__(self, repository: GitRepository | None) -> None:
        self.repository = repository

    def git(self) -> tuple[str, bool, bool]:
        try:
            said = version()
        except UnavailableError as error:
            return error.message, False, False
        found = re.search(r"(\d+)\.(\d+)", said)
        number = tuple(map(int, found.groups())) if found else (0, 0)
        return said, number >= MINIMUM_VERSION, number >= _MERGE_TREE

    def ssh_keygen(self) -> str | None:
        return shutil.which("ssh-keygen")

    def origin(self) -> str | None:
        return self.repository.git.git.setting("remote.origin.url") if self.repository else None

    def leftovers(self) -> list[str]:
        if self.repository is None:
            return []
        folder = self.repository.git_dir
        locks = [
            folder / "index.lock",
            folder / "packed-refs.lock",
            folder / "HEAD.lock",
            *folder.glob("refs/**/*.lock"),
        ]
        found = []
        for path in [*locks, folder / "modelreg" / "journal.json"]:
            try:
                age = time.time() - path.lstat().st_mtime
            except OSError:
                continue
            found.append(f"{path.relative_to(folder)} ({age:.0f} s old)")
        return found
