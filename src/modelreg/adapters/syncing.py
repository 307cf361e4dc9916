"""Files made durable together: the disk takes many at once in the time of a few, where they do not wait in a row."""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Thread

_AT_ONCE = 8


def sync(descriptors: Sequence[int]) -> None:
    """fsync(2) of open files, all of them before it returns. Raises OSError where one cannot be synced."""
    errors: list[OSError] = []

    def run(some: Sequence[int]) -> None:
        try:
            for descriptor in some:
                os.fsync(descriptor)
        except OSError as error:
            errors.append(error)

    parts = [descriptors[start::_AT_ONCE] for start in range(min(_AT_ONCE, len(descriptors)))]
    others = [Thread(target=run, args=(part,)) for part in parts[1:]]
    for thread in others:
        thread.start()
    for part in parts[:1]:
        run(part)
    for thread in others:
        thread.join()
    if errors:
        raise errors[0]
