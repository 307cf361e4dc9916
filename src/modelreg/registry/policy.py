"""`policy check`: policy.yaml and the models' own gates, whether what they ask can be met."""

from __future__ import annotations

from modelreg.domain.document import Document
from modelreg.domain.finding import Finding
from modelreg.domain.policy_check import check_policy
from modelreg.domain.signers import APPROVAL, in_force
from modelreg.errors import ModelregError
from modelreg.registry.rules_registry import NO_WAY_IN, gate_rules, policy_rules
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.validate import Validation, tree_of
from modelreg.registry.workspace import Workspace


def check(workspace: Workspace, *, ref: str | None = None) -> Validation:
    """Check the rules of the work tree (a bare repository's protected branch), or with `ref` of a commit.

    A document that does not pass its schema is a finding, and what it says is left out. Raises NotFoundError for a
    ref that does not exist.
    """
    snapshot = Snapshot(tree_of(workspace, ref), workspace.documents, workspace.layout)
    layout = workspace.layout
    findings: list[Finding] = []
    policy = _sound(snapshot, layout.policy, "policy", findings)
    names = snapshot.models()
    models = [document for name in names if (document := _sound(snapshot, layout.model(name), "model", findings))]
    if policy is not None:
        # Whether a version can come to a stage is asked below, more closely.
        findings += [finding for finding in policy_rules(policy) if finding.code != NO_WAY_IN]
        for model in models:
            findings += gate_rules(model, policy)
        findings += check_policy(policy, models, _signers(snapshot))
    findings.sort(key=lambda f: (f.file, f.line or 0, f.column or 0, f.code))
    return Validation(1 + len(names), tuple(findings))


def _sound(snapshot: Snapshot, path: str, kind: str, findings: list[Finding]) -> Document | None:
    """The document, where it passes its schema; else what is wrong with it goes into `findings`."""
    try:
        document = snapshot.document(path)
    except ModelregError as error:
        findings.append(Finding(path, "yaml", error.message, line=error.line, field=error.field, hint=error.hint))
        return None
    if document is None:
        findings.append(Finding(path, "missing", "is missing", line=1, hint="modelreg init writes it"))
        return None
    wrong = snapshot.documents.check(document, kind)
    findings += wrong
    return None if wrong else document


def _signers(snapshot: Snapshot) -> frozenset[str] | None:
    """Who may sign approvals; None where the registry has no allowed_signers."""
    allowed = snapshot.tree.read(snapshot.layout.allowed_signers)
    if allowed is None:
        return None
    counted = in_force(allowed, snapshot.tree.read(snapshot.layout.revoked_signers) or b"")
    able = (signer for signer in counted if signer.namespaces is None or APPROVAL in signer.namespaces)
    return frozenset(principal for signer in able for principal in signer.principals)
