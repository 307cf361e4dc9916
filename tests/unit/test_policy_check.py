"""What a policy asks that can never be met, or that asks nothing; and what `validate` says of names in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelreg.adapters.documents import YamlDocuments
from modelreg.adapters.schema import schema_text
from modelreg.domain.checks import CHECKS
from modelreg.domain.document import Document
from modelreg.domain.finding import Finding
from modelreg.domain.names import Stage
from modelreg.domain.policy import Policy
from modelreg.domain.policy_check import check_policy, reachable
from modelreg.domain.rules import evaluate
from modelreg.domain.templates import TEMPLATES, template
from modelreg.registry.rules_registry import gate_rules, policy_rules
from tests.samples import ARCHIVED, DEVELOPMENT, PRODUCTION, STAGING, standard

DOCS = YamlDocuments()
EXAMPLE = (Path(__file__).parents[1] / "corpus/valid/policy--example.yaml").read_text()
PEOPLE = frozenset(f"{name}@example.org" for name in ("ann", "bo", "cy", "di", "ed"))
CHURN = "format: 1\nname: churn\ntask: classification\ntags: {risk: high}\n"
PRICE = "format: 1\nname: price\ntask: regression\n"


def load(text: str, kind: str = "policy", name: str = "policy.yaml") -> Document:
    document = DOCS.load(text.encode(), name)
    assert list(DOCS.check(document, kind)) == []
    return document


def models(*texts: str) -> list[Document]:
    return [load(text, "model", f"m{n}.yaml") for n, text in enumerate(texts)]


def said(findings: tuple[Finding, ...] | list[Finding]) -> list[tuple[str, str, str | None]]:
    for finding in findings:
        assert finding.line, finding
        assert finding.message
        assert len(finding.message) < 200
    return [(finding.severity, finding.code, finding.field) for finding in findings]


def swapped(old: str, new: str) -> str:
    assert old in EXAMPLE
    return EXAMPLE.replace(old, new, 1)


def on(text: str, *texts: str, signers: frozenset[str] | None = PEOPLE) -> list[tuple[str, str, str | None]]:
    return said(check_policy(load(text), models(*(texts or (CHURN, PRICE))), signers))


def test_the_example_is_sound() -> None:
    assert on(EXAMPLE) == []
    assert list(policy_rules(load(EXAMPLE))) == []


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("registered", [(), (CHURN, PRICE), (CHURN.replace("classification", "ranking"),)])
def test_no_template_asks_what_can_never_be_met(name: str, registered: tuple[str, ...]) -> None:
    body, _ = template(name, "ann@example.org")
    document = load(DOCS.dump(body).decode())
    assert list(policy_rules(document)) == []
    alone = said(check_policy(document, models(*registered)))
    assert {severity for severity, _, _ in alone} <= {"warning"}
    counts = {field for _, code, field in alone if code in ("approvals", "change")}
    if name in ("open", "standard"):
        assert alone == []
    else:
        assert "change.approvals" in counts
        assert any(field and field.endswith("approvals.count") for field in counts)


def test_the_live_rule_of_strict() -> None:
    """It calls for a rollback where the live accuracy fell, and leaves models alone that have none."""
    body, _ = template("strict", "ann@example.org")
    (rule,) = body["rollback_when"]
    recorded = {"metrics": {"accuracy": 0.9}}
    assert evaluate(rule["expr"], recorded | {"live": {"metrics": {"accuracy": 0.8}}})
    assert not evaluate(rule["expr"], recorded | {"live": {"metrics": {"accuracy": 0.88}}})
    assert not evaluate(rule["expr"], {"metrics": {"r2": 0.5}, "live": {"metrics": {"r2": 0.1}}})


# --- people


REVIEWERS = "reviewer: [bo@example.org, cy@example.org]"
APPROVALS = "gates[3].require.approvals"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("count: 2", "count: 3", ("error", "approvals", f"{APPROVALS}.count")),
        (REVIEWERS, "reviewer: [bo@example.org]", ("error", "approvals", f"{APPROVALS}.count")),
        # one of the two registers versions, so that there is one left
        (REVIEWERS, "reviewer: [bo@example.org, ann@example.org]", ("warning", "approvals", f"{APPROVALS}.count")),
        # di may promote into production
        (REVIEWERS, "reviewer: [bo@example.org, di@example.org]", ("warning", "approvals", f"{APPROVALS}.count")),
        ("from: [signature, forge]", "from: [forge]", ("error", "approvals", f"{APPROVALS}.from")),
        ("valid_days: 14, from: [signature, forge]", "valid_days: 14", None),
        (REVIEWERS, "reviewer: []", ("warning", "empty-role", "roles.reviewer")),
        (REVIEWERS, "reviewer: []", ("error", "approvals", f"{APPROVALS}.count")),
        (REVIEWERS, "reviewer: []", ("error", "by", "gates[3].require.compliance.by")),
        ("experimenter: [ann@example.org, di@example.org]", "experimenter: []",
         ("error", "by", "gates[3].require.ab_test.by")),
        ("accuracy: {min: 0.85}", "accuracy: {min: 0.85, by: ghost}\n", None),
        ("approvals: 1, role: platform", "approvals: 3, role: platform", ("error", "change", "change.approvals")),
        ("approvals: 1, role: platform", "approvals: 2, role: platform", ("warning", "change", "change.approvals")),
        ("approvals: 1, role: platform", "approvals: 0, role: platform", ("warning", "weak", "change.approvals")),
        ("change: {approvals: 1, role: platform}", "", ("warning", "weak", None)),
        ("may: [approve, evidence]", "may: [evidence]", ("warning", "approvals", f"{APPROVALS}.count")),
        ("stages: [production]}", "stages: [staging]}", ("warning", "approvals", f"{APPROVALS}.count")),
        ("may: [register, evidence, propose]", "may: [evidence, propose]", ("error", "access", "access")),
        ("trainer: [ann@example.org]", "trainer: []", ("error", "access", "access")),
        ('may: [promote, rollback, withdraw], models: ["*"]', 'may: [rollback], models: ["*"]', None),
        ('may: [register, evidence, propose], models: ["*"]', 'may: [register], models: ["*"]', None),
    ],
)  # fmt: skip
def test_people(old: str, new: str, expected: tuple[str, str, str | None] | None) -> None:
    found = on(swapped(old, new.rstrip()))
    assert (expected in found) if expected else found == [], found


def test_nobody_may_move_a_version_into_a_stage() -> None:
    text = swapped("may: [promote, rollback, withdraw]", "may: [rollback, withdraw]").replace(
        "may: [register, evidence, propose]", "may: [register, evidence]"
    )
    found = check_policy(load(text), models(CHURN, PRICE), PEOPLE)
    assert {f.message for f in found} == {
        f"nobody may promote or propose a version into {stage}" for stage in ("staging", "production", "archived")
    }
    some = text.replace(
        'may: [register, evidence], models: ["*"]', 'may: [register, evidence, promote], models: ["churn*"]'
    )
    found = check_policy(load(some), models(CHURN, PRICE), PEOPLE)
    assert "nobody may promote or propose a version of price into production" in {f.message for f in found}
    assert all("churn" not in f.message for f in found)


def test_a_check_that_no_gate_judges() -> None:
    schema = json.loads(schema_text("policy"))["$defs"]["require"]["properties"]
    for name in schema.keys() - CHECKS.keys():
        text = EXAMPLE.replace("signature: compatible", f"{name}: true\n      signature: compatible")
        assert ("error", "unknown-check", f"gates[3].require.{name}") in on(text)


def test_access_is_asked_and_there_is_none() -> None:
    text = EXAMPLE.split("access:\n")[0].replace("signature: compatible", "access: true\n      signature: compatible")
    assert ("error", "access", "gates[3].require.access") in on(text)
    assert "access" not in {code for _, code, _ in on(text.replace("      access: true\n", ""))}


def test_an_account_of_two_persons_is_nobodys() -> None:
    people = "people:\n  bo@example.org: {github: bo}\n  cy@example.org: {github: CY}\n"
    text = swapped("from: [signature, forge]", "from: [forge]").replace("people: ", people + "#")
    text = text.replace("  cy@example.org: {github: cy-dev}\n", "")
    assert on(text) == []
    assert ("error", "approvals", f"{APPROVALS}.from") in on(text.replace("github: CY", "github: BO"))
    assert ("error", "approvals", f"{APPROVALS}.from") in on(text.replace("github: CY", "gitlab: cy"))


def test_signers() -> None:
    assert {code for _, code, _ in on(EXAMPLE, signers=None)} == {"approvals", "change"}
    assert on(swapped("from: [signature, forge]", "from: [signature]"), signers=PEOPLE) == []
    only = swapped("from: [signature, forge]", "from: [signature]")
    assert ("warning", "signers", f"{APPROVALS}.from") in on(only, signers=None)
    assert ("warning", "approvals", f"{APPROVALS}.from") in on(only, signers=PEOPLE - {"bo@example.org"})
    assert on(EXAMPLE, signers=PEOPLE - {"cy@example.org"}) == []  # cy has an account
    signed = swapped("    protected: true", "    signed: true\n    protected: true")
    assert on(signed) == []
    assert ("warning", "signers", "stages.production.signed") in on(signed, signers=None)


def test_approvals_of_anybody() -> None:
    text = swapped("count: 2, role: reviewer", "count: 5")
    assert ("warning", "approvals", f"{APPROVALS}.count") in on(text)
    assert ("error", "approvals", f"{APPROVALS}.count") in on(text.replace("count: 5", "count: 6"))
    two = swapped("count: 2", "count: 3").split("access:\n")[0]
    assert ("error", "approvals", f"{APPROVALS}.count") in on(two)
    assert ("warning", "approvals", f"{APPROVALS}.count") in on(
        two.replace("count: 3", "count: 2")
    )  # no access: anyone
    assert on(two.replace("count: 3", "count: 1")) == []


# --- stages


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    from: [staging]\n    exclusive", "    exclusive", ("error", "unreachable", "stages.production")),
        ("    from: [staging]\n", "    from: [production]\n", ("error", "unreachable", "stages.production")),
        ("staging: {from: [development], announce: true}", "staging: {announce: true}",
         ("error", "unreachable", "stages.staging")),
        ("archived: {from: [development, staging, production]}", "archived: {from: [development]}\n  old: {from: [old]}",
         ("warning", "unreachable", "stages.old")),
        ("archived: {from: [development, staging, production]}", "archived: {}", None),
        ("soak: {stage: staging,", "soak: {stage: archived,", ("error", "soak", "gates[3].require.soak.stage")),
        ("    from: [staging]\n    exclusive", "    from: [staging, archived]\n    exclusive", None),
        ("development: {from: [staging, archived]}", "development: {from: [staging]}", None),
        ("at_least_hours: 24", "at_least_hours: 0", ("warning", "weak", "gates[3].require.soak.at_least_hours")),
        ("signature: compatible", "transition: {from: [development]}",
         ("error", "transition", "gates[3].require.transition.from")),
        ("signature: compatible", "transition: {from: [development, staging]}", None),
    ],
)  # fmt: skip
def test_stages(old: str, new: str, expected: tuple[str, str, str | None] | None) -> None:
    found = on(swapped(old, new))
    assert (expected in found) if expected else found == [], found


def test_soak_in_a_stage_that_another_requirement_excludes() -> None:
    text = swapped("    from: [staging]\n", "    from: [staging, archived]\n")
    text = text.replace("signature: compatible", "transition: {from: [archived]}")
    assert on(text) == [("error", "soak", "gates[3].require.soak.stage")]


def test_reachable() -> None:
    assert reachable(standard()) == {DEVELOPMENT, STAGING, PRODUCTION, ARCHIVED}
    stages = {"a": {}, "b": {"from": ["a"], "exclusive": True, "displaced_to": "c"}, "c": {}, "d": {"from": ["c"]},
              "e": {"from": ["f"]}, "f": {"from": ["e"]}}  # fmt: skip
    policy = Policy.from_mapping({"serial": 1, "initial": "a", "stages": stages})
    assert reachable(policy) == {Stage(name) for name in "abcd"}


# --- gates


ONE = "format: 1\nserial: 1\ninitial: a\nstages:\n  a: {}\n  b: {from: [a], protected: true}\n"


def gates(*entries: str) -> str:
    return ONE + "gates:\n" + "".join(f"  - {{stage: b, {entry}}}\n" for entry in entries)


def floor(bounds: str, match: str = "") -> str:
    return f"{f'match: {{{match}}}, ' if match else ''}require: {{metrics: {{{bounds}}}}}"


PROTECTED = ("error", "no-gate", "stages.b.protected")


@pytest.mark.parametrize(
    ("text", "registered", "expected"),
    [
        (ONE, (), [PROTECTED]),
        (ONE, (CHURN,), [PROTECTED]),
        (gates(floor("f1: {min: 0.5}")), (CHURN,), []),
        (gates(floor("f1: {min: 0.5}", "task: classification")), (), []),
        (gates(floor("f1: {min: 0.5}", "task: classification")), (CHURN,), []),
        (gates(floor("f1: {min: 0.5}", "task: classification")), (CHURN, PRICE), [PROTECTED]),
        (ONE, (CHURN + "gates: [{stage: b, require: {metrics: {f1: {min: 0.5}}}}]\n",), []),
        (ONE, (CHURN + "gates: [{stage: b, require: {metrics: {f1: {min: 0.5}}}}]\n", PRICE), [PROTECTED]),
        (gates(floor("f1: {min: 0.5}"), floor("auc: {min: 0.5}", "task: ranking")),
         (CHURN,), [("warning", "match", "gates[1].match")]),
        (gates(floor("f1: {min: 0.5}"), floor("auc: {min: 0.5}", "model: 'churn*'")), (CHURN,), []),
        (gates(floor("f1: {min: 0.5}"), floor("auc: {min: 0.5}", "model: 'chrn*'")), (CHURN,),
         [("warning", "match", "gates[1].match")]),
        (gates(floor("f1: {min: 0.5}"), floor("auc: {min: 0.5}", "tags: {risk: low}")), (CHURN,),
         [("warning", "match", "gates[1].match")]),
        (gates(floor("f1: {min: 0.5}")),
         (CHURN + "gates: [{stage: b, match: {task: regression}, require: {metrics: {f1: {min: 0.6}}}}]\n",),
         [("warning", "match", "gates[0].match")]),
    ],
)  # fmt: skip
def test_gates_and_models(text: str, registered: tuple[str, ...], expected: list[tuple[str, str, str]]) -> None:
    assert said(check_policy(load(text), models(*registered))) == expected


@pytest.mark.parametrize(
    ("entries", "registered", "contradicts"),
    [
        ((floor("f1: {min: 0.9, max: 0.8}"),), (), True),
        ((floor("f1: {min: 0.8, max: 0.8}"),), (), False),
        ((floor("f1: {min: 0.9}"), floor("f1: {max: 0.8}")), (), True),
        ((floor("f1: {max: 0.8}"), floor("f1: {min: 0.9}")), (), True),
        ((floor("f1: {min: 0.9}"), floor("auc: {max: 0.8}")), (), False),
        ((floor("f1: {min: 0.9}", "task: ranking"), floor("f1: {max: 0.8}", "task: other")), (), False),
        ((floor("f1: {min: 0.9}", "task: ranking"), floor("f1: {max: 0.8}", "model: 'c*'")), (), True),
        ((floor("f1: {min: 0.9}", "model: 'churn*'"), floor("f1: {max: 0.8}", "model: '*_eu'")), (), False),
        ((floor("f1: {min: 0.9}", "model: 'ch*'"), floor("f1: {max: 0.8}", "model: '*rn'")), (CHURN,), True),
        ((floor("f1: {min: 0.9}", "tags: {a: x}"), floor("f1: {max: 0.8}", "tags: {a: z}")), (), False),
        ((floor("f1: {min: 0.9}", "tags: {a: x}"), floor("f1: {max: 0.8}", "tags: {b: z}")), (), True),
        ((floor("f1: {max: 0.8}"),), (CHURN + "gates: [{stage: b, require: {metrics: {f1: {min: 0.9}}}}]\n",), True),
        ((floor("f1: {max: 0.8}", "task: regression"),),
         (CHURN + "gates: [{stage: b, require: {metrics: {f1: {min: 0.9}}}}]\n",), False),
        ((floor("auc: {max: 0.8}"),),
         (CHURN + "gates: [{stage: b, require: {metrics: {f1: {min: 0.9}}}}]\n",
          PRICE + "gates: [{stage: b, require: {metrics: {f1: {max: 0.8}}}}]\n"), False),
    ],
)  # fmt: skip
def test_contradictions(entries: tuple[str, ...], registered: tuple[str, ...], contradicts: bool) -> None:
    found = check_policy(load(gates(*entries)), models(*registered))
    assert ("contradiction" in {finding.code for finding in found}) is contradicts
    assert all(finding.severity == "error" for finding in found if finding.code == "contradiction")


def test_a_contradiction_names_the_other_line() -> None:
    (found,) = check_policy(load(gates(floor("f1: {min: 0.9}"), floor("f1: {max: 0.8}"))))
    assert (found.line, found.field) == (8, "gates[0].require.metrics.f1.min")
    assert found.message == "f1 must be at least 0.9 and at most 0.8 (policy.yaml:9): no value is"


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ("accuracy: {min: 1.2}", "range"),
        ("train_accuracy: {min: 85}", "range"),
        ("f1_macro: {max: -0.1}", "range"),
        ("r2: {min: 1.01}", "range"),
        ("rmse: {max: -1}", "range"),
        ("mcc: {min: 2}", "range"),
        ("accuracy: {min: 0}", "weak"),
        ("recall: {max: 1}", "weak"),
        ("rmse: {min: 0}", "weak"),
        ("mcc: {min: -1}", "weak"),
        ("accuracy: {min: 0.85, max: 0.99}", None),
        ("accuracy: {min: 1}", None),
        ("r2: {min: -3}", None),
        ("rmse: {max: 100}", None),
        ("accuracy_loss: {max: 3}", None),
        ("neg_rmse: {min: -3}", None),
        ("revenue: {min: 1000}", None),
    ],
)
def test_ranges(bounds: str, code: str | None) -> None:
    found = check_policy(load(gates(floor(bounds))))
    assert [(f.severity, f.code) for f in found] == ([("warning", code)] if code else [])


def test_a_percentage_where_a_share_is_meant() -> None:
    (found,) = check_policy(load(gates(floor("accuracy: {min: 85}"))))
    assert found.message == "accuracy is never above 1 (0.85, not 85)"


def test_rules_that_read_nothing() -> None:
    text = gates("require: {rules: [{name: x, expr: 1 < 2}, {name: y, expr: metrics.f1 > 0.5}]}")
    text += "rollback_when: [{stage: b, name: z, expr: 'false'}, {stage: b, name: y, expr: live.metrics.f1 < 0.5}]\n"
    assert said(check_policy(load(text))) == [
        ("warning", "weak", "gates[0].require.rules[0].expr"),
        ("warning", "weak", "rollback_when[0].expr"),
    ]


def test_a_policy_with_unknown_names_is_still_checked() -> None:
    text = swapped("from: [development], announce", "from: [nowhere], announce").replace(
        "initial: development", "initial: x"
    )
    assert {code for _, code, _ in on(text)} >= {"unreachable"}


# --- what validate says


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("<= 0.15}", "<= 0.15 and}", "rule", "gates[0].require.rules[0].expr"),
        ("expr: metrics.train", "expr: metric.train", "rule", "gates[0].require.rules[0].expr"),
        (" - metrics.accuracy <= 0.15", " - metrics.accuracy", "rule", "gates[0].require.rules[0].expr"),
        ("expr: metrics.train_accuracy", "expr: live.metrics.train_accuracy", "rule", "gates[0].require.rules[0].expr"),
        ("live.metrics.accuracy < 0.80", "live.metrics.accuracy", "rule", "rollback_when[0].expr"),
        ("{stage: production, name: live", "{stage: prod, name: live", "unknown-stage", "rollback_when[0].stage"),
        ("soak: {stage: staging", "soak: {stage: stagging", "unknown-stage", "gates[3].require.soak.stage"),
        ("signature: compatible", "transition: {from: [stagging]}", "unknown-stage",
         "gates[3].require.transition.from[0]"),
        ("stages: [production]}", "stages: [prod]}", "unknown-stage", "access[3].stages[0]"),
        ("keep_stages: [staging, production]", "keep_stages: [staging, prod]", "unknown-stage",
         "retention.keep_stages[1]"),
        ("by: experimenter", "by: experimentr", "unknown-role", "gates[3].require.ab_test.by"),
        ("by: reviewer", "by: reviewr", "unknown-role", "gates[3].require.compliance.by"),
        ("count: 2, role: reviewer", "count: 2, role: reviewr", "unknown-role", "gates[3].require.approvals.role"),
        ("accuracy: {min: 0.85}", "accuracy: {min: 0.85, by: ghost}", "unknown-role",
         "gates[0].require.metrics.accuracy.by"),
        ("approvals: 1, role: platform", "approvals: 1, role: platfrm", "unknown-role", "change.role"),
        ("{role: trainer, may", "{role: trainr, may", "unknown-role", "access[0].role"),
    ],
)  # fmt: skip
def test_validate_finds(old: str, new: str, code: str, field: str) -> None:
    text = swapped(old, new)
    (found,) = policy_rules(load(text))
    assert (found.severity, found.code, found.field) == ("error", code, field)
    assert found.line == text[: text.index(new)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("staging: {from: [development], announce: true}", "staging: {announce: true}", "no-way-in", "stages.staging"),
        ("    displaced_to: archived\n", "", "displaced-to", "stages.production"),
    ],
)
def test_validate_warns(old: str, new: str, code: str, field: str) -> None:
    (found,) = policy_rules(load(swapped(old, new)))
    assert (found.severity, found.code, found.field) == ("warning", code, field)


def test_a_stage_that_displaced_holders_go_to_has_a_way_in() -> None:
    text = swapped("archived: {from: [development, staging, production]}", "archived: {}")
    assert list(policy_rules(load(text))) == []


def test_gates_of_a_model() -> None:
    text = CHURN + (
        "gates:\n"
        "  - stage: prod\n"
        "    require:\n"
        "      approvals: {count: 1, role: owner}\n"
        "      rules:\n"
        "        - {name: a, expr: metrics.f1 > 0.5}\n"
        "        - {name: b, expr: metrics.f1 > tags.matches('a')}\n"
    )
    (model,) = models(text)
    found = list(gate_rules(model, load(EXAMPLE)))
    assert [(f.code, f.line) for f in found if f.code != "rule"] == [("unknown-stage", 6), ("unknown-role", 8)]
    assert {f.line for f in found if f.code == "rule"} == {11}
