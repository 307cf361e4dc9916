"""A git that is started before it is known what to tell it: to start takes it longer than what it is told to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from modelreg.adapters.git import Git, Result


class Started:
    """One that writes, and waits for its standard input. Raises as `Git.run` where it cannot be started."""

    def __init__(
        self,
        git: Git,
        args: Sequence[str],
        *,
        config: Iterable[tuple[str, str]] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._process = git.open(args, write=True, config=config, env=env)

    def told(self, data: bytes) -> Result:
        """All that it hears; and what it made of it."""
        out, err = self._process.communicate(data)
        return Result(self._process.returncode, out, err.decode("utf-8", "replace"))

    def dismiss(self) -> None:
        """Told nothing, it does nothing."""
        if self._process.returncode is None:
            self.told(b"")


@contextmanager
def started(git: Git, args: Sequence[str]) -> Iterator[Started]:
    """One that writes, and is told nothing, so that it does nothing, where it has not been told at the end."""
    process = Started(git, args)
    try:
        yield process
    finally:
        process.dismiss()
