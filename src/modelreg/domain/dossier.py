"""All that a registry says of one version, for those who write it in somebody else's format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from modelreg.domain.evidence import Evidence
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import Alias, Stage

# No user part (a password may stand there), nothing that needs quoting, no way out of an address (RFC 3986).
_URL = re.compile(r"(?:https?|ssh|git)://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/+%-]*")
_SCP = re.compile(r"(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9.-]+):([A-Za-z0-9._~+-][A-Za-z0-9._~/+-]*)")


@dataclass(frozen=True, slots=True)
class Dossier:
    """A version as `commit` has it. `registry` is the registry's id, `about` model.yaml's mapping.

    `stage` is None and `withdrawn` the reason where it was taken out of service. `parents` holds those that are
    registered here, by `MODEL@VERSION`.
    """

    registry: str
    commit: str
    manifest: Manifest
    manifest_sha256: str
    about: Mapping[str, Any]
    stage: Stage | None
    aliases: tuple[Alias, ...]
    annotations: Mapping[str, Any]
    withdrawn: str | None
    evidence: tuple[Evidence, ...]
    parents: Mapping[str, Manifest]

    @property
    def name(self) -> str:
        """`churn@1.3.0`."""
        return f"{self.manifest.model}@{self.manifest.version}"

    @property
    def task(self) -> str:
        return str(self.about.get("task") or "other")

    @property
    def description(self) -> str | None:
        """What the version's annotations say; else the model's own description."""
        return self.annotations.get("description") or self.about.get("description")

    @property
    def license(self) -> str | None:
        """The tag `license`, of the version or else of the model."""
        return self.tags.get("license")

    @property
    def tags(self) -> dict[str, str]:
        """The model's, the manifest's and the annotations', the later ones before the earlier."""
        found: dict[str, str] = {}
        for source in (self.about, self.manifest.body, self.annotations):
            found |= source.get("tags") or {}
        return found

    def lineage(self, key: str) -> Any:
        """A part of the lineage; an empty mapping where there is none."""
        return self.manifest.lineage.get(key) or {}


def git_uri(repository: str | None, branch: str | None = None) -> str | None:
    """`git+https://host/path@refs/heads/main` (SPDX 2.3, section 7.7), as SLSA names a source; None for what is no
    plain address."""
    if not repository:
        return None
    if _URL.fullmatch(repository):
        base = f"git+{repository}" if not repository.startswith("git:") else repository
    elif "://" not in repository and (match := _SCP.fullmatch(repository)):
        base = f"git+ssh://{match[1]}/{match[2]}"
    else:
        return None
    return f"{base}@refs/heads/{quote(branch, safe='/')}" if branch else base
