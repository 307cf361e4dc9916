"""Places where the tests kill modelreg, to see that the next command heals what is left (threat model F01)."""

from __future__ import annotations

import os
import signal


def fail_point(name: str) -> None:
    """Die as by `kill -9`, if the tests ask for it here. Nothing is flushed, closed or cleaned up."""
    if os.environ.get("MODELREG_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
