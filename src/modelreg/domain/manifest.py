"""The manifest: what one version is. Add-only once it has landed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.metric import Metric, metrics_of, values_of
from modelreg.domain.names import ModelName, parse_model
from modelreg.domain.version import Version
from modelreg.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder of a version, beside the manifest. Sizes in bytes; `md5` as DVC names it (`.dir`: a folder).

    A folder's `sha256` is the digest of its listing, which stands at `listing_path` beside the manifest.
    """

    path: str
    role: str
    format: str
    size_bytes: int
    sha256: str
    md5: str
    listing_path: str | None = None

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Artifact:
        listing = entry.get("listing")
        return cls(
            path=entry["path"],
            role=entry["role"],
            format=entry["format"],
            size_bytes=entry["size_bytes"],
            sha256=entry["sha256"],
            md5=entry["md5"],
            listing_path=listing["path"] if listing else None,
        )

    @property
    def pointer(self) -> str:
        """The name of the DVC pointer beside the manifest."""
        return f"{self.path}.dvc"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that has passed its schema. `body` is the whole mapping, so that nothing is lost on the way out."""

    model: ModelName
    version: Version
    artifacts: tuple[Artifact, ...]
    metrics: Mapping[str, Metric]
    body: Mapping[str, Any]

    @classmethod
    def from_mapping(cls, body: Mapping[str, Any]) -> Manifest:
        """Raises InvalidError for a bad name or version; the rest is the schema's business."""
        return cls(
            model=parse_model(body["model"]),
            version=Version.parse(body["version"]),
            artifacts=tuple(Artifact.from_mapping(entry) for entry in body["artifacts"]),
            metrics=metrics_of(body.get("metrics") or {}, datasets_of(body)),
            body=body,
        )

    def to_mapping(self) -> dict[str, Any]:
        return dict(self.body)

    @property
    def content(self) -> tuple[Artifact, ...]:
        """The artifacts but for locks of the environment; none for a version whose files are elsewhere."""
        return tuple(artifact for artifact in self.artifacts if artifact.role != "lock")

    @property
    def primary(self) -> Artifact:
        """The model itself: the first artifact. Raises UnavailableError for a version whose files are elsewhere."""
        if not self.content:
            raise UnavailableError(
                f"{self.model}@{self.version} has no artifact here, only the address of one",
                hint=f"its manifest says where its files are: modelreg show {self.model}@{self.version}",
            )
        return self.content[0]

    @property
    def source(self) -> Mapping[str, Any]:
        """Where the version was brought from, as another tool called it; empty for one registered from files alone."""
        return self.body.get("source") or {}

    @property
    def lineage(self) -> Mapping[str, Any]:
        return self.body.get("lineage") or {}

    @property
    def parents(self) -> tuple[tuple[ModelName, Version], ...]:
        entries = self.lineage.get("parents") or ()
        return tuple((parse_model(e["model"]), Version.parse(e["version"])) for e in entries)


def values_in(body: Mapping[str, Any]) -> dict[str, float]:
    """The values of a manifest's metrics, by name; raises what `Manifest.from_mapping` raises, which takes thrice as
    long: a list asks it of a hundred thousand."""
    parse_model(body["model"])
    Version.parse(body["version"])
    for entry in body["artifacts"]:
        Artifact.from_mapping(entry)
    datasets_of(body)
    return values_of(body.get("metrics") or {})


def datasets_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The sha256 of each data set that the lineage names."""
    data = (body.get("lineage") or {}).get("data") or ()
    return {entry["name"]: entry["sha256"] for entry in data if entry.get("sha256")}
