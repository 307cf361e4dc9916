"""Registration: artifacts into DVC's cache and remote, then manifest and pointers in one commit."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelreg.domain.metric import default_direction, number
from modelreg.domain.names import Alias, ModelName, collision_key, metric_name, parse_file
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.version import FIRST, Version
from modelreg.errors import DeniedError, InvalidError, NotFoundError, UsageError
from modelreg.registry.announce import announcing_all
from modelreg.registry.artifact_port import ArtifactStore, Progress, Stored
from modelreg.registry.draft import Draft
from modelreg.registry.naming import check_free, named
from modelreg.registry.request import Request, Source
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.versioning import Decision, check_wish, decide, wants_release
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, message, paths_of

_FEW = 6
_MOST_DIGESTS = 50_000
"""Manifests whose digests are kept: some 20 MB."""
_SHA256 = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Registration:
    """What came of it. `bump` is the part that was raised, `first` or `explicit`; None where the version is there.
    `commit` is None where nothing landed: already registered, or a dry run. `aliases` are those that were asked for."""

    model: ModelName
    version: Version
    bump: str | None
    reasons: tuple[str, ...]
    commit: CommitId | None
    existing: bool
    files: tuple[str, ...]
    aliases: tuple[Alias, ...] = ()


def register(
    workspace: Workspace,
    request: Request,
    *,
    push: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Registration:
    """Register one version. The artifacts are in the remote before the commit names them.

    Content that is registered already lands nothing and names its version; with bump `auto` so does what differs in
    nothing that makes a version. The number is found on the base that is landed on: of two that race, the later one
    is compared with the earlier. Aliases land in the same commit, judged as by `set_alias`; on a version that is there
    already they land alone, if they do not name it yet. Raises InvalidError for bad input, DeniedError for a version
    that exists, a person who may not or an alias that it may not have, UnavailableError where the remote cannot be
    reached; nothing is changed then.
    """
    check_wish(request)
    identity = workspace.repository.identity()
    metrics = parse_metrics(request.metrics)
    snapshot = workspace.snapshot()
    _check_access(snapshot, identity.email, request.model)
    check_new_name(snapshot, request.model)
    _check_names(request)
    store = workspace.store() if request.sources else None
    stored = [_stored(store, source, dry_run, progress) for source in request.sources] if store else []
    _check_limits(snapshot, stored)
    content = [item for source, item in zip(request.sources, stored, strict=True) if source.role != "lock"]
    made: dict[str, Registration] = {}
    judged: dict[CommitId | None, Decision] = {}
    aliases = tuple(dict.fromkeys(request.aliases))

    def draft(current: Snapshot, version: Version) -> Draft:
        return Draft(workspace, current, request, version, stored, metrics, identity, workspace.clock())

    def judge(current: Snapshot) -> Decision:
        if current.commit not in judged:
            judged[current.commit] = _decided(current, request, content, draft(current, FIRST).body)
        return judged[current.commit]

    def plan(current: Snapshot, base: CommitId) -> Plan | None:
        if base == snapshot.commit:  # what was read of it is read, and its documents parsed
            current = snapshot
        decided = judge(current)
        made["last"] = Registration(
            request.model, decided.version, decided.kind, decided.reasons, None, decided.existing, (), aliases
        )
        if decided.existing:
            return _naming(workspace, current, base, request, decided.version, identity.email) if aliases else None
        _check_access(current, identity.email, request.model)
        check_not_retired(current, request.model)
        _check_parents(current, request)
        return draft(current, decided.version).plan(base, None if dry_run else store, decided)

    if store and not dry_run and not judge(snapshot).existing:
        check_free(snapshot.policy(), aliases, identity.email, request.model)
        store.push([item.md5 for item in stored], progress=progress)
    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    last = made["last"]
    commit = landed.commit if landed else None
    return Registration(
        last.model, last.version, last.bump, last.reasons, commit, last.existing, tuple(paths_of(planned)), aliases
    )


def _decided(
    current: Snapshot, request: Request, content: Sequence[Stored], body: Callable[[], Mapping[str, Any]]
) -> Decision:
    """The number that a request gets on a base, or the version there that it is already."""
    same = None
    if content and not request.again:
        same = find_same(current, request.model, content, releases=wants_release(request))
    if same is not None:
        return Decision(same, None, same, (f"the same content is registered already as {same}",), existing=True)
    if (brought := find_brought(current, request)) is not None:
        return Decision(brought, None, brought, (f"it was brought here already as {brought}",), existing=True)
    decided = decide(current, request, body)
    if decided.existing and request.again:
        return decide(current, replace(request, bump="patch"), body)
    return decided


def _naming(
    workspace: Workspace, snapshot: Snapshot, base: CommitId, request: Request, version: Version, by: str
) -> Plan | None:
    """Aliases for a version that is there; None where they name it already."""
    model, at = request.model, workspace.clock()
    done = named(workspace, snapshot, model, request.aliases, version, by=by, at=at)
    if not done.transitions:
        return None
    said = {"Modelreg-Model": model, "Modelreg-Version": str(version)} | done.trailers
    title = f"Point {', '.join(f'{model}@{alias}' for made in done.transitions for alias in made.aliases)} at {version}"
    return Plan(
        branch=workspace.settings.branch,
        base=base,
        files=done.files,
        message=message(title, said),
        at=at,
        announce=announcing_all(workspace, base, model, done.steps),
    )


def _stored(store: ArtifactStore, source: Source, dry_run: bool, progress: Progress | None) -> Stored:
    return replace(store.add(source.path, dry_run=dry_run, progress=progress), name=source.called)


def parse_metrics(given: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers, or mappings with a `value`, as the manifest writes them; nested groups join their names with `_`.

    Directions that are not given follow from the name. Raises InvalidError for what is no finite number.
    """
    found: dict[str, Any] = {}
    for raw, entry in _flat(given):
        name = metric_name(raw)
        body = dict(entry) if isinstance(entry, Mapping) else {"value": entry}
        if number(body.get("value")) is None:
            raise InvalidError(
                f"must be a finite number, not {str(body.get('value'))[:40]!a}",
                field=f"metrics.{raw[:60]}",
                hint="leave out what was not measured; NaN, infinity and text are no metrics",
            )
        if name in found:
            raise InvalidError(
                f"two metrics are called {name}", field=f"metrics.{raw[:60]}", hint="rename one of them in the metrics"
            )
        entry_out: dict[str, Any] = {"value": body.pop("value")}
        entry_out["direction"] = body.pop("direction", None) or default_direction(name)
        entry_out |= body
        if name != raw:
            entry_out.setdefault("source_name", raw)
        found[name] = entry_out
    return found


def _flat(given: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """DVCLive groups metrics (`{"train": {"loss": 0.1}}`): names joined, leaves in order."""
    found: list[tuple[str, Any]] = []
    for key, value in given.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and "value" not in value:
            found += _flat(value, f"{name}_")
        else:
            found.append((name, value))
    return found


def find_same(
    snapshot: Snapshot, model: ModelName, stored: Sequence[Stored], *, releases: bool = False
) -> Version | None:
    """The version in good standing whose artifacts have exactly these bytes and names, if there is one: a release
    rather than a pre-release, which with `releases` does not count.

    Lock files do not count, here or there: the same model from another environment is the same model.
    """
    wanted = {(item.name, item.sha256) for item in stored}
    if len(_digests) > _MOST_DIGESTS:
        _digests.clear()
    gone, known = snapshot.withdrawn(model), snapshot.manifests(model)
    versions = [v for v in known if v not in gone and not (releases and v.is_prerelease)]
    _learn(snapshot, {snapshot.layout.manifest(model, v): b for v in versions if (b := known[v].blob) not in _digests})
    alike = [v for v in versions if stored[0].sha256 in _digests.get(known[v].blob, ())]  # parse only what can match
    for version in sorted(alike, key=lambda v: (v.is_prerelease, v)):
        manifest = snapshot.manifest(model, version)
        if {(a.path, a.sha256) for a in manifest.artifacts if a.role != "lock"} == wanted:
            return version
    return None


_digests: dict[str, frozenset[str]] = {}
"""All that looks like a sha256 in a manifest, by its blob. What a blob holds never changes: of a thousand versions only
the new ones are read."""


def _learn(snapshot: Snapshot, blobs: Mapping[str, str]) -> None:
    """Read manifests, which are given by their paths."""
    for path, data in snapshot.tree.read_many(blobs).items():
        _digests[blobs[path]] = frozenset(match.decode() for match in _SHA256.findall(data))


def find_brought(snapshot: Snapshot, request: Request) -> Version | None:
    """The version that was brought from the same place (tool, model, version and time there are the same), should
    somebody else bring it at this moment; None where the request names no such place."""
    source = request.facts.get("source") or {}
    place = {key: source.get(key) for key in ("tool", "model", "version", "created")}
    if not all(place.values()):
        return None
    model, created = request.model, str(source["created"]).encode()
    paths = {snapshot.layout.manifest(model, version): version for version in snapshot.versions(model)}
    for path, data in snapshot.tree.read_many(paths).items():
        if created in data:  # parse only what can match
            known = snapshot.manifest(model, paths[path]).source
            if {key: known.get(key) for key in place} == place:
                return paths[path]
    return None


def check_new_name(snapshot: Snapshot, model: ModelName) -> None:
    """Raises InvalidError for a new model's name that people would take for another's.

    The names that it could be taken for are looked up: no list of ten thousand models is made.
    """
    layout = snapshot.layout
    if snapshot.tree.read(layout.model(model)) is not None:
        return
    parts = re.split("[-_]", model)
    if len(parts) > _FEW:
        others: Iterable[str] = (o for o in snapshot.models() if collision_key(o) == collision_key(model))
    else:
        signs = itertools.product("-_", repeat=len(parts) - 1)
        others = ("".join(map("".join, itertools.zip_longest(parts, between, fillvalue=""))) for between in signs)
    for other in others:
        if other != model and snapshot.tree.read(layout.model(other)) is not None:
            raise InvalidError(f"{model} differs from the model {other} only by - and _", hint="choose another name")


def check_not_retired(snapshot: Snapshot, model: ModelName) -> None:
    """Raises DeniedError for a model that was taken out of service as a whole."""
    document = snapshot.document(snapshot.layout.model(model))
    if document is not None and document.value.get("retired"):
        raise DeniedError(
            f"{model} is retired", hint="register under another name, or take `retired` out of model.yaml"
        )


def _check_names(request: Request) -> None:
    sources: Sequence[Source] = request.sources
    if not sources and not (request.facts.get("source") or {}).get("uri"):
        raise UsageError("there is no artifact to register", hint="modelreg register MODEL ARTIFACT…")
    names = [parse_file(source.called) for source in sources]
    # Case-insensitive, and with the names that go beside them: a folder's listing, the pointer.
    taken: set[str] = set()
    for name in names:
        if name.lower() in taken:
            raise InvalidError(f"two artifacts are called {name}", hint="rename one of them")
        taken.add(name.lower())


def _check_parents(snapshot: Snapshot, request: Request) -> None:
    lineage = request.facts.get("lineage") or {}
    for parent in lineage.get("parents") or ():
        if Version.parse(parent["version"]) not in snapshot.versions(ModelName(parent["model"])):
            raise NotFoundError(
                f"there is no {parent['model']}@{parent['version']} in this registry to be a parent",
                hint="modelreg list shows what there is",
            )


def _check_access(snapshot: Snapshot, by: str, model: ModelName) -> None:
    """What the gate would refuse is not landed past it: history keeps it, and `verify` would say so for ever."""
    if not snapshot.policy().may(by, "register", model, None):
        raise DeniedError(
            f"no entry of the policy's access lets {by} register {model}",
            hint="policy.yaml says under access who may; git config user.email says who you are",
        )


def _check_limits(snapshot: Snapshot, stored: Sequence[Stored]) -> None:
    limits = snapshot.policy().limits
    for item in stored:
        allowed = limits.get("artifact_max_bytes")
        if allowed is not None and item.size_bytes > allowed:
            raise DeniedError(f"{item.name} has {item.size_bytes} bytes; the policy allows {allowed}")
    total, allowed = sum(item.size_bytes for item in stored), limits.get("version_max_bytes")
    if allowed is not None and total > allowed:
        raise DeniedError(f"the version has {total} bytes; the policy allows {allowed}")
