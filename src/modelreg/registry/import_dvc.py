"""`import dvc`: the artifacts that dvc.yaml files declare become versions, one for each revision that is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from modelreg.domain.declared import DeclaredArtifact
from modelreg.domain.plan import CommitId
from modelreg.domain.version import Bump, Version
from modelreg.errors import NotFoundError
from modelreg.registry.import_git import Brought, Coming, Wanted, bring, come_before, our_names
from modelreg.registry.origin import GitOrigin
from modelreg.registry.transfer import REFUSALS
from modelreg.registry.workspace import Workspace

TOOL = "dvc"
_VERSION = re.compile(r"(?:.*[@/])?v?([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9a-z.-]+)?)")


def import_dvc(
    workspace: Workspace,
    origin: GitOrigin,
    revisions: Sequence[str],
    wanted: Wanted,
    reach: Callable[[int, int], None],
    *,
    every_type: bool = False,
) -> Iterator[Brought]:
    """Bring in artifacts of type model (`every_type`: all), of those revisions in their order.

    A revision whose name ends in a semantic version (`v1.2.0`) gives that; another one is numbered here. Raises
    NotFoundError for a revision or a name that is not there, InvalidError, UnavailableError.
    """
    commits = {revision: origin.commit(revision) for revision in revisions}
    declared = {revision: dict(origin.artifacts(commit)) for revision, commit in commits.items()}
    everything = {name for found in declared.values() for name in found}
    missing = next((name for name in wanted.names if name not in everything), None)
    if missing is not None:
        known = ", ".join(sorted(everything)) or "none"
        raise NotFoundError(f"no dvc.yaml there declares the artifact {missing!a}", hint=f"known are: {known}")
    models = {name for found in declared.values() for name, one in found.items() if every_type or one.type == "model"}
    chosen = our_names(sorted(set(wanted.names) or models), wanted)
    total, done = len(chosen) * len(commits), 0
    for model, name in chosen.items():
        told = Brought(name, model)
        for revision, commit in commits.items():
            if name in declared[revision]:
                _bring(workspace, origin, (revision, commit), declared[revision][name], wanted, told)
            done += 1
            reach(done, total)
        yield told


def _bring(
    workspace: Workspace,
    origin: GitOrigin,
    at: tuple[str, CommitId],
    declared: DeclaredArtifact,
    wanted: Wanted,
    told: Brought,
) -> None:
    revision, commit = at
    here = come_before(workspace.snapshot(), TOOL, told, revision)
    if here is None:
        return
    if commit in here:
        told.present += 1
        return
    match = _VERSION.fullmatch(revision)
    if wanted.dry_run:
        told.registered.append((match[1] if match else revision, wanted.artifacts))
        return
    try:
        version = Version.parse(match[1]) if match else None
        when, by = origin.committed(commit)
        bump: Bump | None = None if version else "auto"
        coming = Coming(TOOL, told.name, commit, commit, when, by, version, bump, again=False)
        bring(workspace, origin, coming, declared, wanted, told)
    except REFUSALS as error:
        told.refuse(revision, error)
