"""DVC's configuration: making a git repository a DVC one without `dvc init`, and reading the result without DVC.

Format sources: `dvc.config` (levels, relative paths, lower-cased keys), `dvc.repo.init` (the files), both 3.67.
Importing `dvc.config` takes five times as long as what is needed here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelreg.errors import InvalidError, UsageError

REMOTE = "storage"
"""The name of the DVC remote that modelreg sets up."""

EMBEDDED = "remote"
"""URL of an embedded remote: the folder `.dvc/remote`, committed to git. DVC resolves it from `.dvc/`."""

_IGNORED = ("/config.local", "/tmp", "/cache", "/storage")  # noqa: S108 - lines of .dvc/.gitignore
_DVCIGNORE = b"""\
# Add patterns of files dvc should ignore, which could improve
# the performance. Learn more at
# https://dvc.org/doc/user-guide/dvcignore
"""
_NAMED = re.compile(r"""\s*(remote|machine|db)\s*"(.*)"\s*""")

Read = Callable[[str], bytes | None]
"""Reads a file of the repository by its path from the top; None where there is none."""


def setup_files(read: Read, *, remote: str | None = None, embedded: bool = False, root: str = "") -> dict[str, bytes]:
    """The files, by path from the top, that make the repository a DVC one with a default remote.

    `remote` is a URL (`s3://bucket/path`) or a folder (absolute, or relative to the folder that holds `.dvc`). A
    configuration that exists, at `root` or above it, keeps every line and gets only what it lacks. Only files that
    are new or changed are returned. Raises UsageError for a remote that cannot be set, InvalidError where another
    default remote is configured already.
    """
    if remote is not None and embedded:
        raise UsageError("a remote is either embedded or elsewhere", hint="leave out --remote or --embedded")
    url = EMBEDDED if embedded else _url(remote)
    folder = dvc_folder(read, root)
    wanted = {
        f"{folder}.dvc/config": _config(read(f"{folder}.dvc/config") or b"", url, f"{folder}.dvc/config"),
        f"{folder}.dvc/.gitignore": _gitignore(read(f"{folder}.dvc/.gitignore") or b""),
        f"{folder}.dvcignore": read(f"{folder}.dvcignore") or _DVCIGNORE,
    }
    return {path: data for path, data in wanted.items() if read(path) != data}


def configured(read: Read, root: str = "") -> bool:
    """Whether a default remote is configured already. Raises InvalidError."""
    path = f"{dvc_folder(read, root)}.dvc/config"
    return remote_name(read_config(read(path) or b"", path)) is not None


def dvc_folder(read: Read, root: str = "") -> str:
    """Where `.dvc` is, nearest to `root`, as a prefix for paths: "" for the top, else it ends in a slash."""
    parts = root.split("/") if root else []
    for n in range(len(parts), 0, -1):
        prefix = "/".join(parts[:n]) + "/"
        if read(f"{prefix}.dvc/config") is not None:
            return prefix
    return ""


def read_config(data: bytes, file: str = ".dvc/config") -> dict[str, Any]:
    """A DVC configuration as DVC's own reader gives it: `{"core": {…}, "remote": {NAME: {…}}}`. Raises InvalidError."""
    from configobj import ConfigObj, ConfigObjError  # type: ignore[import-untyped]  # what DVC reads it with

    try:
        sections = ConfigObj(data.decode().splitlines()).dict()
    except (ConfigObjError, UnicodeDecodeError, ValueError) as error:
        line = getattr(error, "line_number", None)
        raise InvalidError("is not a DVC configuration", file=file, line=line) from None
    result: dict[str, Any] = {"remote": {}}
    for section, body in _lower(sections).items():
        named = _NAMED.fullmatch(section)
        if not isinstance(body, dict):
            raise InvalidError("is not a DVC configuration: a value stands outside of a section", file=file)
        if named:
            result.setdefault(named[1], {})[named[2]] = body
        else:
            result[section] = body
    if any(not isinstance(remote, dict) for remote in result["remote"].values()):
        raise InvalidError("is not a DVC configuration: a remote needs a section of its own", file=file)
    return result


def remote_name(config: Mapping[str, Any]) -> str | None:
    """The default remote of a configuration that was read; None where it has none."""
    name = config.get("core", {}).get("remote")
    return name.lower() if isinstance(name, str) and name else None


def remote_url(config: Mapping[str, Any], name: str | None) -> str | None:
    """The URL of a remote as it is written (a path may be relative to `.dvc`); None where there is no such remote."""
    url = config["remote"].get(name, {}).get("url") if name else None
    return url if isinstance(url, str) else None


def is_embedded(config: Mapping[str, Any], name: str | None) -> bool:
    """Whether the remote is the folder `.dvc/remote`, whose objects are committed."""
    url = remote_url(config, name)
    return url is not None and "://" not in url and os.path.normpath(url) == EMBEDDED


def merge(*levels: Mapping[str, Any]) -> dict[str, Any]:
    """Later levels over earlier ones, section by section, as `dvc.config.merge`."""
    merged: dict[str, Any] = {}
    for level in levels:
        for key, value in level.items():
            mine = merged.get(key)
            merged[key] = merge(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged


def user_configs() -> tuple[Path, ...]:
    """Where DVC reads the machine's and the user's configuration, in the order in which the later one wins."""
    import platformdirs

    system = os.getenv("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir("dvc", "iterative")
    user = os.getenv("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir("dvc", "iterative")
    return Path(system, "config"), Path(user, "config")


def shown_url(url: str) -> str:
    """A remote's URL for messages: without user, password and query, any of which may be a secret."""
    if "://" not in url:
        return url
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.split("?", 1)[0].partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _lower(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): _lower(value) if isinstance(value, dict) else value for key, value in section.items()}


def _url(remote: str | None) -> str | None:
    """A remote as `.dvc/config` writes it. Raises UsageError."""
    if remote is None:
        return None
    if not remote or remote.startswith("-") or not remote.isprintable() or any(c in remote for c in "\"'#,"):
        raise UsageError(f"{remote[:80]!a} is no URL or folder that DVC's configuration can hold")
    if "://" in remote:
        if urlsplit(remote).password is not None:
            raise UsageError(
                "the remote's URL holds a password, which would be committed",
                hint=f"dvc remote modify --local {REMOTE} password VALUE (stays in .dvc/config.local)",
            )
        return remote
    if os.path.isabs(remote) or remote.startswith("~"):
        return remote
    # DVC takes relative paths from .dvc/, people from the folder that they see.
    return os.path.normpath(os.path.join("..", remote)).replace(os.sep, "/")


def _config(text: bytes, url: str | None, file: str) -> bytes:
    config = read_config(text, file)
    name = remote_name(config)
    if url is not None and name is not None and remote_url(config, name) != url:
        raise InvalidError(
            f"the default remote {name!a} is set to something else already",
            file=file,
            field="core.remote",
            hint=f"leave it out to use that one, or change it: dvc remote modify {name} url URL",
        )
    lines = text.decode().splitlines()
    if "analytics" not in config.get("core", {}):
        _add(lines, "core", "analytics = false")
    if url is not None and name is None:
        _add(lines, "core", f"remote = {REMOTE}")
        known = remote_url(config, REMOTE)
        if known is not None and known != url:
            raise InvalidError(f"the remote {REMOTE!a} is set to something else already", file=file)
        if known is None:
            lines += [f"['remote \"{REMOTE}\"']", f"    url = {url}"]
    made = ("\n".join(lines) + "\n").encode()
    read_config(made, file)
    return made if made.split() != text.split() else text


def _add(lines: list[str], section: str, line: str) -> None:
    """Put `line` first in `[section]`, which is made at the top where it is missing."""
    for number, existing in enumerate(lines):
        if re.fullmatch(rf"\s*\[\s*['\"]?{section}['\"]?\s*\]\s*(#.*)?", existing, re.IGNORECASE):
            lines.insert(number + 1, f"    {line}")
            return
    lines[:0] = [f"[{section}]", f"    {line}"]


def _gitignore(text: bytes) -> bytes:
    have = text.decode(errors="surrogateescape").splitlines()
    missing = [line for line in _IGNORED if line not in have]
    if not missing:
        return text
    head = text if not text or text.endswith(b"\n") else text + b"\n"
    return head + "".join(f"{line}\n" for line in missing).encode()
