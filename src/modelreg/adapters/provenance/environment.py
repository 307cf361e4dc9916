"""The environment: Python, platform, hardware, and what is installed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from itertools import islice
from typing import Any

MAX_PACKAGES = 1000
_GPU_TIMEOUT_S = 5.0


def machine() -> dict[str, Any]:
    """Python, platform and hardware of this process; memory in bytes."""
    return {
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "hardware": {"cpu_count": os.cpu_count(), "memory_bytes": _memory_bytes(), "gpu": _gpu()},
    }


def packages(installed: Mapping[str, metadata.Distribution]) -> dict[str, str]:
    """Versions by name, at most `MAX_PACKAGES`."""
    return {name: str(_named(dist)[1]) for name, dist in islice(installed.items(), MAX_PACKAGES)}


def distributions() -> dict[str, metadata.Distribution]:
    """What is installed, by normalised name (PEP 503), sorted.

    Of two with one name the first on the path counts, as for imports. One without a name or version is a leftover.
    """
    return dict(_installed(tuple((path, _changed(path)) for path in sys.path)))


@lru_cache(maxsize=1)
def _installed(_folders: tuple[tuple[str, int | None], ...]) -> tuple[tuple[str, metadata.Distribution], ...]:
    """Read again where a folder of the path is another, or has changed: to read 180 packages takes 0.2 s."""
    found: dict[str, metadata.Distribution] = {}
    for dist in metadata.distributions():
        name, version = _named(dist)
        if name and version and len(version) <= 100 and version.isprintable():
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), dist)
    return tuple(sorted(found.items()))


def _changed(path: str) -> int | None:
    """When something was installed into a folder of the path, or removed from it (nanoseconds)."""
    try:
        return os.stat(path or ".").st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=4 * MAX_PACKAGES)
def _named(dist: metadata.Distribution) -> tuple[str | None, str | None]:
    """Name and version; `metadata` parses its file at every access."""
    about = dist.metadata
    return about["Name"], about["Version"]


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _gpu() -> str | None:
    """`2 x NVIDIA A100-SXM4-40GB`, as nvidia-smi names them; None where there is none, or no answer in time."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GPU_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
    if done.returncode or not names:
        return None
    return ", ".join(f"{count} x {name}" for name, count in Counter(names).items())[:500]
