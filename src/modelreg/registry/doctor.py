"""`doctor`: can this machine work on this registry, and is the registry fit to be worked on?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from modelreg.domain.diagnosis import Answer, Examined
from modelreg.domain.enforcement import Duties
from modelreg.domain.policy import Policy
from modelreg.errors import ModelregError
from modelreg.registry.validate import validate_tree
from modelreg.registry.workspace import Workspace

CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, in this order."""


class Machine(Protocol):
    """This machine, as far as `doctor` asks."""

    def git(self) -> tuple[str, bool, bool]:
        """What git says of itself; whether it is new enough to write, and to try merges."""

    def ssh_keygen(self) -> str | None:
        """Where it is; None: nowhere on PATH."""

    def origin(self) -> str | None:
        """The URL of the remote origin; None: there is none."""

    def leftovers(self) -> Sequence[str]:
        """Lock files and journals in the git directory, with their age, for people."""


def examine(machine: Machine, workspace: Workspace | None, trouble: str = "") -> tuple[Examined, ...]:
    """Everything that can be told without the network. `trouble` says why there is no workspace."""
    return tuple(_examine(machine, workspace, trouble))


def duties(workspace: Workspace) -> Duties:
    """What the registry's policy, as it has landed, needs of the forge."""
    snapshot = workspace.snapshot()
    layout = workspace.layout
    owners = next((data for path in CODEOWNERS if (data := snapshot.tree.read(path)) is not None), None)
    watched = (layout.policy, layout.at("registry", "allowed_signers"), ".github/workflows/gate.yml")
    text = owners.decode("utf-8", "replace") if owners is not None else None
    return Duties.of(snapshot.policy(), workspace.settings.branch, watched, text)


def _examine(machine: Machine, workspace: Workspace | None, trouble: str) -> Iterator[Examined]:
    said, writes, merges = machine.git()
    yield _said("git", writes, said, "git 2.34 or newer is needed")
    yield _said("git-merge", merges, said, "git 2.38 or newer is needed to judge what does not descend from its base")
    if workspace is None:
        yield Examined("registry", "no", trouble, "modelreg init, or pass --registry PATH")
        return
    settings = workspace.settings
    yield Examined("registry", "yes", f"{workspace.layout.prefix} on branch {settings.branch}, id {settings.id}")
    yield _tried("branch", lambda: workspace.tip()[:10])
    whole = not workspace.repository.is_shallow()
    yield _said("history", whole, "whole" if whole else "shallow", "git fetch --unshallow")
    yield _tried("identity", lambda: str(workspace.repository.identity().email))
    yield _tried("artifacts", lambda: workspace.store().where())
    yield _policy(workspace)
    yield from _signing(machine, workspace)
    left = machine.leftovers()
    hint = "modelreg repair --locks, while no git and no modelreg runs"
    yield _said("leftovers", not left, ", ".join(left) or "none", hint)


def _policy(workspace: Workspace) -> Examined:
    try:
        found = validate_tree(workspace, workspace.snapshot(), frozenset())
    except ModelregError as error:
        return Examined("policy", "no", str(error), error.hint or "modelreg validate")
    errors = [finding for finding in found if finding.severity == "error"]
    if errors:
        return Examined("policy", "no", f"{errors[0].file}: {errors[0].message}", errors[0].hint or "modelreg validate")
    return Examined("policy", "yes", "sound")


def _signing(machine: Machine, workspace: Workspace) -> Iterator[Examined]:
    """Whether signatures can be made and checked, where the policy asks for any."""
    try:
        policy = workspace.snapshot().policy()
    except ModelregError:
        return
    tool = machine.ssh_keygen()
    if not _signed(policy):
        yield Examined("signatures", "yes", "the policy asks for none")
        return
    yield _said("signatures", tool is not None, tool or "no ssh-keygen", "install OpenSSH's client")
    there = bool(workspace.snapshot().tree.read(workspace.layout.at("registry", "allowed_signers")))
    hint = "put PERSON, namespaces and public key of each signer into registry/allowed_signers"
    yield _said("signers", there, "registry/allowed_signers" if there else "no registry/allowed_signers", hint)


def _signed(policy: Policy) -> bool:
    required = any("by" in rule for gate in policy.gates for rule in gate.require.values() if isinstance(rule, dict))
    return required or policy.change is not None or any(rule.signed for rule in policy.stages.values())


def _said(check: str, fine: bool, found: str, hint: str) -> Examined:
    answer: Answer = "yes" if fine else "no"
    return Examined(check, answer, found, "" if fine else hint)


def _tried(check: str, look: Callable[[], str]) -> Examined:
    try:
        return Examined(check, "yes", look())
    except ModelregError as error:
        return Examined(check, "no", error.message, error.hint or "")
