"""Figures as JSON lines, a file a group: what was measured is kept, and a group is measured again alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.measure import Row


class Results:
    """Those of one work folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, group: str) -> bool:
        """Whether it has been measured to its end."""
        return self._file(group).exists()

    def keep(self, group: str, rows: Iterable[Row], facts: Mapping[str, str]) -> Sequence[Row]:
        """Write the rows as they come; earlier ones of the group go when it is at its end. `facts`: of this run."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part, kept = self._folder / f"{group}.part", []
        with part.open("w", encoding="utf-8") as file:
            file.write(json.dumps(dict(facts)) + "\n")
            for row in rows:
                kept.append(row)
                file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
                file.flush()
        part.replace(self._file(group))
        return kept

    def read(self, group: str) -> tuple[Mapping[str, str], list[Row]]:
        """Facts and rows of a group that has been measured."""
        first, *lines = self._file(group).read_text(encoding="utf-8").splitlines()
        return json.loads(first), [Row(**json.loads(line)) for line in lines]

    def _file(self, group: str) -> Path:
        return self._folder / f"{group}.jsonl"
