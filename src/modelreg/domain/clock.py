"""Times as documents write them: UTC, whole seconds, `2026-11-24T12:30:00Z` (RFC 3339)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeGuard


def stamp(at: int) -> str:
    """Epoch seconds as text."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> int | None:
    """Text as epoch seconds; None where it is no such time (`2026-02-31T…` passes a pattern and is none)."""
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def is_stamp(value: Any) -> TypeGuard[str]:
    """Whether it is a time exactly as `stamp` writes it. Such texts compare as the times do."""
    at = seconds(value) if isinstance(value, str) else None
    return at is not None and stamp(at) == value
