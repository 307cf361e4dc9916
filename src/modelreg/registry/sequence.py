"""The order in which a model's versions landed: what registries that count from 1 call version 1, 2, 3."""

from __future__ import annotations

from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.domain.version import Version
from modelreg.registry.workspace import Workspace


def sequence(workspace: Workspace, model: ModelName, tip: CommitId | None = None) -> tuple[Version, ...]:
    """Versions in order of landing on the first-parent line of `tip` (default: the protected branch), those of one
    landing in SemVer order; withdrawn ones too, so that a number is never given twice. The first is number 1.

    Derived from history, stored nowhere. Raises UnavailableError in a shallow clone, where the beginning is missing.
    """
    layout = workspace.layout
    found: dict[Version, None] = {}
    for landing in workspace.repository.landings(tip or workspace.tip(), layout.model_folder(model)):
        places = (layout.place(change.path) for change in landing.changes if change.status == "A")
        texts = (place.version for place in places if place and place.kind == "manifest" and place.version)
        found |= dict.fromkeys(sorted(map(Version.parse, texts)))
    return tuple(found)
