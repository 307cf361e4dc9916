from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.names import Stage
from modelreg.domain.plan import CommitId
from modelreg.domain.stages import fold
from modelreg.domain.tags import Announced, Moved, Registered, Step, tags
from modelreg.domain.transition import Transition
from tests.property.strategies import STAGES, VERSIONS, histories, transitions
from tests.samples import DEVELOPMENT, PRODUCTION, SHA, STAGING, v

times = st.integers(0, 50)
HERE = CommitId("c" * 40)
COMMITS = {version: CommitId(str(place) * 40) for place, version in enumerate(VERSIONS)}
announcements = st.frozensets(st.sampled_from([Stage(stage) for stage in STAGES]))
registrations = st.builds(
    lambda text, at: Registered(v(text), COMMITS[text], at, SHA), st.sampled_from(VERSIONS), times
)
moves = st.builds(
    lambda t, at, announced: Moved(t, HERE, at, announced, DEVELOPMENT), transitions, times, announcements
)
steps_of = st.lists(registrations | moves, max_size=10)


@given(steps_of, steps_of)
def test_what_was_announced_stays(a: list[Step], b: list[Step]) -> None:
    before = tags("id", "churn", a)
    announced = Announced("id", "churn")
    announced.follow(a)
    kept = Announced.from_mapping(json.loads(json.dumps(announced.to_mapping())))
    assert tags("id", "churn", a + b) == (*before, *kept.added(b))
    assert kept.added(b) == kept.follow(b) == announced.follow(b)
    assert kept.to_mapping() == announced.to_mapping()


@given(steps_of)
def test_times_rise_and_numbers_count(steps: list[Step]) -> None:
    made = tags("id", "churn", steps)
    assert all(one.at < two.at for one, two in itertools.pairwise(made))
    numbers = [int(tag.name.rsplit("#", 1)[1]) for tag in made if "#" in tag.name]
    assert numbers == list(range(1, len(numbers) + 1))


def check_answers(steps: list[Step], announced: frozenset[Stage]) -> None:
    """For each announced stage, the last tag that names it is the assign of its answer; a cancel where none holds it."""
    state = fold([s.transition for s in steps if isinstance(s, Moved)], DEVELOPMENT)
    made = tags("id", "churn", steps)
    for stage in announced:
        naming = [t for t in made if t.name.startswith((f"churn#{stage}#", f"churn#{stage}!#"))]
        answer = state.answer(stage)
        if answer is not None:
            assert "!" not in naming[-1].name
            assert naming[-1].target == COMMITS[str(answer)]


ALL: list[Step] = [Registered(v(text), COMMITS[text], 1, SHA) for text in VERSIONS]


@given(histories)
def test_last_tag_is_the_answer(history: list[Transition]) -> None:
    announced = frozenset((STAGING, PRODUCTION))
    moved = [Moved(t, HERE, 5, announced, DEVELOPMENT) for t in history]
    check_answers([*ALL, *moved], announced)
    made = tags("id", "churn", [*ALL, *moved])
    state = fold(history, DEVELOPMENT)
    for stage in announced - set(state.holders):
        naming = [t for t in made if t.name.startswith((f"churn#{stage}#", f"churn#{stage}!#"))]
        assert not naming or "!" in naming[-1].name


@given(st.lists(moves, max_size=10))
def test_last_tag_is_the_answer_though_the_policy_changes(moved: list[Moved]) -> None:
    check_answers([*ALL, *moved], moved[-1].announced if moved else frozenset())
