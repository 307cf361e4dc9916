"""What a hosted forge must enforce so that the policy binds, and whether GitHub's answers say that it does.

modelreg judges what it is shown; a forge without rules lets a change in that nobody showed it (threat-model A08, A20).
Names of rules and fields: GitHub's REST API, "Rules", "Repositories", "Actions permissions" (2022-11-28).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from modelreg.domain.diagnosis import Answer, Examined
from modelreg.domain.policy import Policy

STATUS = "modelreg/gate"
MERGE_METHODS = frozenset(("squash", "merge"))
Found = tuple[Answer, str]


@dataclass(frozen=True, slots=True)
class Duties:
    """What the registry needs of its forge. `watched` are paths that must have owners, `owners` is CODEOWNERS' text."""

    branch: str
    through_pull_request: tuple[str, ...]
    announced: bool
    watched: tuple[str, ...]
    owners: str | None

    @classmethod
    def of(cls, policy: Policy, branch: str, watched: Sequence[str], owners: str | None) -> Duties:
        """Derived from the policy: a stage that is entered by pull request binds nobody who may push."""
        stages = tuple(name for name, rule in policy.stages.items() if rule.via == "pull-request")
        return cls(branch, stages, bool(policy.announced), tuple(watched), owners)


@dataclass(frozen=True, slots=True)
class ForgeState:
    """The forge's answers; None where it gave none. `rules` are those active on the branch, `rulesets` in full."""

    rules: Sequence[Mapping[str, Any]] | None = None
    rulesets: Sequence[Mapping[str, Any]] | None = None
    settings: Mapping[str, Any] | None = None
    actions: Mapping[str, Any] | None = None

    def of_type(self, kind: str) -> list[Mapping[str, Any]]:
        """The parameters of the active rules of a type."""
        found = [rule.get("parameters") or {} for rule in self.rules or () if rule.get("type") == kind]
        return [item for item in found if isinstance(item, Mapping)]


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing the forge must enforce: why, how to set it, and how to tell from its answers."""

    check: str
    why: str
    way: str
    judge: Callable[[ForgeState], Found]

    def examine(self, state: ForgeState) -> Examined:
        answer, found = self.judge(state)
        return Examined(self.check, answer, found, "" if answer == "yes" else self.way)


def demands(duties: Duties) -> tuple[Demand, ...]:
    """In the order in which one would set them up."""
    return tuple(_demands(duties))


def _demands(duties: Duties) -> Iterator[Demand]:
    ruleset = f"ruleset for the branch {duties.branch}"
    yield Demand(
        "no-force-push",
        "history that is rewritten takes the record with it",
        f"{ruleset}: Block force pushes",
        lambda state: _active(state, "non_fast_forward"),
    )
    yield Demand(
        "no-deletion",
        "the branch is the record",
        f"{ruleset}: Restrict deletions",
        lambda state: _active(state, "deletion"),
    )
    if duties.through_pull_request:
        yield from _of_pull_requests(duties, ruleset)
    yield Demand(
        "no-bypass",
        "whoever may bypass a rule is not bound by it",
        f"{ruleset}: empty the bypass list, administrators included",
        _bypass,
    )
    if duties.announced:
        yield Demand(
            "tags-stay",
            "a tag that moves points consumers elsewhere (verify finds it afterwards)",
            "ruleset for all tags: Restrict updates, Restrict deletions",
            _tags,
        )
    yield Demand(
        "token-reads",
        "a workflow that names no permissions must get none to write",
        "Settings, Actions, General: Workflow permissions: Read repository contents",
        lambda state: _setting(state.actions, "default_workflow_permissions", "read"),
    )


def _of_pull_requests(duties: Duties, ruleset: str) -> Iterator[Demand]:
    stages = ", ".join(duties.through_pull_request)
    yield Demand(
        "pull-request",
        f"the policy lets nobody into {stages} but by pull request",
        f"{ruleset}: Require a pull request before merging",
        lambda state: _active(state, "pull_request"),
    )
    yield Demand(
        "status",
        "a gate that is not required is advice",
        f"{ruleset}: Require status checks to pass: {STATUS}",
        _status,
    )
    yield Demand(
        "status-source",
        "anybody who may write can set a status with a token of their own",
        f"{ruleset}: choose GitHub Actions as the source of {STATUS}",
        _status_source,
    )
    yield Demand(
        "newest-base",
        "a verdict holds for the base that it was given on",
        f"{ruleset}: Require branches to be up to date before merging, or Require merge queue",
        _newest_base,
    )
    yield Demand(
        "merge-methods",
        "rebasing makes several landings of one proposal",
        f"{ruleset}, Require a pull request: allow squash or merge, not rebase",
        _merge_methods,
    )
    yield Demand(
        "stale-reviews",
        "a review of what stood there before, or for another base, says nothing of what stands there now",
        f"{ruleset}, Require a pull request: Dismiss stale pull request approvals",
        _stale_reviews,
    )
    yield Demand(
        "code-owners",
        f"who changes {', '.join(duties.watched)} changes the rules",
        f"name owners of them in .github/CODEOWNERS, and in the {ruleset}: Require review from Code Owners",
        lambda state: _code_owners(state, duties),
    )


def _active(state: ForgeState, kind: str) -> Found:
    if state.rules is None:
        return "unknown", "the forge did not say which rules are active"
    there = any(rule.get("type") == kind for rule in state.rules)
    return ("yes", "active") if there else ("no", "no active ruleset says so")


def _contexts(state: ForgeState) -> list[Mapping[str, Any]]:
    found = [item for rule in state.of_type("required_status_checks") for item in _list(rule, "required_status_checks")]
    return [item for item in found if isinstance(item, Mapping) and item.get("context") == STATUS]


def _status(state: ForgeState) -> Found:
    if state.rules is None:
        return _active(state, "required_status_checks")
    return ("yes", f"{STATUS} is required") if _contexts(state) else ("no", f"{STATUS} is not required")


def _status_source(state: ForgeState) -> Found:
    if state.rules is None or not _contexts(state):
        return _status(state)
    fixed = any(type(item.get("integration_id")) is int for item in _contexts(state))
    return ("yes", "from one app only") if fixed else ("no", "from any source")


def _newest_base(state: ForgeState) -> Found:
    strict = any(r.get("strict_required_status_checks_policy") is True for r in state.of_type("required_status_checks"))
    if state.of_type("merge_queue"):
        return "yes", "a merge queue"
    return ("yes", "up to date before merging") if strict else _active(state, "merge_queue")


def _merge_methods(state: ForgeState) -> Found:
    queues = {str(rule.get("merge_method", "")).lower() for rule in state.of_type("merge_queue")} - {""}
    if queues - MERGE_METHODS:
        return "no", "the merge queue rebases"
    lists = [set(_list(rule, "allowed_merge_methods")) for rule in state.of_type("pull_request")]
    allowed = [methods for methods in lists if methods]
    if any(methods <= MERGE_METHODS for methods in allowed):
        return "yes", ", ".join(sorted(set.intersection(*allowed)))
    if state.settings is not None and state.settings.get("allow_rebase_merge") is False:
        return "yes", "the repository does not rebase"
    if not allowed and (state.settings is None or "allow_rebase_merge" not in state.settings):
        return "unknown", "the forge did not say"
    return "no", "rebase is allowed"


def _stale_reviews(state: ForgeState) -> Found:
    dismissed = any(rule.get("dismiss_stale_reviews_on_push") is True for rule in state.of_type("pull_request"))
    if dismissed or state.rules is None:
        return _active(state, "pull_request")
    return "no", "approvals stay when the proposal changes"


def _bypass(state: ForgeState) -> Found:
    if state.rules is None or state.rulesets is None:
        return "unknown", "the forge did not say"
    used = {rule.get("ruleset_id") for rule in state.rules}
    lists = [ruleset.get("bypass_actors") for ruleset in state.rulesets if ruleset.get("id") in used]
    if not used:
        return "no", "no ruleset is active"
    actors = sum(len(actors) for actors in lists if isinstance(actors, list))
    if actors:
        return "no", f"{actors} may bypass"
    # The list is shown to those only who may change the ruleset; one of the organisation may not be shown at all.
    shown = len(lists) == len(used) and all(isinstance(actors, list) for actors in lists)
    return ("yes", "nobody") if shown else ("unknown", "the token may not see the bypass list")


def _tags(state: ForgeState) -> Found:
    if state.rulesets is None:
        return "unknown", "the forge did not say"
    for ruleset in state.rulesets:
        kinds = {rule.get("type") for rule in _list(ruleset, "rules") if isinstance(rule, Mapping)}
        names = (ruleset.get("conditions") or {}).get("ref_name") or {}
        every = "~ALL" in _list(names, "include") and not _list(names, "exclude")
        active = ruleset.get("target") == "tag" and ruleset.get("enforcement") == "active"
        if active and every and {"update", "deletion"} <= kinds:
            return "yes", "no tag is moved or deleted"
    return "no", "no active ruleset for all tags says so"


def _setting(settings: Mapping[str, Any] | None, key: str, wanted: object) -> Found:
    if settings is None or key not in settings:
        return "unknown", "the forge did not say"
    return ("yes" if settings[key] == wanted else "no"), str(settings[key]).lower()


def _code_owners(state: ForgeState, duties: Duties) -> Found:
    unowned = [path for path in duties.watched if not owned(duties.owners or "", path)]
    if unowned:
        return "no", f"nobody owns {', '.join(unowned)}"
    if state.rules is None:
        return "unknown", "owners are named; the forge did not say whether they must review"
    asked = any(rule.get("require_code_owner_review") is True for rule in state.of_type("pull_request"))
    return ("yes", "owners must review") if asked else ("no", "owners are named, and need not review")


def owned(text: str, path: str) -> bool:
    """Whether CODEOWNERS names an owner of `path`: of its lines the last that matches counts.

    Patterns with a `?`, `[` or `**` inside are taken for no match: better one owner too few than one imagined.
    """
    found = False
    for line in text.splitlines():
        pattern, *owners = line.split("#", 1)[0].split() or [""]
        if pattern and _matches(pattern, path):
            found = bool(owners)
    return found


def _matches(pattern: str, path: str) -> bool:
    if pattern == "*":
        return True
    if any(mark in pattern for mark in ("?", "[", "**", "!", "\\")):
        return False
    bare = pattern.strip("/")
    anchored = "/" in pattern.rstrip("/")
    parts = path.split("/")
    starts = [0] if anchored else range(len(parts))
    wanted = bare.split("/")
    for start in starts:
        those = parts[start : start + len(wanted)]
        same = len(those) == len(wanted) and all(fnmatchcase(a, b) for a, b in zip(those, wanted, strict=True))
        below = start + len(wanted) < len(parts)
        # A star at the end of a pattern matches files of that folder only, a folder's name all below it.
        if same and (below if pattern.endswith("/") else not below or "*" not in wanted[-1]):
            return True
    return False


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []
