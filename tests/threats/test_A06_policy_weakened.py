"""A06: the rules weakened in the pull request that profits from it, or first, without those who must approve."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.keys import Key, make_key
from tests.threats.lab import (
    ABOUT,
    ANN,
    BO,
    CY,
    POLICY,
    REGISTRY,
    REVOKED,
    SIGNERS,
    Lab,
    copy_of,
    dumped,
    found,
    policy,
)
from tests.threats.lab import STAGES as WHERE

Files = Mapping[str, bytes | None]
ABOUT_GATES: list[dict[str, Any]] = [{"stage": "staging", "require": {"metrics": {"loss": {"max": 0.3}}}}]


def rules(**changes: Any) -> dict[str, Any]:
    body = policy()
    body["gates"][0]["match"] = {"task": "classification", "tags": {"tier": "gold"}}
    return body | changes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, anns: Key, bos: Key, cys: Key) -> Lab:
    """churn 1.0.0 (f1 0.9) in staging, 1.0.1 (0.5) in development, which one gate holds by task and tag, another by
    its own model.yaml; a stranger's key is revoked."""
    lab = found(tmp_path_factory.mktemp("rules"), rules(), {ANN: anns, BO: bos, CY: cys})
    lab.register(0.9, "churn", None, "--task", "classification")
    lab.register(0.5)
    body = lab.workspace.snapshot().model(lab.workspace.snapshot().models()[0]).value
    revoked = (make_key(lab.top.parent / "revoked").public + "\n").encode()
    new = {ABOUT: dumped(body | {"tags": {"tier": "gold"}, "gates": ABOUT_GATES}), REVOKED: revoked}
    with lab.branch():
        lab.commit({**new, **lab.approval(new)})
    assert lab.refused() == [], "an approval by a member is enough, also for the rules of a model"
    lab.repo.git("merge", "-q", "--ff-only", "topic")
    lab.done("stage", "set", "churn", "1.0.0", "staging")
    return lab


def about(lab: Lab, **changes: Any) -> Files:
    """model.yaml with other values; None leaves a key out."""
    body = lab.workspace.snapshot().model(lab.workspace.snapshot().models()[0]).value | changes
    return {ABOUT: dumped({key: value for key, value in body.items() if value is not None})}


def weaker(**changes: Any) -> Callable[[Lab], Files]:
    return lambda _: {POLICY: dumped(rules(serial=2, **changes))}


def floor(value: float) -> list[Any]:
    gates = rules()["gates"]
    return [{**gates[0], "require": {"metrics": {"f1": {"min": value}}}}, *gates[1:]]


def settings(old: bytes, new: bytes) -> Callable[[Lab], Files]:
    return lambda lab: {REGISTRY: lab.data(REGISTRY).replace(old, new)}


def own_key(lab: Lab) -> Files:
    """The author's own key in the name of a member of platform."""
    return {SIGNERS: lab.data(SIGNERS) + make_key(lab.top.parent / "own").line(BO).encode()}


LEGAL: dict[str, Callable[[Lab], Files]] = {
    "a floor lower": weaker(gates=floor(0.1)),
    "a floor of 0": weaker(gates=floor(0)),
    "a gate less": weaker(gates=rules()["gates"][1:]),
    "a gate for others": weaker(gates=[{**floor(0.8)[0], "match": {"model": "price"}}, *rules()["gates"][1:]]),
    "no approvals of changes": weaker(change={"approvals": 0, "role": "platform"}),
    "nobody asked for changes": lambda _: {
        POLICY: dumped({key: value for key, value in rules(serial=2).items() if key != "change"})
    },
    "a member more": weaker(roles={"platform": [ANN, BO, CY, "ada@example.com"], "reviewer": [BO, CY]}),
    "own key": own_key,
    "revoked key again": lambda lab: {REVOKED: b""},
    "no list of revoked keys": lambda lab: {REVOKED: None},
    "no signers": lambda lab: {SIGNERS: None},
    "another task": lambda lab: about(lab, task="regression"),
    "another tag": lambda lab: about(lab, tags={"tier": "lead"}),
    "no tags": lambda lab: about(lab, tags=None),
    "no own gates": lambda lab: about(lab, gates=None),
    "another primary metric": lambda lab: about(lab, primary_metric="loss"),
    "another branch": settings(b"branch: main", b"branch: other"),
}
NEVER: dict[str, Callable[[Lab], Files]] = {
    "no policy": lambda lab: {POLICY: None},
    "the policy renamed": lambda lab: {POLICY: None, "registry/policy.yml": lab.data(POLICY)},
    "the policy elsewhere": lambda lab: {POLICY: None, "policy.yaml": lab.data(POLICY)},
    "no model.yaml": lambda lab: {ABOUT: None},
    "no registry.yaml": lambda lab: {REGISTRY: None},
    "another id": lambda lab: {REGISTRY: re.sub(rb"\nid: .*", b'\nid: "' + b"0" * 32 + b'"', lab.data(REGISTRY))},
    "a policy that is none": lambda lab: {POLICY: b"- none\n"},
    "a model that is none": lambda lab: {ABOUT: b"- none\n"},
    "a registry that is none": lambda lab: {REGISTRY: b"- none\n"},
    "the serial as before": lambda lab: {POLICY: dumped(rules(gates=[]))},
}


def judged(lab: Lab, files: Files, *, as_author: str | None = None) -> list[str]:
    if as_author is not None:
        lab.repo.git("config", "user.email", as_author)
    with lab.branch():
        lab.commit(files)
    lab.repo.git("config", "--unset", "user.email") if as_author is not None else None
    return lab.refused()


@pytest.mark.parametrize("change", [*LEGAL, *NEVER])
def test_only_who_must_approve_lets_it_land(made: Lab, tmp_path: Path, change: str) -> None:
    lab = copy_of(made, tmp_path)
    files = (LEGAL | NEVER)[change](lab)
    assert "policy.approvals" in judged(lab, files)
    good = {**files, **lab.approval(files)}
    assert (judged(lab, good) == []) == (change in LEGAL)
    promoted = judged(lab, {**lab.move("1.0.1", "staging"), **good})
    assert "policy.alone" in promoted
    if change in LEGAL:
        assert "metrics.f1" in promoted, "and the gates of the base hold all the same"


@pytest.mark.parametrize("change", ["a floor lower", "own key", "another task", "another branch"])
def test_whose_approval_is_none(made: Lab, tmp_path: Path, change: str) -> None:
    lab = copy_of(made, tmp_path)
    files = LEGAL[change](lab)
    other = {**files, next(iter(files)): b"other"}
    unsigned = lab.approval(files)
    unsigned.pop(next(path for path in unsigned if path.endswith(".sig")))
    approvals: dict[str, Files] = {
        "a stranger's": lab.approval(files, by=CY),
        "nobody's": unsigned,
        "of other contents": lab.approval(other),
        "of one file more": lab.approval({**files, "registry/x": b"1"}),
        "expired": lab.approval(files, not_after="2026-01-01T00:00:00Z"),
        "of another registry": lab.approval(files, registry="0" * 32),
        "signed by another": lab.approval(files, key=lab.keys[CY]),
        "in the name of another": lab.approval(files, by=ANN, key=lab.keys[BO]),
    }
    allowed = [
        who for who, approval in approvals.items() if "policy.approvals" not in judged(lab, {**files, **approval})
    ]
    assert allowed == []
    assert "policy.approvals" in judged(lab, {**files, **lab.approval(files, by=ANN)}, as_author=ANN), (
        "the author's own"
    )
    assert judged(lab, {**files, **lab.approval(files, by=ANN)}) == [], "which counts where another wrote the change"


def test_the_id_never_changes_nor_the_format(made: Lab, tmp_path: Path) -> None:
    lab = copy_of(made, tmp_path)
    other = NEVER["another id"](lab)
    assert "registry.id" in judged(lab, {**other, **lab.approval(other)})
    newer = settings(b"format: 1", b"format: 2")(lab)
    assert "registry.format" in judged(lab, {**newer, **lab.approval(newer)})


def test_a_landing_without_approval_is_seen_by_verify(made: Lab, tmp_path: Path) -> None:
    """No review on a forge can have approved it: nobody of the role has an account there."""
    lab = copy_of(made, tmp_path)
    assert lab.land(LEGAL["a gate less"](lab)) == ["refused"]


def test_where_a_review_may_have_approved_it_verify_says_that_it_does_not_know(tmp_path: Path, anns: Key) -> None:
    lab = found(tmp_path, policy(people={BO: {"github": "bo"}}), {ANN: anns})
    assert lab.land({POLICY: dumped(policy(serial=2, gates=[]))}) == []
    assert [f["code"] for f in lab.run("verify", "--json").json("verify")["findings"]] == ["not-judged"]
    assert lab.run("verify", "--strict").code == 3


@pytest.mark.parametrize("target", [POLICY, SIGNERS, REGISTRY, ABOUT, WHERE])
def test_a_symlink_to_the_same_content(made: Lab, tmp_path: Path, target: str) -> None:
    lab = copy_of(made, tmp_path)
    with lab.branch():
        (lab.top / "elsewhere").write_bytes(lab.data(target))
        (lab.top / target).unlink()
        (lab.top / target).symlink_to("../" * target.count("/") + "elsewhere")
        lab.repo.git("add", "-A")
        lab.commit()
    assert "mode" in lab.refused()


def test_a_statement_signed_by_a_key_that_comes_with_it(tmp_path: Path, anns: Key, bos: Key) -> None:
    """It is no evidence of whoever it names, not for the rest of its pull request."""
    body = policy()
    body["gates"][0]["require"] = {"metrics": {"f1": {"min": 0.8, "by": "reviewer"}}}
    lab = found(tmp_path, body, {ANN: anns})
    lab.register(0.5)
    evidence = lab.evaluation(0.9, key=bos)
    signers = {SIGNERS: lab.data(SIGNERS) + bos.line(BO).encode()}
    with lab.branch():
        lab.commit({**signers, **lab.approval(signers, by=ANN), **evidence, **lab.move("1.0.0", "staging")})
    assert {"metrics.f1", "policy.alone"} <= {*lab.refused()}
    lab.commit({**signers, **lab.approval(signers, by=ANN)})
    with lab.branch():
        lab.commit({**evidence, **lab.move("1.0.0", "staging")})
    assert lab.refused() == [], "once the key has landed, it counts"


def test_a_new_model_brings_no_gates_of_its_own_for_the_first_time(tmp_path: Path, anns: Key) -> None:
    """A gate in model.yaml that is easily met is not the gate that a protected stage must have."""
    body = policy()
    body["stages"]["staging"] = {**body["stages"]["staging"], "protected": True}
    lab = found(tmp_path, body | {"gates": []}, {ANN: anns})
    lab.register(0.5)
    easy = [{"stage": "staging", "require": {"metrics": {"f1": {"min": 0}}}}]
    lab.commit(about(lab, gates=easy))
    lab.commit(lab.move("1.0.0", "staging"))
    lab.repo.git("branch", "topic")
    lab.repo.git("reset", "-q", "--hard", "HEAD~3")
    assert lab.refused() == ["gate"]
