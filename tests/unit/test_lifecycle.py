from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelreg.domain import lifecycle
from modelreg.domain.names import Alias, Stage
from modelreg.domain.stages import Stages, apply
from modelreg.domain.transition import Transition
from modelreg.errors import DeniedError, NotFoundError
from tests.samples import ARCHIVED, AT, CHAMPION, DEVELOPMENT, MODEL, PRODUCTION, SHA, STAGING, standard, v

A, B, C = v("1.0.0"), v("1.1.0"), v("2.0.0")
COMMON: dict[str, Any] = {"model": MODEL, "number": 7, "by": "Ada <ada@example.com>", "at": AT, "reason": "because"}
BUSY = Stages({STAGING: (B, C), PRODUCTION: (A,)}, {CHAMPION: A, Alias("stable"): A})


def move(before: Stages, version: str, to: Stage, **changes: Any) -> Transition:
    policy = standard(**changes)
    return lifecycle.move(before, policy, version=v(version), manifest_sha256=SHA, to=to, **COMMON)


@pytest.mark.parametrize(
    ("version", "to", "kind", "from_", "displaced", "aliases", "after"),
    [
        ("1.1.0", PRODUCTION, "promote", STAGING, [("1.0.0", ARCHIVED)], {CHAMPION: B}, {STAGING: (C,), PRODUCTION: (B,), ARCHIVED: (A,)}),
        ("1.0.0", PRODUCTION, "promote", PRODUCTION, [], {}, {STAGING: (B, C), PRODUCTION: (A,)}),
        ("1.0.0", ARCHIVED, "archive", PRODUCTION, [], {CHAMPION: None}, {STAGING: (B, C), ARCHIVED: (A,)}),
        ("1.0.0", STAGING, "promote", PRODUCTION, [], {CHAMPION: None}, {STAGING: (B, C, A)}),
        ("3.0.0", STAGING, "promote", DEVELOPMENT, [], {}, {STAGING: (B, C, v("3.0.0")), PRODUCTION: (A,)}),
        ("2.0.0", DEVELOPMENT, "promote", STAGING, [], {}, {STAGING: (B,), PRODUCTION: (A,)}),
    ],
)  # fmt: skip
def test_move(
    version: str,
    to: Stage,
    kind: str,
    from_: Stage,
    displaced: list[tuple[str, Stage]],
    aliases: Mapping[Alias, Any],
    after: Mapping[Stage, Any],
) -> None:
    made = move(BUSY, version, to)
    assert (made.kind, made.from_, made.to, made.number, made.policy_serial) == (kind, from_, to, 7, 1)
    assert [(str(d.version), d.to) for d in made.displaces] == displaced
    assert made.aliases == aliases
    state = apply(BUSY, made, DEVELOPMENT)
    assert state.holders == after
    assert state.aliases[Alias("stable")] == A  # an alias that requires nothing never moves by itself


def test_alias_is_dropped_with_a_displaced_holder_of_another_stage() -> None:
    stages = {"dev": None, "canary": {"exclusive": True}, "live": {}}
    policy: dict[str, Any] = {
        "initial": "dev",
        "stages": stages,
        "aliases": {"champion": {"requires": "live"}},
        "gates": [],
    }
    canary = Stage("canary")
    made = move(Stages({canary: (A,)}, {CHAMPION: A}), "1.1.0", canary, **policy)
    assert made.aliases == {CHAMPION: None}
    assert [d.to for d in made.displaces] == [Stage("dev")]


def test_stage_where_versions_begin_is_no_archive() -> None:
    policy: dict[str, Any] = {
        "initial": "dev",
        "stages": {"dev": None, "live": {"exclusive": True}},
        "aliases": {},
        "gates": [],
    }
    assert move(Stages({Stage("live"): (A,)}), "1.0.0", Stage("dev"), **policy).kind == "promote"


def test_unknown_stage() -> None:
    with pytest.raises(NotFoundError, match="no stage nowhere"):
        move(BUSY, "1.0.0", Stage("nowhere"))


@pytest.mark.parametrize(
    ("version", "from_", "aliases"),
    [
        ("1.0.0", PRODUCTION, {CHAMPION: None, Alias("stable"): None}),
        ("1.1.0", STAGING, {}),
        ("9.0.0", DEVELOPMENT, {}),
    ],
)
def test_withdraw(version: str, from_: Stage, aliases: Mapping[Alias, None]) -> None:
    made = lifecycle.withdraw(BUSY, standard(), version=v(version), manifest_sha256=SHA, **COMMON)
    assert (made.kind, made.from_, made.to, made.displaces, made.aliases) == ("withdraw", from_, None, (), aliases)
    after = apply(BUSY, made, DEVELOPMENT)
    assert all(v(version) not in held for held in after.holders.values())
    assert after.aliases_of(v(version)) == ()


def name_alias(alias: str, version: str | None) -> Transition:
    named, sha = (None, None) if version is None else (v(version), SHA)
    return lifecycle.name_alias(BUSY, standard(), alias=Alias(alias), version=named, manifest_sha256=sha, **COMMON)


@pytest.mark.parametrize(
    ("alias", "version"), [("champion", "1.0.0"), ("stable", "2.0.0"), ("new", "9.0.0"), ("champion", None)]
)
def test_alias(alias: str, version: str | None) -> None:
    made = name_alias(alias, version)
    assert (made.kind, made.from_, made.to) == ("alias", None, None)
    assert made.aliases == {alias: None if version is None else v(version)}
    after = apply(BUSY, made, DEVELOPMENT)
    assert after.holders == BUSY.holders
    assert after.aliases.get(Alias(alias)) == made.version


@pytest.mark.parametrize("version", ["1.1.0", "9.0.0"])
def test_alias_requires_its_stage(version: str) -> None:
    with pytest.raises(DeniedError, match="requires stage production") as raised:
        name_alias("champion", version)
    assert raised.value.hint == f"modelreg stage set churn {version} production"


def test_no_such_alias_to_remove() -> None:
    with pytest.raises(NotFoundError):
        name_alias("nobody", None)
