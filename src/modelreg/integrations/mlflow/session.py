"""One registry as a store holds it open: who reads sees the newest landing, who writes does it alone.

Reading, writing and handing out files have a repository each, since a store is used by several threads: a write may
take its time (an upload), and nobody who reads waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from mlflow.utils.time import get_current_time_millis

from modelreg.domain.plan import Plan
from modelreg.errors import IntegrityError, UsageError
from modelreg.integrations.mlflow.folding import continued, stamped
from modelreg.integrations.mlflow.view import VersionView, View
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_workspace

SCHEME = "modelreg"
_WRITES = 500
"""After so many writes the repository is opened anew: it remembers every tree that it has read."""
_HINT = "modelreg:///path/to/repository, with ?push=true where every write shall go to the remote at once"


@dataclass(frozen=True, slots=True)
class Place:
    """What a registry URI says. `push`: every write goes to the remote, or fails."""

    path: Path
    push: bool

    @classmethod
    def parse(cls, uri: str) -> Place:
        """`modelreg:///absolute/path` or `modelreg:relative/path`. Raises UsageError."""
        parsed = urlparse(uri)
        options = parse_qs(parsed.query, keep_blank_values=True)
        push = options.pop("push", ["false"])[-1].lower()
        if parsed.scheme != SCHEME or parsed.netloc or options or push not in ("true", "false"):
            raise UsageError(f"{uri[:200]!a} is no address of a registry", hint=f"write {_HINT}")
        return cls(Path(unquote(parsed.path) or "."), push == "true")


class Session:
    """The registry at a place."""

    def __init__(self, place: Place) -> None:
        self.push = place.push
        self._reader = open_workspace(place.path)
        self._clock, self._place, self._writes = _Clock(), place, 0
        self._writer = self._opened()
        self._server: Workspace | None = None
        self._reading, self._writing, self._serving = threading.RLock(), threading.RLock(), threading.RLock()
        self._view = View()
        self._manifests: dict[str, Mapping[str, Any]] = {}

    @property
    def view(self) -> View:
        """The registry as the protected branch has it now. A view does not change; the next one may be another."""
        with self._reading:
            tip = self._reader.tip()
            if tip != self._view.commit:
                self._view = continued(self._reader, self._view, tip)
            return self._view

    def manifest(self, version: VersionView) -> Mapping[str, Any]:
        """What a version's manifest says. It never changes, so that each is read once."""
        found = self._manifests.get(version.manifest)
        if found is None:
            with self._reading:
                data = self._reader.repository.blobs([version.manifest])[version.manifest]
                found = self._reader.documents.load(data, f"{version.version}/manifest.yaml").value
            if not isinstance(found, dict):
                raise IntegrityError(f"the manifest of {version.version} is none", hint="modelreg validate")
            self._manifests[version.manifest] = found
        return found

    @contextmanager
    def serving(self) -> Iterator[Workspace]:
        """The registry to bring files from, which may take its time too: no two make the same folder."""
        with self._serving:
            if self._server is None:
                self._server = open_workspace(self._place.path)
            yield self._server

    @contextmanager
    def writing(self) -> Iterator[Workspace]:
        """The registry to write to, for nobody else of this process meanwhile."""
        with self._writing:
            self._writes += 1
            if self._writes % _WRITES == 0:
                self._writer = self._opened()
            yield self._writer

    def _opened(self) -> Workspace:
        """To write to the protected branch, whatever is checked out: MLflow's clients know of no branches."""
        opened = open_workspace(self._place.path)
        return replace(opened, clock=self._clock.seconds, finish=self._clock.stamped, other_branch=True)


class _Clock:
    """The time of a write, in seconds for git and to the millisecond for what the commit says."""

    def __init__(self, now: Callable[[], int] = get_current_time_millis) -> None:
        self._now = now
        self._last = 0

    def seconds(self) -> int:
        self._last = self._now()
        return self._last // 1000

    def stamped(self, plan: Plan) -> Plan:
        return stamped(plan, self._last)
