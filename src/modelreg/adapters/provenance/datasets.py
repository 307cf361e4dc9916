"""Data sets: a file or a folder, by its digests as DVC names it, and what it holds."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.adapters import hashing
from modelreg.adapters.hashing import Digests, ListedFile
from modelreg.adapters.provenance import tables
from modelreg.adapters.provenance.place import Place
from modelreg.adapters.provenance.tables import NotATableError, Table
from modelreg.errors import InvalidError, NotFoundError

MAX_COLUMNS = 1000
_RACY_S = 2.0
"""A file that was written this shortly before it was looked at may be written again within one tick of its clock."""

_Stamp = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as it was read: the entry of lineage.data, notes, and how its files stood then."""

    entry: dict[str, Any]
    notes: tuple[str, ...]
    path: Path
    stamp: _Stamp
    at: float

    def changed(self) -> bool:
        """Whether it holds other bytes now, or is gone. Reads it again only where its files look touched."""
        try:
            stamp = _stamp(self.path)
            if stamp == self.stamp and all(s[-1] / 1e9 < self.at - _RACY_S for s in stamp.values()):
                return False
            return bool(_digests(self.path).sha256 != self.entry["sha256"])
        except (InvalidError, NotFoundError):
            return True


def dataset(place: Place, path: Path, *, name: str | None, role: str) -> Dataset:
    """Read a data set: a file, or a folder with all that is in it. A symbolic link is what it points to.

    sha256 of a folder is that of its listing, MD5 that of DVC's `.dir` object, as for artifacts. `name` is the file's
    without its ending, unless given. Where rows cannot be counted a note says why. Raises NotFoundError, InvalidError
    for what cannot be read, is neither a file nor a folder, or changes meanwhile.
    """
    real = _existing(place.folder / path)
    at = time.time()
    stamp = _stamp(real)
    found = _digests(real)
    called = name or (real.name if real.is_dir() else path.stem)
    entry: dict[str, Any] = {"name": called, "role": role}
    if (inside := place.inside(path)) not in (None, "."):
        entry["path"] = inside
    entry |= {"size_bytes": found.size_bytes, "sha256": found.sha256, "md5": found.md5}
    if real.is_dir():
        entry["files"] = len(stamp)
    files = _content(stamp)
    if kind := _kind(path, real, files):
        entry["format"] = kind
    notes: tuple[str, ...] = ()
    try:
        if kind is not None and kind in tables.SUFFIXES.values():
            entry |= _shape(tables.merged([tables.read(real / file, kind) for file in files]))
    except NotATableError as error:
        notes = (f"the rows of {path} are not recorded: {error}",)
    if _now(real) not in (None, stamp):
        raise InvalidError("changed while it was read; try again when nothing writes to it", file=str(path))
    return Dataset(entry, notes, real, stamp, at)


def _existing(path: Path) -> Path:
    real = Path(os.path.realpath(path))
    try:
        mode = real.stat().st_mode
    except OSError as error:
        what = "the symbolic link points nowhere" if path.is_symlink() else "there is no such data"
        text = what if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        hint = "is the path right? it counts from the current folder; dvc pull fetches data that DVC tracks"
        raise NotFoundError(text, file=str(path), hint=hint) from None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InvalidError("is neither a file nor a folder, and no data set", file=str(path))
    return real


def _stamp(real: Path) -> _Stamp:
    """Inode, size and times of each file by its path below a folder ("" for a file itself)."""
    files = {"": real} if not real.is_dir() else dict(_walk(real, ""))
    if not files:
        raise InvalidError("is a folder without a file", file=str(real))
    return {path: _times(file) for path, file in files.items()}


def _times(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError as error:
        raise InvalidError(f"cannot be read: {error.strerror}", file=str(file)) from None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _now(real: Path) -> _Stamp | None:
    try:
        return _stamp(real)
    except InvalidError:
        return None


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """Files below a folder. DVC keeps them as links into its cache where it is told to: links to files are followed,
    links to folders are not, since they may lead in a circle."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InvalidError(f"cannot be read: {error.strerror}", file=str(folder)) from None
    for entry in entries:
        hashing.check_name(entry.name, str(folder))
        path = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{path}/")
        elif entry.is_file():
            yield path, Path(os.path.realpath(entry.path))
        else:
            raise InvalidError("is neither a file nor a folder", file=entry.path)


def _digests(real: Path) -> Digests:
    if not real.is_dir():
        return hashing.digest_file(real)
    read = {path: hashing.digest_file(file) for path, file in _walk(real, "")}
    listing = hashing.listing(ListedFile(path, found.size_bytes, found.sha256) for path, found in read.items())
    md5 = hashlib.md5(hashing.dir_object((path, d.md5) for path, d in read.items()), usedforsecurity=False)
    size = sum(found.size_bytes for found in read.values())
    return Digests(size, hashlib.sha256(listing).hexdigest(), f"{md5.hexdigest()}.dir")


def _kind(path: Path, real: Path, files: Sequence[str]) -> str | None:
    """csv or parquet where it is one or all of its files are; folder for another folder; else what the name says."""
    kinds = {Path(file or path.name).suffix.lower() for file in files}
    known = {tables.SUFFIXES.get(kind) for kind in kinds}
    if len(known) == 1 and (kind := known.pop()) is not None:
        return kind
    if real.is_dir():
        return "folder"
    ending = path.suffix.lower().removeprefix(".")
    return ending if re.fullmatch(r"[a-z0-9]{1,40}", ending) else None


def _content(files: Iterable[str]) -> list[str]:
    """The files of a folder that hold its rows: none that is hidden, none like _SUCCESS."""
    return sorted(file for file in files if not file.rpartition("/")[2].startswith((".", "_")))


def _shape(table: Table) -> dict[str, Any]:
    columns = [{"name": name, "type": kind[:200]} for name, kind in table.columns]
    body: dict[str, Any] = {"rows": table.rows, "columns": len(columns)}
    if len(columns) <= MAX_COLUMNS and all(len(name) <= 500 for name, _ in table.columns):
        body["schema"] = columns
    return body


def public(source: str) -> str:
    """A source without the secrets that an address may hold: user and password, a signed query."""
    text = re.sub(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]*@", r"\1", source)
    return text.partition("?")[0] if "://" in text else text
