"""`export`: a version in a format that others read. The ML-BOM, which a library writes, is joined in wiring."""

from __future__ import annotations

from typing import Literal, get_args

from modelreg.domain.address import Address
from modelreg.domain.dossier import Dossier
from modelreg.domain.reports.card_metadata import front_matter
from modelreg.domain.reports.model_card import card_body
from modelreg.errors import UsageError
from modelreg.registry.dossier import dossier
from modelreg.registry.ports import Documents
from modelreg.registry.workspace import Workspace

Export = Literal["ml-bom", "model-card", "provenance"]
EXPORTS: tuple[Export, ...] = get_args(Export)


def known_export(text: str) -> Export:
    """Raises UsageError."""
    for known in EXPORTS:
        if text == known:
            return known
    raise UsageError(f"there is no export {text[:60]!a}", hint=f"choose one of {', '.join(EXPORTS)}")


def model_card(workspace: Workspace, address: Address, ref: str | None = None) -> str:
    """Ready for README.md. Raises NotFoundError, InvalidError."""
    return card(workspace.documents, dossier(workspace, address, ref))


def card(documents: Documents, found: Dossier) -> str:
    """A model card with its front matter."""
    return f"---\n{documents.dump(front_matter(found)).decode()}---\n\n{card_body(found)}"
