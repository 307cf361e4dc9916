"""Evidence added and listed: statements about a version, bound to its manifest, add-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from modelreg.domain.context import Actor
from modelreg.domain.document import Document
from modelreg.domain.evidence import Evidence, EvidenceType
from modelreg.domain.finding import failed
from modelreg.domain.manifest import Manifest, datasets_of
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.signers import EVIDENCE
from modelreg.domain.version import Version
from modelreg.errors import GateDeniedError, InvalidError, UsageError
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.statements import Statements
from modelreg.registry.stating import (
    Key,
    Stated,
    check_key,
    common,
    rendered,
    said_before,
    signed,
    statement_plan,
    target,
)
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land

_OF_APPROVE = {"approval": "modelreg approve", "approval-withdrawal": "modelreg approval withdraw"}


@dataclass(frozen=True, slots=True)
class Content:
    """What is stated: the type's own fields. `document` is the user's file that they come from, for errors."""

    type: str
    fields: Mapping[str, Any]
    document: Document | None = None


def check_type(text: str) -> str:
    """Raises UsageError for a type that there is not, or that another command makes."""
    if text in _OF_APPROVE:
        raise UsageError(f"evidence of type {text} is made by another command", hint=_OF_APPROVE[text])
    known = [name for name in get_args(EvidenceType) if name not in _OF_APPROVE]
    if text not in known:
        raise UsageError(f"there is no evidence of type {text[:60]!a}", hint=f"choose one of {', '.join(known)}")
    return text


def add_evidence(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    content: Content,
    *,
    key: Key | None = None,
    on: str | None = None,
    push: bool = False,
    dry_run: bool = False,
) -> Stated:
    """State something about a version, signed where `key` is given; one commit on the protected branch, or `on`.

    Raises NotFoundError, InvalidError (in the user's file where it is one), DeniedError for a key that does not count,
    GateDeniedError where the policy's access forbids it. What was said before by the same person lands nothing, but
    the signature that it lacked.
    """
    check_type(content.type)
    by = workspace.repository.identity().email
    branch = target(workspace, on)
    made: dict[str, Stated] = {}

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        at = workspace.clock()
        ruling = snapshot if branch is None else workspace.snapshot()
        if key is not None:
            check_key(workspace, ruling, by, key, EVIDENCE)
        body = _body(workspace, snapshot, model, version, content, by, at)
        judge = Judge(workspace, ruling, snapshot, Circumstances(at))
        path, data = rendered(workspace, model, version, body)
        known = said_before(judge.statements.of(model, version), body)
        files: dict[str, bytes] = {path: data}
        if known is not None and (key is None or known.signer == by):
            made["last"] = _stated(workspace, known.path, known.body, branch, known.signer, existing=True)
            return None
        if known is not None and snapshot.tree.read(f"{known.path}.sig") is None:
            path, data, body, files = known.path, snapshot.tree.read(known.path) or b"", dict(known.body), {}
        if branch is None:
            _check_access(judge, by, model, proven=key is not None)
        if key is not None and not dry_run:
            files[f"{path}.sig"] = signed(workspace, judge.statements, path, data, by, key)
        made["last"] = _stated(workspace, path, body, branch, by if key is not None else None)
        verb = "Add" if path in files else "Sign"
        title = f"{verb} {body['type']} of {model} {version}"
        return statement_plan(workspace, branch, base, files, model, version, title, at, str(body.get("comment", "")))

    _, landed = land(workspace, plan, push=push, dry_run=dry_run, branch=branch)
    last = made["last"]
    commit = landed.commit if landed else None
    return Stated(last.path, last.body, last.branch, last.signer, commit, last.existing)


def _stated(
    workspace: Workspace,
    path: str,
    body: Mapping[str, Any],
    branch: str | None,
    signer: str | None,
    *,
    existing: bool = False,
) -> Stated:
    return Stated(path, body, branch or workspace.settings.branch, signer, existing=existing)


def _body(
    workspace: Workspace,
    snapshot: Snapshot,
    model: ModelName,
    version: Version,
    content: Content,
    by: str,
    at: int,
) -> dict[str, Any]:
    """The whole statement, which passes its schema."""
    own = common(workspace, snapshot, model, version, content.type, by, at)
    document = content.document or Document("", content.fields)
    for name, value in own.items():
        if name in content.fields and content.fields[name] != value:
            finding = document.finding(
                (name,), "common", f"is {str(content.fields[name])[:70]!a}, and modelreg sets it"
            )
            hint = f"leave {name} out of the file; it would be {value}"
            raise InvalidError(finding.message, file=finding.file or None, line=finding.line, field=name, hint=hint)
    body = own | dict(content.fields)
    for finding in workspace.documents.check(Document(document.file, body, document.marks), "evidence"):
        if failed([finding]):
            line = finding.line or (1 if finding.file else None)
            raise InvalidError(
                finding.message, file=finding.file or None, line=line, field=finding.field, hint=finding.hint
            )
    _check_datasets(snapshot.manifest(model, version), document, body)
    if "arms" in body and str(version) not in {arm["version"] for arm in body["arms"].values()}:
        raise UsageError(f"{version} is in neither arm of the test", hint=f"--treatment {version}:N:SUCCESSES")
    return body


def _check_datasets(manifest: Manifest, document: Document, body: Mapping[str, Any]) -> None:
    """A data set that is only named must be one of the manifest's: else nothing can be compared with it."""
    known = datasets_of(manifest.body)
    for name, metric in (body.get("metrics") or {}).items():
        dataset = metric.get("dataset")
        if isinstance(dataset, str) and dataset not in known:
            finding = document.finding(("metrics", name, "dataset"), "dataset", "")
            message = f"{dataset[:60]!a} is not among lineage.data of {manifest.model}@{manifest.version}"
            hint = "--dataset-file FILE or --dataset-sha256 HEX says which data it was"
            raise InvalidError(
                message, file=finding.file or None, line=finding.line, field=f"metrics.{name}.dataset", hint=hint
            )


def _check_access(judge: Judge, by: str, model: ModelName, *, proven: bool) -> None:
    verdict = judge.access("evidence", Actor(by, "signature" if proven else "git"), model)
    if verdict is not None and not verdict.passed:
        report = {"allowed": False, "verdicts": [verdict.to_mapping()]}
        raise GateDeniedError(f"{by} may not add evidence of {model}: {verdict.reason}", report)


def list_evidence(
    workspace: Workspace, model: ModelName, version: Version, *, ref: str | None = None
) -> tuple[Evidence, ...]:
    """What counts as evidence of a version on the protected branch, or on `ref`, in the order of their times.

    Signatures are judged by the protected branch's signers. Raises NotFoundError for an unknown version.
    """
    base = workspace.snapshot()
    head = base if ref is None else workspace.snapshot(ref)
    head.manifest(model, version)
    found = Statements(workspace, base, head, workspace.clock()).of(model, version)
    return tuple(sorted(found, key=lambda item: (str(item.body["at"]), item.path)))


def summary(item: Evidence) -> str:
    """One line of what a statement says, for people."""
    return _SUMMARIES[item.type](item.body)[:200]


def _values(body: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {metric['value']:g}" for name, metric in body["metrics"].items())


def _ab_test(body: Mapping[str, Any]) -> str:
    arms = body["arms"]
    sizes = " against ".join(f"{arms[a]['version']} (n {arms[a]['n']})" for a in ("treatment", "control"))
    return f"{body['metric']}: {sizes}"


def _compliance(body: Mapping[str, Any]) -> str:
    until = f", until {body['expires']}" if "expires" in body else ""
    return f"{body['attestation']} by {body['issuer']}{until}"


def _agreed(body: Mapping[str, Any]) -> str:
    return "agreed" if body["ok"] else "did not agree"


_SUMMARIES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "evaluation": _values,
    "ab-test": _ab_test,
    "compliance": _compliance,
    "approval": lambda body: f"{body['from']} -> {body['to']}, until {body['not_after']}",
    "approval-withdrawal": lambda body: f"takes back {body['approval']}",
    "benchmark": lambda body: ", ".join(str(entry["name"]) for entry in body["benchmarks"]),
    "monitoring": lambda body: f"{body['stage']}: {_values(body)}",
    "scan": lambda body: f"{body['tool']['name']}: {'nothing found' if body['ok'] else 'findings'}",
    "verification": lambda body: f"{body['level']}, {len(body['artifacts'])} artifacts: {_agreed(body)}",
    "reproduction": lambda body: f"{body['kind']}: {_agreed(body)}",
}
