"""Which part of the version number a new version raises: a table over what differs from the version that it succeeds.

A number promises something to three kinds of people. Who calls the model breaks with another architecture, an
incompatible signature, other features: major. Who looks after it must look again where it was made from other data,
parameters or parents, promises more, or is another kind of file: minor. A patch may be taken without looking: the same
set-up, trained again. docs/versions.md says why for each line of the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from modelreg.domain.difference import KINDS, Difference, Kind, differences
from modelreg.domain.names import printable
from modelreg.domain.version import Part, Version
from modelreg.errors import InvalidError

Asked = Literal["major", "minor", "patch", "none"]

DEFAULT: Mapping[Kind, Asked] = {
    "architecture": "major",
    "signature-incompatible": "major",
    "features": "major",
    "signature-compatible": "minor",
    "data": "minor",
    "params": "minor",
    "parents": "minor",
    "format": "minor",
    "recorded": "minor",
    "framework": "patch",
    "seeds": "patch",
    "environment": "patch",
    "code": "patch",
    "content": "patch",
    "beside": "none",
}

CIRCUMSTANCES: frozenset[Kind] = frozenset({"framework", "seeds", "environment", "code"})
"""How and where a model was made. Where it came out the same to the byte, they tell no versions apart."""

MOST = 10
"""Reasons that a manifest records."""

_SHORT = 120
_ORDER: Sequence[Asked] = ("none", "patch", "minor", "major")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The part to raise (`none`: it is no new version), and why, in printable ASCII, the reasons for the part first."""

    part: Asked
    reasons: tuple[str, ...]


def rules(changes: Mapping[str, Any]) -> dict[Kind, Asked]:
    """The table with the policy's `versioning` laid over it. Raises InvalidError for a kind or part that is unknown."""
    for kind, part in changes.items():
        if kind not in KINDS or part not in get_args(Asked):
            hint = f"kinds are {', '.join(KINDS)}; parts {', '.join(get_args(Asked))}"
            raise InvalidError("is no rule of versioning", field=f"versioning.{kind}"[:80], hint=hint)
    return {kind: changes.get(kind, part) for kind, part in DEFAULT.items()}


def choose(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    table: Mapping[Kind, Asked] = DEFAULT,
    *,
    room: int = MOST,
) -> Chosen:
    """The highest part that any difference between two manifests' bodies asks for, with at most `room` reasons.

    Where every artifact that serves is the same to the byte, CIRCUMSTANCES ask for nothing.
    """
    found = differences(before, after)
    same = not any(difference.kind == "content" for difference in found)

    def asked(difference: Difference) -> Asked:
        return "none" if same and difference.kind in CIRCUMSTANCES else table[difference.kind]

    part = max((asked(difference) for difference in found), key=_ORDER.index, default=_ORDER[0])
    leading = [difference.text for difference in found if asked(difference) == part]
    others = [printable(difference.text, _SHORT) for difference in found if asked(difference) != part]
    if part == "none":
        leading = ["nothing that makes a version differs", *leading]
    elif not same and all(difference.kind in CIRCUMSTANCES | {"content", "beside"} for difference in found):
        leading = ["the same set-up, trained again", *leading]
    return Chosen(part, _bounded([*leading, *others], room))


def raised(part: Asked, last: Version) -> Part:
    """The part of `last`'s number that goes up: below 1.0.0 the minor one where a major change asks.

    SemVer 2.0.0 promises nothing there (section 4), and that a model is promised to callers from now on is for people
    to say (`--bump major`). A version that must be made although nothing differs is a patch.
    """
    if part == "none":
        return "patch"
    return "minor" if part == "major" and last.major == 0 else part


def _bounded(texts: Sequence[str], room: int) -> tuple[str, ...]:
    told = tuple(dict.fromkeys(texts))
    return told if len(told) <= room else (*told[: room - 1], f"and {len(told) - room + 1} more differences")
