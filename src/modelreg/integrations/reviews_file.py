"""Reviews from a file, for forges whose API modelreg does not speak."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modelreg.domain.reviews import DECISIVE, Review
from modelreg.errors import InvalidError, UnavailableError

REVIEWS_BYTES = 1024 * 1024


def read_reviews(path: Path) -> tuple[Review, ...]:
    """A JSON list of {account, state, commit, submitted_at}, states as in domain/reviews.py; no key more.

    Raises UnavailableError where it cannot be read, InvalidError for another shape.
    """
    try:
        with path.open("rb") as file:
            content = file.read(REVIEWS_BYTES + 1)
        value = json.loads(content) if len(content) <= REVIEWS_BYTES else None
    except OSError as error:
        raise UnavailableError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidError("is not JSON", file=str(path)) from error
    if not isinstance(value, list):
        raise InvalidError("must be a list of reviews", file=str(path))
    return tuple(_review(item, path) for item in value)


def _review(item: Any, path: Path) -> Review:
    keys = {"account", "state", "commit", "submitted_at"}
    whole = isinstance(item, dict) and set(item) == keys and all(isinstance(text, str) for text in item.values())
    if not whole or item["state"] not in DECISIVE or not item["account"]:
        hint = f"states are {', '.join(sorted(DECISIVE))}"
        raise InvalidError("must hold account, state, commit and submitted_at, all text", file=str(path), hint=hint)
    return Review(**item)
