"""Reviews of a pull request on a forge: what each account last decided."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

APPROVED = "APPROVED"
DECISIVE = frozenset((APPROVED, "CHANGES_REQUESTED", "DISMISSED"))
"""GitHub's words. COMMENTED and PENDING leave an earlier decision as it is."""

_NOREPLY = re.compile(
    r"(?:[0-9]+\+)?([A-Za-z0-9][A-Za-z0-9_-]*(?:\[bot\])?)@users\.noreply\.github\.com", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Review:
    """What an account said of the pull request when its head was `commit`. `submitted_at`: RFC 3339, UTC, `Z`."""

    account: str
    state: str
    commit: str
    submitted_at: str


def account_of(email: str) -> str | None:
    """The account behind an address that GitHub gives out (`12345+ann@users.noreply.github.com`); None: no such."""
    match = _NOREPLY.fullmatch(email)
    return match[1] if match else None


def latest(reviews: Iterable[Review]) -> tuple[Review, ...]:
    """The last decisive review of each account, by account. Accounts are the same in any case, as on GitHub."""
    found: dict[str, Review] = {}
    for review in sorted(reviews, key=lambda review: review.submitted_at):
        if review.state in DECISIVE:
            found[review.account.casefold()] = review
    return tuple(found[account] for account in sorted(found))


def approving(reviews: Iterable[Review], *, commit: str | None = None) -> tuple[Review, ...]:
    """The accounts whose last decision is to approve; with `commit` only of what was approved at that very head.

    An approval that was dismissed, or followed by a request for changes, is none.
    """
    return tuple(
        review for review in latest(reviews) if review.state == APPROVED and (commit is None or review.commit == commit)
    )
