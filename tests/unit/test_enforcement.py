"""What the forge must enforce: derived from the policy, told from GitHub's answers, and never assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelreg.domain.diagnosis import worst
from modelreg.domain.enforcement import Duties, ForgeState, demands, owned
from tests.samples import standard

WATCHED = ("registry/policy.yaml", "registry/allowed_signers", ".github/workflows/gate.yml")
OWNERS = "/registry/ @acme/registry\n/.github/ @acme/registry\n"
STAGES = {"development": {}, "production": {"from": ["development"], "via": "pull-request", "announce": True}}
STATUS = {"context": "modelreg/gate", "integration_id": 15368}


def team(owners: str | None = OWNERS) -> Duties:
    return Duties.of(standard(stages=STAGES, aliases={}, gates=[]), "main", WATCHED, owners)


def rule(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"type": kind, "ruleset_id": 1} | ({"parameters": parameters} if parameters else {})


def good() -> ForgeState:
    checks = {"required_status_checks": [STATUS], "strict_required_status_checks_policy": True}
    reviews = {
        "allowed_merge_methods": ["squash", "merge"],
        "require_code_owner_review": True,
        "dismiss_stale_reviews_on_push": True,
    }
    tags = {
        "id": 2,
        "target": "tag",
        "enforcement": "active",
        "bypass_actors": [],
        "rules": [{"type": "update"}, {"type": "deletion"}],
        "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
    }
    return ForgeState(
        rules=[
            rule("non_fast_forward"),
            rule("deletion"),
            rule("pull_request", **reviews),
            rule("required_status_checks", **checks),
        ],
        rulesets=[{"id": 1, "target": "branch", "enforcement": "active", "bypass_actors": []}, tags],
        settings={"allow_rebase_merge": True},
        actions={"default_workflow_permissions": "read"},
    )


def answers(state: ForgeState, duties: Duties | None = None) -> dict[str, str]:
    return {demand.check: demand.examine(state).answer for demand in demands(duties or team())}


def rules(state: ForgeState, kind: str, **parameters: Any) -> ForgeState:
    """With the parameters of the rule of this type replaced; without any, the rule taken away."""
    kept = [r for r in state.rules or () if r["type"] != kind]
    return replace(state, rules=[*kept, rule(kind, **parameters)] if parameters else kept)


def test_a_forge_that_enforces_everything() -> None:
    found = [demand.examine(good()) for demand in demands(team())]
    assert worst(found) == "yes"
    assert not any(item.hint for item in found)
    assert len(found) == 12


def test_a_policy_without_pull_requests_asks_for_less() -> None:
    plain = Duties.of(standard(), "main", WATCHED, None)
    assert [d.check for d in demands(plain)] == [
        "no-force-push",
        "no-deletion",
        "no-bypass",
        "tags-stay",
        "token-reads",
    ]


def test_a_forge_that_says_nothing_is_unknown() -> None:
    assert set(answers(ForgeState()).values()) == {"unknown"}


def test_a_forge_without_rules_enforces_nothing() -> None:
    found = answers(ForgeState(rules=[], rulesets=[], settings={"allow_rebase_merge": True}, actions={}))
    assert {check for check, answer in found.items() if answer == "yes"} == set()
    assert {check for check, answer in found.items() if answer == "unknown"} == {"token-reads"}


SQUASH = {"allowed_merge_methods": ["squash"], "require_code_owner_review": True}


@pytest.mark.parametrize(
    ("state", "check", "answer"),
    [
        (rules(good(), "non_fast_forward"), "no-force-push", "no"),
        (rules(good(), "deletion"), "no-deletion", "no"),
        (rules(good(), "pull_request"), "pull-request", "no"),
        (rules(good(), "required_status_checks"), "status", "no"),
        (rules(good(), "required_status_checks", required_status_checks=[{"context": "ci"}]), "status", "no"),
        (rules(good(), "required_status_checks", required_status_checks="modelreg/gate"), "status", "no"),
        (rules(good(), "required_status_checks", required_status_checks=[STATUS]), "newest-base", "no"),
        (
            rules(good(), "required_status_checks", required_status_checks=[{"context": "modelreg/gate"}]),
            "status-source",
            "no",
        ),
        (
            rules(
                rules(good(), "required_status_checks", required_status_checks=[STATUS]),
                "merge_queue",
                merge_method="SQUASH",
            ),
            "newest-base",
            "yes",
        ),
        (rules(good(), "merge_queue", merge_method="REBASE"), "merge-methods", "no"),
        (rules(good(), "pull_request", **SQUASH), "merge-methods", "yes"),
        (
            rules(good(), "pull_request", **(SQUASH | {"allowed_merge_methods": ["rebase", "squash"]})),
            "merge-methods",
            "no",
        ),
        (rules(good(), "pull_request", require_code_owner_review=True), "merge-methods", "no"),
        (
            replace(rules(good(), "pull_request", a=1), settings={"allow_rebase_merge": False}),
            "merge-methods",
            "yes",
        ),
        (replace(rules(good(), "pull_request", a=1), settings={}), "merge-methods", "unknown"),
        (rules(good(), "pull_request", allowed_merge_methods=["squash"]), "code-owners", "no"),
        (rules(good(), "pull_request", allowed_merge_methods=["squash"]), "stale-reviews", "no"),
        (replace(good(), rulesets=None), "no-bypass", "unknown"),
        (replace(good(), rulesets=[{"id": 1}]), "no-bypass", "unknown"),
        (replace(good(), rulesets=[{"id": 3, "bypass_actors": []}]), "no-bypass", "unknown"),
        (replace(good(), rulesets=[{"id": 1, "bypass_actors": [{"actor_type": "RepositoryRole"}]}]), "no-bypass", "no"),
        (replace(good(), rulesets=[{"id": 1}]), "tags-stay", "no"),
        (replace(good(), actions={"default_workflow_permissions": "write"}), "token-reads", "no"),
        (replace(good(), actions=None), "token-reads", "unknown"),
    ],
)
def test_one_thing_missing(state: ForgeState, check: str, answer: str) -> None:
    assert answers(state)[check] == answer


@pytest.mark.parametrize(
    "change",
    [
        {"target": "branch"},
        {"enforcement": "evaluate"},
        {"rules": [{"type": "deletion"}]},
        {"rules": None},
        {"conditions": {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}}},
        {"conditions": {"ref_name": {"include": ["~ALL"], "exclude": ["refs/tags/x"]}}},
        {"conditions": None},
    ],
)
def test_a_ruleset_of_tags_that_does_not_hold_them(change: dict[str, Any]) -> None:
    tags = dict((good().rulesets or [])[1])
    assert answers(replace(good(), rulesets=[tags | change]))["tags-stay"] == "no"


@pytest.mark.parametrize(
    ("text", "path", "yes"),
    [
        ("* @a", "registry/policy.yaml", True),
        ("/registry/ @a", "registry/policy.yaml", True),
        ("registry/ @a", "ml/registry/policy.yaml", True),
        ("/registry/ @a", "ml/registry/policy.yaml", False),
        ("/registry/policy.yaml @a", "registry/policy.yaml", True),
        ("registry/policy.yaml @a", "ml/registry/policy.yaml", False),
        ("policy.yaml @a", "registry/policy.yaml", True),
        ("*.yaml @a", "registry/policy.yaml", True),
        ("/registry/*.yaml @a", "registry/policy.yaml", True),
        ("/registry/* @a", "registry/churn/model.yaml", False),
        ("/registry @a", "registry/churn/model.yaml", True),
        ("/registr/ @a", "registry/policy.yaml", False),
        ("# * @a", "registry/policy.yaml", False),
        ("* @a\n/registry/", "registry/policy.yaml", False),
        ("/registry/\n* @a", "registry/policy.yaml", True),
        ("registry/** @a", "registry/policy.yaml", False),
        ("", "registry/policy.yaml", False),
        ("policy.yaml/ @a", "registry/policy.yaml", False),
    ],
)
def test_code_owners(text: str, path: str, yes: bool) -> None:
    assert owned(text, path) is yes


def test_code_owners_must_cover_all_that_rules() -> None:
    assert answers(good(), team("/registry/ @a"))["code-owners"] == "no"
    assert answers(good(), team(None))["code-owners"] == "no"
    assert answers(ForgeState(), team())["code-owners"] == "unknown"
