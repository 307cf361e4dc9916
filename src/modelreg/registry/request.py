"""What is asked of `register`, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelreg.domain.names import Alias, ModelName
from modelreg.domain.version import Bump, Version


@dataclass(frozen=True, slots=True)
class Source:
    """An artifact to register: where it lies, its role, its format (None: by its ending), what it says of itself, what
    it is called in the registry (None: as it is where it lies)."""

    path: Path
    role: str = "model"
    format: str | None = None
    details: Mapping[str, Any] | None = None
    name: str | None = None

    @property
    def called(self) -> str:
        """The artifact's name beside its manifest."""
        return self.path.name if self.name is None else self.name


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be registered. `facts` are the manifest's other fields (signature, params, lineage, …) as they are
    to stand there; `about` the fields of model.yaml for a model that is new; `pre` the label of a pre-release.

    Without `sources` it is a version whose files are elsewhere: `facts["source"]` then has their `uri`. `again` makes
    a version of content that is registered already, as other registries do; `labels` are tags that may change later.
    `aliases` are to name the version, whether it is new or not.
    """

    model: ModelName
    sources: Sequence[Source]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    version: Version | None = None
    bump: Bump | None = None
    pre: str | None = None
    again: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[Alias] = ()
