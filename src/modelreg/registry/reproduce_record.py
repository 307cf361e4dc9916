"""`reproduce --record`: what came of making a version again, as a statement that gates may ask for."""

from __future__ import annotations

from typing import Any

from modelreg.registry.evidence import Content, add_evidence
from modelreg.registry.reproduce import Reproduction
from modelreg.registry.stating import Key, Stated
from modelreg.registry.workspace import Workspace

_TEXT, _WORDS, _LINES = 500, 1000, 100


def record_reproduction(
    workspace: Workspace, done: Reproduction, *, key: Key | None = None, push: bool = False
) -> Stated:
    """State it, whether it agreed or not; a gate takes it only where it agreed and is signed.

    Raises as `add_evidence`.
    """
    judgement, prepared = done.judgement, done.prepared
    fields: dict[str, Any] = {
        "ok": judgement.ok,
        "kind": judgement.kind,
        "artifacts": [{"path": a.path, "sha256": a.sha256} for a in done.outcome.artifacts if a.role != "lock"],
    }
    if judgement.kind != "bitwise":
        fields["tolerance"] = prepared.options.tolerance
        if done.outcome.body.get("metrics"):
            fields["metrics"] = _metrics(done)
    fields |= {
        "environment": done.environment[:_WORDS],
        "differences": [text[:_TEXT] for text in judgement.causes[:_LINES]],
        "commit": prepared.commit,
        "command": prepared.recipe.shown,
    }
    if done.notes:
        fields["comment"] = "; ".join(done.notes)[:_WORDS]
    content = Content("reproduction", fields)
    return add_evidence(workspace, prepared.model, prepared.version, content, key=key, push=push)


def _metrics(done: Reproduction) -> dict[str, Any]:
    """What was measured, without data sets: those that the clone names may be others than the manifest's."""
    kept = ("value", "direction", "split", "n")
    return {
        name: {key: entry[key] for key in kept if key in entry} for name, entry in done.outcome.body["metrics"].items()
    }
