"""What files of another registry are called beside a manifest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from modelreg.domain.names import parse_file
from modelreg.errors import InvalidError


def file_name(path: str, name: str, taken: Collection[str]) -> str:
    """A name for an artifact that is called `path` there: that in our grammar, with the ending of `name`, the file on
    disk; none of `taken` (lower case)."""
    ending = re.search(r"\.[A-Za-z0-9]{1,10}$", name)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path).strip("-._") or "file"
    if ending is not None and not stem.lower().endswith(ending[0].lower()):
        stem += ending[0]
    wanted = stem[-100:].lstrip("-._")
    digest = hashlib.sha256(path.encode(errors="replace")).hexdigest()[:8]
    try:
        parse_file(wanted)
    except InvalidError:  # a name that the registry keeps for itself
        return f"{digest}-{wanted}.bin"
    return f"{digest}-{wanted}" if wanted.lower() in taken else wanted
