"""Proposals: a stage change as a branch with one commit, for a pull request to argue about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.proposal import ProposalName, hopeless
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import NOT_JUDGED, Report
from modelreg.errors import NotARegistryError
from modelreg.registry.carried import Carried
from modelreg.registry.judging import Circumstances
from modelreg.registry.moving import Draft, Wish, draft
from modelreg.registry.ports import Entry
from modelreg.registry.proposal_body import body_of
from modelreg.registry.proposals import Proposal, look
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import denied, title_of, trailers
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import message, paths_of


@dataclass(frozen=True, slots=True)
class Proposed:
    """What came of it. `commit` is the proposal's tip; None: a dry run, or (no `transition`) it stands there already.

    `made` is False where an open proposal was found as it is now; `stale` says that it needs a refresh. `body` is the
    pull request's text.
    """

    name: ProposalName
    into: str
    transition: Transition | None = None
    report: Report = NOT_JUDGED
    commit: CommitId | None = None
    made: bool = False
    stale: bool = False
    pushed: bool = False
    files: tuple[str, ...] = ()
    title: str = ""
    body: str = ""

    @property
    def branch(self) -> str:
        return str(self.name)

    @property
    def hopeless(self) -> bool:
        """Whether no evidence, approval or time can make it land."""
        return bool(hopeless(self.report.verdicts))


def propose(
    workspace: Workspace,
    wish: Wish,
    *,
    refresh: bool = False,
    push: bool = False,
    dry_run: bool = False,
    beside: Callable[[Snapshot, Wish], dict[str, bytes]] | None = None,
) -> Proposed:
    """Make the branch `promote/MODEL/VERSION/STAGE` on the protected tip; an open one is left as it is.

    `refresh` makes an open one again on the present tip: a merge of it, so that its push is a fast forward, with the
    evidence and approvals that it gathered. No work tree is touched. `beside` are files that come in the same commit.
    Raises NotFoundError for an unknown model, version or stage, GateDeniedError for what can never land (with
    `dry_run` the report says it), ConflictError where somebody else's proposal of that name has diverged.
    """
    name = ProposalName(wish.model, wish.version, wish.to)
    maker = _Maker(workspace, name, wish, refresh, beside, dry_run)
    repository, branch = workspace.repository, str(name)
    push = push or repository.always_pushes
    if dry_run:
        maker.plan(workspace.tip())
        return maker.answer(None, pushed=False)
    landed = repository.land(maker.plan, branch, push=push, onto=workspace.settings.branch)
    if push and landed is None and maker.found is not None:
        repository.push_branch(branch)
    return maker.answer(landed.commit if landed else None, pushed=push)


class _Maker:
    """Plans the proposal's commit, as often as it is asked; what it last made or found is the answer."""

    def __init__(
        self,
        workspace: Workspace,
        name: ProposalName,
        wish: Wish,
        refresh: bool,
        beside: Callable[[Snapshot, Wish], dict[str, bytes]] | None,
        dry_run: bool,
    ) -> None:
        self.workspace = workspace
        self.name = name
        self.wish = wish
        self.refresh = refresh
        self.beside = beside
        self.dry_run = dry_run
        self.found: Proposal | None = None
        self._drafted: Draft | None = None
        self._planned: Plan | None = None
        self._body = ""

    def plan(self, base: CommitId | None) -> Plan | None:
        if base is None:
            raise NotARegistryError("the protected branch has no commit", hint="run `modelreg init`")
        workspace, now = self.workspace, self.workspace.clock()
        self.found = self._drafted = self._planned = None
        tip = workspace.repository.branch_tip(str(self.name))
        old = None if tip is None else look(workspace, self.name, tip, base, now)
        if old is not None and self._stays(old, base):
            self.found = old
            if old.transition is not None:
                head = workspace.at(old.commit)
                self._body = body_of(workspace, workspace.at(base), head, old.transition, old.report, now)
            return None
        merges = None if tip is None or workspace.repository.is_ancestor(tip, base) else tip
        wish = self.wish if old is None or old.state == "landed" else _again(self.wish, old.transition)
        return self._made(wish, base, merges, now)

    def _made(self, wish: Wish, base: CommitId, merges: CommitId | None, now: int) -> Plan | None:
        """The commit on `base`, with what the proposal `merges` has gathered."""
        workspace = self.workspace
        snapshot = head = workspace.at(base)
        carried: Mapping[str, Entry] = {}
        if merges is not None and (carried := _gathered(workspace, base, merges, wish.model)):
            tree = Carried(snapshot.tree, workspace.repository.tree(merges), carried)
            head = Snapshot(tree, workspace.documents, workspace.layout)
        self._drafted = draft(workspace, snapshot, wish, Circumstances(now, via="pull-request"), head)
        transition, report = self._drafted.transition, self._drafted.report
        if transition is None:
            return None
        never = hopeless(report.verdicts)
        if never and not self.dry_run:
            hint = f"modelreg stage list {wish.model} says where it stands, policy.yaml from where it may come"
            raise denied(wish, Report(never), hint)
        self._body = body_of(workspace, snapshot, head, transition, report, now)
        files = self._drafted.files | dict(head.tree.read_many(carried))
        if self.beside is not None:
            files |= self.beside(snapshot, wish)
        text = message(title_of(transition), trailers(transition), transition.reason)
        self._planned = Plan(str(self.name), base, files, text, now, merges=merges)
        return self._planned

    def answer(self, commit: CommitId | None, *, pushed: bool) -> Proposed:
        into = self.workspace.settings.branch
        if self.found is not None:
            old = self.found
            title = title_of(old.transition) if old.transition else str(self.name)
            return Proposed(
                self.name, into, old.transition, old.report, old.commit, stale=old.state == "stale", pushed=pushed,
                title=title, body=self._body,
            )  # fmt: skip
        if self._drafted is None or self._drafted.transition is None:
            return Proposed(self.name, into)
        transition = self._drafted.transition
        return Proposed(
            self.name, into, transition, self._drafted.report, commit, made=commit is not None, pushed=pushed,
            files=tuple(paths_of(self._planned)), title=title_of(transition), body=self._body,
        )  # fmt: skip

    def _stays(self, old: Proposal, base: CommitId) -> bool:
        """Whether the branch is left as it is: it is open, and fresh or not asked to be."""
        if old.state == "landed":
            return False
        fresh = old.state == "open" and self.workspace.repository.is_ancestor(base, old.commit)
        return not self.refresh or (fresh and self.wish.key is None)


def _again(wish: Wish, old: Transition | None) -> Wish:
    """The same wish, made again: of the same kind and cause, and by who made it first, unless somebody signs it now.

    Else a refresh would turn the proposer into somebody who may approve.
    """
    if old is None:
        return wish
    by = wish.by if wish.key is not None else old.by
    cause = wish.cause if old.kind != "rollback" else wish.cause or old.cause
    return replace(wish, by=by, reason=wish.reason or old.reason, cause=cause)


def _gathered(workspace: Workspace, base: CommitId, tip: CommitId, model: ModelName) -> Mapping[str, Entry]:
    """Evidence and approvals that stand on the proposal, of versions that the base knows, and that the base lacks."""
    folder, layout = workspace.layout.model_folder(model), workspace.layout
    landed = workspace.repository.tree(base).paths(folder)
    found = {}
    for path, entry in workspace.repository.tree(tip).paths(folder).items():
        place = layout.place(path)
        if path in landed or entry.mode != "100644" or place is None or place.version is None:
            continue
        about = path.startswith(layout.version(model, place.version, "evidence/"))
        if about and place.kind in ("evidence", "signature") and layout.manifest(model, place.version) in landed:
            found[path] = entry
    return found
