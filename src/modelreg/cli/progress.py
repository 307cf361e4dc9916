"""Progress on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from modelreg.cli.output import clean

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID


class _Shown:
    """A bar of Rich's, gone when it is finished; nothing until it is shown."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def _show(self, what: str, total: int | None, *columns: ProgressColumn) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        text = TextColumn("{task.description}", markup=False)
        self._bar = Progress(text, BarColumn(), *columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(clean(what), total=total)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None


class Bar(_Shown):
    """The `Progress` port by Rich; silent where nobody watches."""

    def start(self, what: str, total_bytes: int | None) -> None:
        if sys.stderr.isatty():
            from rich.progress import DownloadColumn, TransferSpeedColumn

            self._show(what, total_bytes, DownloadColumn(), TransferSpeedColumn())

    def advance(self, done_bytes: int) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, done_bytes)


class Count(_Shown):
    """The `Counter` port by Rich: a bar over numbered things; silent where nobody watches."""

    def start(self, what: str, total: int) -> None:
        if sys.stderr.isatty():
            from rich.progress import MofNCompleteColumn, TimeRemainingColumn

            self._show(what, total, MofNCompleteColumn(), TimeRemainingColumn())

    def reach(self, done: int) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done)
