"""`init`: turn a git repository, or a folder of one, into a registry, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.layout import Layout
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.templates import template
from modelreg.registry.ports import Documents, Repository
from modelreg.registry.writing import message, render

GITATTRIBUTES = b"""# Digests and signatures are over the stored bytes: no line-ending conversion below registry/.
registry/** -text
schemas/** -text
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What init is asked for. `dvc_files` are those that make the repository a DVC one, with the remote; `owner` is
    the person whom a template names in its roles."""

    policy: str
    remote: str
    branch: str
    dvc_files: Mapping[str, bytes]
    schemas: Mapping[str, bytes]
    registry_id: str
    at: int
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Initialised:
    """`created` are the files that init wrote; without any the repository was a registry already."""

    root: str
    commit: CommitId | None
    created: tuple[str, ...]
    branch: str


def initialise(
    repository: Repository,
    documents: Documents,
    layout: Layout,
    settings: Settings,
    *,
    dry_run: bool = False,
) -> Initialised:
    """Write what is missing and nothing else: a second run changes nothing. Raises UsageError (no such template)."""
    created: list[str] = []

    def planner(base: CommitId | None) -> Plan | None:
        read: Callable[[str], bytes | None] = repository.tree(base).read if base else _nothing
        files = {path: data for path, data in _files(documents, layout, settings).items() if read(path) is None}
        # DVC's own configuration may exist already: dvc_files then holds it with what was missing.
        files |= {path: data for path, data in settings.dvc_files.items() if read(path) != data}
        attributes = _with_attributes(read(layout.at(".gitattributes")) or b"")
        if attributes is not None:
            files[layout.at(".gitattributes")] = attributes
        created[:] = sorted(files)
        if not files:
            return None
        where = f" in {layout.root}" if layout.root else ""
        text = message(f"Set up a model registry{where}", {"Modelreg-Policy": settings.policy})
        return Plan(settings.branch, base, files, text, settings.at)

    if dry_run:
        planner(repository.branch_tip(settings.branch))
        return Initialised(layout.root, None, tuple(created), settings.branch)
    repository.identity()
    landed = repository.land(planner, settings.branch)
    return Initialised(layout.root, landed.commit if landed else None, tuple(created), settings.branch)


def _nothing(_: str) -> bytes | None:
    return None


def _files(documents: Documents, layout: Layout, settings: Settings) -> dict[str, bytes]:
    policy, comment = template(settings.policy, settings.owner)
    registry: dict[str, Any] = {
        "format": 1,
        "id": settings.registry_id,
        "branch": settings.branch,
        "announce": "direct",
        "artifacts": {"remote": settings.remote},
        "dvc_yaml": True,
    }
    about = "identity of this registry; its id never changes"
    files = {
        layout.registry: render(documents, layout, layout.registry, "registry", registry, about),
        layout.policy: render(documents, layout, layout.policy, "policy", policy, comment),
    }
    return files | {f"{layout.schemas}/{name}": data for name, data in settings.schemas.items()}


def _with_attributes(text: bytes) -> bytes | None:
    """`.gitattributes` with our lines, or None where it has them."""
    if b"registry/** -text" in text:
        return None
    return text + (b"" if not text or text.endswith(b"\n") else b"\n") + GITATTRIBUTES
