"""`export`: a version in a format that others read. The ML-BOM, which a library writes, is joined in wiring."""

from __future__ import annotations

from typing import Literal, get_args

from modelreg.domain.address import Address
from modelreg.domain.reports.card_metadata import front_matter
from modelreg.domain.reports.model_card import card_body
from modelreg.errors import UsageError
from modelreg.registry.dossier import dossier
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
    """The card with its front matter, ready for README.md. Raises NotFoundError, InvalidError."""
    found = dossier(workspace, address, ref)
    metadata = workspace.documents.dump(front_matter(found)).decode()
    return f"---\n{metadata}---\n\n{card_body(found)}"
