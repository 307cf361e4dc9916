"""How a version was made, as its manifest says it: what it takes to make it again. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.errors import DeniedError, InvalidError

_PLAIN_PART = re.compile(r"[^\x00-\x1f\x7f\\/]+")
_INTERPRETER = re.compile(r"^\S*/python(?:\d(?:\.\d+)?)?(?:\.exe)?(?=\s|$)")


@dataclass(frozen=True, slots=True)
class DataSet:
    """One entry of lineage.data. `path` is from the top of the repository; None: it does not lie there."""

    name: str
    path: str | None
    sha256: str | None
    md5: str | None
    size_bytes: int | None

    @property
    def is_folder(self) -> bool:
        return self.md5 is not None and self.md5.endswith(".dir")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a version was made. Paths are from the top of the repository; `folder` "" is the top.

    Either `stage` (of the pipeline file `file`) or `command` runs; `by_hand` says that a person named the command.
    """

    commit: str
    tree: str | None
    command: str | None
    by_hand: bool
    file: str | None
    stage: str | None
    folder: str
    outputs: Mapping[str, str]
    data: tuple[DataSet, ...]
    lock_path: str | None
    lock_sha256: str | None
    python: str | None
    hash_seed: int

    @property
    def shown(self) -> str:
        """What runs, as one would type it."""
        if self.command is not None:
            return self.command
        name = "dvc.yaml" if self.file is None else self.file.rpartition("/")[2]
        return f"dvc repro {self.stage}" if name == "dvc.yaml" else f"dvc repro {name}:{self.stage}"


def recipe(body: Mapping[str, Any], command: str | None = None) -> Recipe:
    """What a manifest says of how it was made; `command` is used where a person names one.

    Raises DeniedError where that cannot be done again, whatever is at hand: no commit, a dirty tree, no command.
    """
    lineage = body.get("lineage") or {}
    code, pipeline = lineage.get("code") or {}, lineage.get("pipeline") or {}
    environment = lineage.get("environment") or {}
    _check_code(code)
    stage = None if command else pipeline.get("stage")
    file = pipeline.get("file")
    if stage and not file:
        raise DeniedError(
            f"the manifest names a stage ({stage!a}), and no pipeline file", hint=f'--command "dvc repro {stage}"'
        )
    line = None if stage else command or pipeline.get("command")
    if not stage and not line:
        entry = code.get("entry_point") or "train.py"
        raise DeniedError(
            "the manifest records no command that made it",
            hint=f'say how it was made: --command "python {entry} …"; the statement then says that it came from you',
        )
    lock = environment.get("lock") or {}
    folder = _inside(pipeline.get("folder"), "lineage.pipeline.folder") or ""
    if stage:
        folder = (_inside(file, "lineage.pipeline.file") or "").rpartition("/")[0]
    return Recipe(
        commit=code["commit"],
        tree=code.get("tree"),
        command=_INTERPRETER.sub("python", line) if line else None,
        by_hand=bool(command),
        file=file if stage else None,
        stage=stage,
        folder="" if command else folder,
        outputs={
            name: path
            for name, given in (pipeline.get("outputs") or {}).items()
            if (path := _inside(given, f"lineage.pipeline.outputs.{name}"))
        },
        data=tuple(_data_set(entry) for entry in lineage.get("data") or ()),
        lock_path=lock.get("path"),
        lock_sha256=lock.get("sha256"),
        python=environment.get("python"),
        hash_seed=_hash_seed(pipeline.get("seeds") or {}),
    )


def _check_code(code: Mapping[str, Any]) -> None:
    if not code.get("commit"):
        raise DeniedError(
            "the manifest names no commit of the code: nobody can find it again",
            hint="commit the code, then train and register a new version",
        )
    if code.get("dirty"):
        files = [ascii(str(name))[1:-1] for name in code.get("dirty_files") or ()]
        named = f" ({', '.join(files[:5])}{' …' if len(files) > 5 else ''})" if files else ""
        raise DeniedError(
            f"the code had changes that were not committed{named}: they are not in the repository",
            hint="commit the code, then train and register a new version",
        )


def _data_set(entry: Mapping[str, Any]) -> DataSet:
    try:
        path = _inside(entry.get("path"), "path")
    except InvalidError:
        path = None  # from elsewhere: it can only be compared afterwards
    return DataSet(entry["name"], path, entry.get("sha256"), entry.get("md5"), entry.get("size_bytes"))


def _hash_seed(seeds: Mapping[str, Any]) -> int:
    """PYTHONHASHSEED; where none is recorded it was random, so that any fixed one will do."""
    for name, seed in seeds.items():
        if name.lower().replace("_", "") in {"pythonhashseed", "hashseed"} and 0 <= seed < 2**32:
            return int(seed)
    return 0


def _inside(path: str | None, field: str) -> str | None:
    """A path of a manifest, plain and from the top of the repository. Raises InvalidError for any other."""
    if path in (None, "", "."):
        return None
    parts = str(path).split("/")
    if any(part in ("", ".", "..") or not _PLAIN_PART.fullmatch(part) or part.lower() == ".git" for part in parts):
        raise InvalidError(f"{str(path)[:100]!a} is no path inside of the repository", field=field)
    return "/".join(parts)
