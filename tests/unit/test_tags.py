from __future__ import annotations

import pytest

from modelreg.domain.names import Stage
from modelreg.domain.plan import CommitId
from modelreg.domain.tags import Moved, Registered, Step, tags, version_tag
from modelreg.domain.transition import Transition
from tests.samples import DEVELOPMENT, PRODUCTION, STAGING, transition, v

ANNOUNCED = frozenset((STAGING, PRODUCTION))
HERE = CommitId("c" * 40)


def registered(version: str, at: int = 100) -> Registered:
    return Registered(v(version), CommitId(version[0] * 40), at, version[0] * 64)


def moved(made: Transition, at: int = 200, announced: frozenset[Stage] = ANNOUNCED) -> Moved:
    return Moved(made, HERE, at, announced, DEVELOPMENT)


def to(version: str, stage: str | None, **displaces: str) -> Moved:
    names = {key.replace("_", ".")[1:]: stage for key, stage in displaces.items()}
    return moved(transition(version, stage, displaces=names))


ONE, TWO = registered("1.0.0"), registered("2.0.0")


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        ([], []),
        ([ONE], []),
        ([ONE, to("1.0.0", "staging")], ["#staging#1"]),
        ([ONE, to("1.0.0", "archived")], []),
        ([ONE, to("1.0.0", "staging"), to("1.0.0", "development")], ["#staging#1", "#staging!#2"]),
        ([ONE, to("1.0.0", "staging"), to("1.0.0", "production")], ["#staging#1", "#staging!#2", "#production#3"]),
        (
            [ONE, TWO, to("1.0.0", "production"), to("2.0.0", "production", v1_0_0="archived")],
            ["#production#1", "#production!#2", "#production#3"],
        ),
        (  # the younger holder leaves: the older one answers again, and a last tag says so
            [ONE, TWO, to("1.0.0", "staging"), to("2.0.0", "staging"), to("2.0.0", None)],
            ["#staging#1", "#staging#2", "#staging!#3", "#staging#4"],
        ),
        (  # the older holder leaves: the last tag would name it
            [ONE, TWO, to("1.0.0", "staging"), to("2.0.0", "staging"), to("1.0.0", None)],
            ["#staging#1", "#staging#2", "#staging!#3", "#staging#4"],
        ),
        ([ONE, TWO, to("1.0.0", "staging"), to("2.0.0", "staging"), to("1.0.0", "staging")], ["#staging#1", "#staging#2", "#staging#3"]),
        ([ONE, to("9.0.0", "staging")], []),
        ([ONE, moved(transition("1.0.0", "staging"), announced=frozenset())], []),
        ([ONE, moved(transition("1.0.0", "staging"), announced=frozenset()), moved(transition("1.0.0", None, kind="alias", aliases={"a": "1.0.0"}))], ["#staging#1"]),
        (  # cancelled, then it came back while nobody announced: the last tag must not stay a cancel
            [ONE, TWO, to("1.0.0", "staging"), to("1.0.0", "archived"), moved(transition("1.0.0", "staging"), announced=frozenset()), to("2.0.0", "production")],
            ["#staging#1", "#staging!#2", "#production#3", "#staging#4"],
        ),
    ],
)  # fmt: skip
def test_stage_tags(steps: list[Step], names: list[str]) -> None:
    made = tags("id", "churn", steps)
    assert [tag.name.removeprefix("churn") for tag in made if "#" in tag.name] == names
    assert [tag.name for tag in made if "@" in tag.name] == [
        f"churn@v{s.version}" for s in steps if isinstance(s, Registered)
    ]


def test_times_rise_strictly_whatever_the_clock_says() -> None:
    steps: list[Step] = [
        registered("1.0.0", 100),
        registered("2.0.0", 50),
        moved(transition("1.0.0", "staging"), 101),
        to("2.0.0", "staging"),
    ]
    assert [tag.at for tag in tags("id", "churn", steps)] == [100, 101, 102, 200]


def test_targets_and_messages() -> None:
    first, second = tags("id", "ml/team=churn", [ONE, to("1.0.0", "staging")])
    assert first.name == version_tag("ml/team=churn", v("1.0.0")) == "ml/team=churn@v1.0.0"
    assert first.message == f"Register ml/team=churn 1.0.0\n\nregistry: id\nmanifest: {'1' * 64}\n"
    assert first.target == second.target == CommitId("1" * 40)
    assert second.message == (
        f"Assign stage staging to ml/team=churn 1.0.0\n\nregistry: id\nmanifest: {'1' * 64}\nlanding: {HERE}\n"
        "transition: 1\nfrom: development\nto: staging\nby: Ada <ada@example.com>\nreason: because\n"
    )
