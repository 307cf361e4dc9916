"""A registered model of another registry, its versions, and the runs that made them, as that registry tells.

Nothing is checked: names, texts and numbers are whatever stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NO_STAGE = "None"
"""MLflow's name for where a version stands that was moved nowhere."""
OURS = "modelreg."
"""Tags that begin so are what modelreg wrote there when it exported; they are not brought in."""
VERSION_TAG = f"{OURS}version"
MANIFEST_TAG = f"{OURS}manifest_sha256"


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """`aliases` name version numbers; `last` is the highest number that stands there, 0 for none."""

    name: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    last: int = 0


@dataclass(frozen=True, slots=True)
class ForeignVersion:
    """`number` counts from 1 and may skip those that were deleted. `created` is epoch seconds (UTC), `source` the
    address of its files as the registry has it, `run` and `logged` ids of the run and the logged model that made it.
    `ready`: its registration is complete."""

    model: str
    number: int
    created: int
    source: str = ""
    by: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    stage: str = NO_STAGE
    run: str | None = None
    logged: str | None = None
    ready: bool = True


@dataclass(frozen=True, slots=True)
class ForeignData:
    """An input of a run. `digest` is the tracker's own (MLflow: eight characters), `source`, `schema` and `profile`
    are JSON texts as it keeps them, `context` what it was used for."""

    name: str
    digest: str = ""
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """A run: its last value of each metric, parameters as text, tags, inputs; `parent` is the id of the run it was
    nested in, `url` an address where people can look at it."""

    id: str
    name: str = ""
    experiment: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    data: tuple[ForeignData, ...] = ()
    parent: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where a version's files were put (a file, or a folder); None where there are none, and why. `location` is the
    address of the store that the version's own address led to, where that is another one."""

    path: Path | None
    why: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """Files to be put there as artifacts of a run: all in `folder` below `below`; `entry` is the model among them."""

    run: str
    folder: Path
    below: str
    entry: str
