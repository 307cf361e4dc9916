"""Files several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def each(jobs: int, work: Callable[..., T], items: Iterable[tuple[Any, ...]]) -> list[T]:
    """What `work(*item)` gives for each item, in their order, at most `jobs` at once.

    The first error in that order is raised, and what has not begun is dropped: Ctrl-C must not wait for it either.
    """
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(work, *item) for item in items]
        try:
            return [one.result() for one in running]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
