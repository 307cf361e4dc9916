"""A11, votes: who has two keys or two e-mails is one person, and neither author nor registrant is among the voters."""

from __future__ import annotations

import pytest

from tests.keys import Key, make_key
from tests.team import NAMES, Team, dumped, person, policy

SECOND = "bo.baker@example.com"


@pytest.fixture
def second(team: Team) -> Key:
    """Another key of bo's."""
    return make_key(team.folder, "second")


def rules(team: Team, second: Key, by: str, **changes: object) -> None:
    """The rules with bo's second key, listed for `by`."""
    signers = "".join(team.keys[name].line(person(name)) for name in NAMES) + second.line(by)
    files = {"registry/policy.yaml": dumped(policy(serial=3, **changes)), "registry/allowed_signers": signers.encode()}
    team.change_rules(files)


def test_two_keys_of_one_person_are_one_vote(team: Team, second: Key) -> None:
    rules(team, second, person("bo"))
    branch = team.propose("ann", "1.0.0", "staging")
    files = team.forged(team.keys["bo"], person("bo"), branch, "1.0.0", "staging")
    files |= team.forged(second, person("bo"), branch, "1.0.0", "staging", {"comment": "with my other key"})
    assert len(files) == 4
    assert team.votes_with(branch, files) == "1: bo@example.org"
    assert team.approves("bo", "1.0.0", "staging", "--push").code == 0
    result = team.run("bo", "approve", "churn", "1.0.0", "staging", "--key", second.path)
    assert (result.code, "has approved this already" in result.err) == (1, True)


@pytest.mark.parametrize("mapped", [True, False])
def test_two_e_mails_that_people_maps_to_one_account_are_one_vote(team: Team, second: Key, mapped: bool) -> None:
    reviewers = [*(person(name) for name in ("ann", "bo", "cy")), SECOND]
    people = {person("bo"): {"github": "bobaker"}} | ({SECOND: {"github": "BoBaker"}} if mapped else {})
    rules(team, second, SECOND, roles={"reviewer": reviewers}, people=people)
    branch = team.propose("ann", "1.0.0", "staging")
    files = team.forged(team.keys["bo"], person("bo"), branch, "1.0.0", "staging")
    files |= team.forged(second, SECOND, branch, "1.0.0", "staging")
    both = f"2: {SECOND}, {person('bo')}"
    assert team.votes_with(branch, files) == (f"1: {SECOND}" if mapped else both)
    assert team.approves("bo", "1.0.0", "staging", "--push").code == 0
    team.clones["bo"].git("config", "user.email", SECOND)
    again = team.run("bo", "approve", "churn", "1.0.0", "staging", "--key", second.path)
    assert again.code == (1 if mapped else 0)


def test_the_author_does_not_vote_under_another_e_mail(team: Team, second: Key) -> None:
    people = {person("bo"): {"github": "bobaker"}, SECOND: {"github": "bobaker"}}
    rules(team, second, SECOND, roles={"reviewer": [person("bo"), SECOND, person("cy")]}, people=people)
    branch = team.propose("bo", "1.0.0", "staging")
    assert team.votes_with(branch, team.forged(second, SECOND, branch, "1.0.0", "staging")) == "0"
    team.clones["bo"].git("config", "user.email", SECOND)
    result = team.run("bo", "approve", "churn", "1.0.0", "staging", "--key", second.path)
    assert (result.code, "proposed the change" in result.err) == (1, True)


def test_registrant_and_proposer_never_count(team: Team) -> None:
    branch = team.propose("bo", "1.0.0", "staging")
    files: dict[str, bytes] = {}
    for name in NAMES:  # ann registered it, bo proposed it, dan is no reviewer
        files |= team.forged(team.keys[name], person(name), branch, "1.0.0", "staging")
    assert team.votes_with(branch, files) == "1: cy@example.org"


def test_who_signs_for_another_is_nobody(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    assert team.votes_with(branch, team.forged(team.keys["bo"], person("cy"), branch, "1.0.0", "staging")) == "0"
    assert team.votes_with(branch, team.forged(team.keys["dan"], person("bo"), branch, "1.0.0", "staging")) == "0"


def test_a_key_that_the_proposal_itself_brings_counts_for_nothing(team: Team, second: Key) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    files = team.forged(second, person("bo"), branch, "1.0.0", "staging")
    signers = team.clones["dan"].read("registry/allowed_signers") + second.line(person("bo"))
    assert team.votes_with(branch, files | {"registry/allowed_signers": signers.encode()}) == "0"


def test_the_author_of_a_change_of_the_rules_does_not_approve_it_under_another_e_mail(team: Team, second: Key) -> None:
    people = {person("bo"): {"github": "bobaker"}, SECOND: {"github": "bobaker"}}
    rules(team, second, SECOND, roles={"reviewer": [person("bo"), SECOND, person("cy")]}, people=people)
    repo = team.clones["bo"]
    repo.git("switch", "-q", "-c", "mine")
    repo.commit("weaker", {"registry/policy.yaml": dumped(policy(serial=4, gates=[]))})
    repo.git("config", "user.email", SECOND)
    result = team.run("bo", "policy", "approve", "mine", "--key", second.path)
    assert (result.code, "wrote the change" in result.err) == (1, True)
