"""The environment: Python, platform and hardware."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

from modelreg.errors import NotFoundError


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


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
