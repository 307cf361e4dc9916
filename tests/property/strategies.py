"""Transitions and versions as hypothesis makes them."""

from __future__ import annotations

from hypothesis import strategies as st

from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from tests.samples import transition

STAGES = ("development", "staging", "production", "archived")
VERSIONS = ("1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0")
ALIASES = ("champion", "stable")

numbers = st.integers(0, 20).map(str)
identifiers = numbers | st.from_regex(r"[0-9]{0,2}[a-z-][0-9a-z-]{0,3}", fullmatch=True).filter(lambda s: s != "lock")
versions = st.builds(
    lambda core, pre: Version.parse(".".join(core) + ("-" + ".".join(pre) if pre else "")),
    st.tuples(numbers, numbers, numbers),
    st.lists(identifiers, max_size=4),
)


def _moves() -> st.SearchStrategy[Transition]:
    return st.builds(
        lambda version, to, from_, displaced, aliases, number: transition(
            version,
            to,
            kind="promote" if to else "withdraw",
            number=number,
            from_=from_,
            displaces={k: s for k, s in displaced.items() if k != version},
            aliases=aliases,
        ),
        st.sampled_from(VERSIONS),
        st.none() | st.sampled_from(STAGES),
        st.sampled_from(STAGES),
        st.dictionaries(st.sampled_from(VERSIONS), st.sampled_from(STAGES), max_size=2),
        st.dictionaries(st.sampled_from(ALIASES), st.none() | st.sampled_from(VERSIONS), max_size=2),
        st.integers(1, 99999),
    )


def _namings() -> st.SearchStrategy[Transition]:
    return st.builds(
        lambda alias, version, number: transition(version, None, kind="alias", number=number, aliases={alias: version}),
        st.sampled_from(ALIASES),
        st.none() | st.sampled_from(VERSIONS),
        st.integers(1, 99999),
    )


transitions = _moves() | _namings()
histories = st.lists(transitions, max_size=12)
