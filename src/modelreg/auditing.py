"""What is asked of a registry as a whole, through the SDK: what happened, whether it is sound, what may land."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_index

if TYPE_CHECKING:
    from modelreg.domain.gate_report import GateReport
    from modelreg.registry.history import Event
    from modelreg.registry.index_port import Index
    from modelreg.registry.proposals import Proposal
    from modelreg.registry.validate import Validation
    from modelreg.registry.verify import Verification


class Audited:
    """A registry that answers for itself; `modelreg.Registry` is one."""

    _workspace: Workspace
    _index: Index | None = None

    def _known(self) -> Index:
        """The index, opened once; what decides does not ask it (docs/index.md)."""
        if self._index is None:
            self._index = open_index(self._workspace)
        return self._index

    def history(self) -> list[Event]:
        """What happened, oldest first, as `modelreg history`. Raises UnavailableError in a shallow clone."""
        from modelreg.registry.history import history

        return history(self._workspace, index=self._known())

    def proposals(self) -> tuple[Proposal, ...]:
        """Open proposals, by name, as `modelreg proposals`: what each waits for, as far as was fetched."""
        from modelreg.registry.proposals import open_proposals

        return open_proposals(self._workspace)

    def validate(self, *, changed_since: str | None = None, ref: str | None = None) -> Validation:
        """Check every document, as `modelreg validate`: of the work tree, or of the commit `ref`; only of the models
        that differ from `changed_since`. `ok`, `files` and `findings`. Raises NotFoundError for an unknown ref."""
        from modelreg.registry.validate import validate

        return validate(self._workspace, changed_since=changed_since, ref=ref, index=self._known())

    def verify(self, *, content: bool = False, offline: bool = False, strict: bool = False) -> Verification:
        """Does the record hold together, as `modelreg verify`: history, digests, objects, tags; every landing judged
        again. `content` fetches and hashes every artifact, `offline` does not ask the remote, with `strict` what a
        clone cannot judge again is an error. `ok`, `versions` and `findings`. Raises UnavailableError where history is
        missing or the remote cannot be asked."""
        from modelreg.registry.verify import verify

        return verify(self._workspace, content=content, offline=offline, strict=strict)

    def gate(self, base: str, head: str, *, reviews: str | Path | None = None) -> GateReport:
        """Judge a pull request by the policy of its base, as `modelreg gate`: `allowed`, `changes` and `findings`.

        `reviews` is a file of what the forge says (docs/ci.md); without, no forge is asked. Raises NotFoundError for an
        unknown ref, ConflictError where the two do not merge, UnavailableError where history is missing.
        """
        from modelreg.registry.gate import gate
        from modelreg.services import pull_request

        # str: None, which an environment has for a variable that is not set, would be the protected branch itself.
        tips = self._workspace.tip(str(base)), self._workspace.tip(str(head))
        asked = pull_request(self._workspace, tips[1], Path(reviews) if reviews is not None else None)
        return gate(self._workspace, *tips, asked)
