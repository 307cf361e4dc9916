"""A race for a branch: how long one that lost waits, and when one that keeps winning gives way.

Whoever has just landed begins the next landing at the newest commit, while those that lost fetch first: among many
clones one may win again and again until the others' time is over (threat-model F03).
"""

from __future__ import annotations

import random
import time

RETRY_S = 60.0
"""How long a lost race is tried again, in all."""
LONGEST_WAIT = 32.0
"""In attempts."""
LONGEST_WAIT_S = 10.0
TURN_S = 3.0
"""How long one wins before it gives way."""
_PAUSE = 4.0
"""In attempts."""


class Turns:
    """What one process knows of its races for the branches of one repository."""

    def __init__(self) -> None:
        self._others = -RETRY_S
        self._winning: float | None = None
        self._took = 0.0

    def lost(self, times: int, took: float, left: float) -> float:
        """Seconds to wait after so many lost races, the last of which `took` so long to write objects and push them,
        where `left` seconds are left.

        Whoever tries again at once lengthens the others' attempts, and more of them fail: with many clones nobody gets
        through. How long an attempt takes says how busy machine, network and server are. Who has waited long waits
        less.
        """
        self._others, self._winning = time.monotonic(), None
        most = min(took * min(4.0**times, LONGEST_WAIT), LONGEST_WAIT_S)
        return random.uniform(0.0, most * max(0.0, 1.5 * left / RETRY_S - 0.5))  # noqa: S311 - jitter, no secret

    def won(self, took: float) -> None:
        """A landing was pushed, in an attempt that `took` so many seconds."""
        now = time.monotonic()
        self._took = took
        if now - self._others > RETRY_S:
            self._winning = None  # nobody else is known to write
        elif self._winning is None:
            self._winning = now

    def pause(self) -> float:
        """Seconds to wait before the next landing is begun: none but where others race, and this one keeps winning."""
        if self._winning is None or time.monotonic() - self._winning < TURN_S:
            return 0.0
        self._winning = None
        return self._took * random.uniform(_PAUSE / 2, _PAUSE)  # noqa: S311
