"""Who is told of what, and in which words: none of them a link, a mention or markup (threat A25)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.notification import EVENTS, Message, NotificationRule, is_target, messages, variable
from modelreg.domain.policy import Policy
from modelreg.domain.reports.notice import MOST, inert
from modelreg.domain.templates import template
from modelreg.registry.rules_registry import policy_rules
from tests.payloads import PAYLOADS

DOCS = YamlDocuments()


def event(kind: str = "promote", **changes: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "model": "churn",
        "version": "1.3.0",
        "from": "staging" if kind in ("promote", "archive", "withdraw") else None,
        "to": "production" if kind in ("promote", "rollback", "refuse") else None,
        "displaced": [],
        "alias": "champion" if kind == "alias" else None,
        "at": "2026-11-24T12:30:00Z",
        "by": "ann",
        "reason": "",
        "cause": None,
        "approved_by": [],
        "landing": "0123456789abcdef",
        "transition": 7,
    } | changes


def rule(**changes: Any) -> NotificationRule:
    return NotificationRule.from_mapping({"name": "all", "on": list(EVENTS), "to": ["chat"]} | changes)


@pytest.mark.parametrize(
    ("kind", "changes", "title"),
    [
        ("register", {}, "churn 1.3.0 registered"),
        ("promote", {}, "churn 1.3.0 promoted from staging to production"),
        ("rollback", {}, "production of churn rolled back to 1.3.0"),
        ("archive", {"to": "archived"}, "churn 1.3.0 archived from staging to archived"),
        ("withdraw", {}, "churn 1.3.0 withdrawn from staging"),
        ("alias", {}, "alias champion of churn points at 1.3.0"),
        ("alias", {"version": None}, "alias champion of churn removed"),
        ("evidence", {"reason": "ab-test"}, "churn 1.3.0: evidence recorded (ab-test)"),
        ("refuse", {"version": None}, "no version of churn may enter production"),
    ],
)
def test_what_each_event_says(kind: str, changes: dict[str, Any], title: str) -> None:
    (message,) = messages([rule()], [event(kind, **changes)])
    assert message.title == f"modelreg: {title}"
    assert message.body.splitlines()[0] == title
    assert message.severity == ("warning" if kind in ("rollback", "withdraw", "refuse") else "info")


def test_all_that_is_known_of_one_event() -> None:
    moved = event(displaced=["1.2.0"], reason="better\non all", cause="x", by="ann", approved_by=["bo", "cy"])
    assert Message("chat", ("all",), (moved,)).body.splitlines() == [
        "churn 1.3.0 promoted from staging to production",
        "displaced: 1.2.0",
        "reason: better on all",
        "cause: x",
        "by: ann",
        "approved by: bo, cy",
        "at: 2026-11-24T12:30:00Z",
        "commit: 0123456789ab",
    ]


def test_many_events_are_one_message() -> None:
    (message,) = messages([rule()], [event("register", version=f"1.0.{n}") for n in range(MOST + 5)])
    assert message.title == f"modelreg: {MOST + 5} changes"
    lines = message.body.splitlines()
    assert len(lines) == MOST + 1
    assert lines[0] == "churn 1.0.0 registered, by ann"
    assert lines[-1] == "and 5 more: modelreg history"


def test_a_target_hears_of_an_event_once_whatever_rules_name_it() -> None:
    rules = [
        rule(name="moves", on=["promoted", "rolled-back"], stages=["production"], to=["chat", "ops"]),
        rule(name="churn", models=["churn*"], to=["chat"]),
        rule(name="never", on=["aliased"], to=["mail"]),
    ]
    told = [event("register"), event(), event(model="price", to="staging", **{"from": "development"})]
    found = {message.target: message for message in messages(rules, told)}
    assert list(found) == ["chat", "ops"]
    assert (found["chat"].rules, found["chat"].events) == (("moves", "churn"), (told[0], told[1]))
    assert (found["ops"].rules, found["ops"].events) == (("moves",), (told[1],))
    assert messages(rules, []) == messages([], told) == ()


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"stages": ["production"]}, True),
        ({"stages": ["staging"]}, True),  # it leaves that
        ({"stages": ["archived"]}, False),
        ({"models": ["price*", "ch*"]}, True),
        ({"models": ["price*"]}, False),
        ({"on": ["rolled-back"]}, False),
    ],
)
def test_what_a_rule_fits(changes: dict[str, Any], fits: bool) -> None:
    assert rule(**changes).fits(event()) is fits


def test_stages_hold_back_moves_only() -> None:
    assert rule(stages=["production"]).fits(event("register"))
    assert rule(stages=["production"]).fits(event("evidence"))


def _harmless(text: str) -> bool:
    return not any(mark in text for mark in ("<", ">", "@", "&", "`", "://", "](", "www.ev", "\x1b", "\u202e"))


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("many", [False, True])
def test_A25_hostile_texts(payload: str, many: bool) -> None:
    hostile = event(reason=payload, by=payload, cause=payload, model=payload, alias=payload, to=payload)
    changes = dict.fromkeys(("reason", "by", "model", "to", "alias"), payload)
    kinds = [event(kind, **changes) for kind in EVENTS.values()]
    message = Message("chat", ("all",), tuple([hostile, *kinds] if many else [hostile]))
    assert _harmless(message.title)
    assert "\n" not in message.title
    assert _harmless(message.body)
    assert len(message.body.splitlines()) <= (len(kinds) + 1 if many else 8)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/x",
        "www.evil.example",
        "<!channel> <http://evil.example|ok>",
        "@everyone @here <@U1>",
        "[ok](http://evil.example) ![](//evil.example)",
        "&#64;everyone &lt;!channel&gt;",
        "mailto:x@evil.example",
        "`code` a.io x.EVIL",
    ],
)
def test_A25_no_link_and_no_mention(text: str) -> None:
    shown = inert(text)
    assert _harmless(shown)
    assert ".e" not in shown.lower()
    assert ".io" not in shown


@given(st.text(max_size=400))
def test_A25_any_text_is_one_harmless_line(text: str) -> None:
    shown = inert(text)
    assert _harmless(shown)
    assert len(shown.splitlines()) <= 1
    assert len(shown) <= 2 * 300


def test_numbers_stay_as_they_are() -> None:
    assert inert("churn_predictor 1.3.0-rc.1: f1 0.91 > 0.90") == "churn_predictor 1.3.0-rc.1: f1 0.91 › 0.90"


def test_names_of_targets() -> None:
    assert variable("team-chat") == "MODELREG_NOTIFY_TEAM_CHAT"
    assert all(map(is_target, ("a", "team-chat", "ops2")))
    assert not any(map(is_target, ("config", "Team", "team_chat", "-a", "a-", "", "x" * 32, "slack://x", None, 1)))


def _policy(entry: str) -> list[tuple[str | None, str]]:
    body, _ = template("standard", "ann@example.org")
    text = DOCS.dump(body).decode() + f"notifications:\n  - {entry}\n"
    document = DOCS.load(text.encode(), "policy.yaml")
    found = list(DOCS.check(document, "policy"))
    if not found:
        Policy.from_mapping(document.value)
        found = list(policy_rules(document))
    return [(finding.field, finding.message) for finding in found]


def test_the_policy_names_targets_and_no_addresses() -> None:
    assert _policy("{name: x, on: [promoted], stages: [production], models: ['churn*'], to: [team-chat]}") == []
    for target in ("slack://T/B/C", "config", "team_chat", "Chat"):
        ((field, message),) = _policy(f"{{name: x, on: [promoted], to: ['{target}']}}")
        assert field == "notifications[0].to[0]"
        assert "never its address" in message
    assert _policy("{name: x, on: [promoted], stages: [prod], to: [chat]}") == [
        ("notifications[0].stages[0]", "there is no stage prod")
    ]
    ((field, _),) = _policy("{name: x, on: [exploded], to: [chat]}")
    assert field == "notifications[0].on[0]"
    assert _policy("{name: x, on: [], to: [chat]}")[0][0] == "notifications[0].on"
