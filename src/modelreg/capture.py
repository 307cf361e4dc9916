"""What is recorded of where a version comes from: gathered on one road by the command line and the SDK."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelreg.adapters.provenance import environment, invocation, locks, trackers
from modelreg.adapters.provenance.code import Told, begin
from modelreg.adapters.provenance.datasets import Dataset, dataset, public
from modelreg.adapters.provenance.invocation import Invocation
from modelreg.adapters.provenance.locks import Lock
from modelreg.adapters.provenance.place import Place
from modelreg.domain.address import Address
from modelreg.errors import InvalidError, UsageError
from modelreg.registry.inputs import parse_feature
from modelreg.registry.request import Source

MAX_FEATURES = 1000


@dataclass(slots=True)
class Capture:
    """The state of the code when it was asked for, and what is gathered on it until the registration.

    `asked` waits for what git says of it, and `entry_point` is another script than the one that runs.
    `python` says whether this process is what made the version: then its packages are those of the version. `notes`
    are sentences for people: what could not be told, and what the version lacks for it.
    """

    place: Place
    invocation: Invocation
    asked: Callable[[], Told]
    python: bool
    entry_point: str | None = None
    notes: list[str] = field(default_factory=list)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    features: list[dict[str, Any]] = field(default_factory=list)
    pipeline: dict[str, Any] = field(default_factory=dict)
    lock: Lock | None = None
    _told: Told | None = None

    @classmethod
    def of_command(cls) -> Capture:
        """For the command line: the code is the working folder's; how it was made is what the user says."""
        return cls._begin(Invocation(None), python=False)

    @classmethod
    def of_script(cls, entry_point: str | None = None) -> Capture:
        """For Python code that registers what it made: the code is that of the script which runs.

        `entry_point` names another script, from the repository's top.
        """
        return cls._begin(Invocation.current(), python=True, entry_point=entry_point)

    @classmethod
    def _begin(cls, started: Invocation, *, python: bool, entry_point: str | None = None) -> Capture:
        place = Place.around(started.script or Path.cwd())
        return cls(place, started, begin(place, started.script), python, entry_point)

    def code(self) -> dict[str, Any] | None:
        """lineage.code. Whoever changes files asks for it before: until then git is still looking."""
        if self._told is None:
            self._told = self.asked()
            found, notes = self._told
            if self.entry_point and found is not None:
                found["entry_point"] = self.entry_point
            self.notes[:0] = notes
        return self._told[0]

    def add_data(self, path: Path, *, name: str | None = None, role: str = "train") -> str:
        """Read a data set, a file or a folder, now; its name. Raises as `dataset`, InvalidError for a name twice."""
        found = dataset(self.place, path, name=name, role=role)
        called = str(found.entry["name"])
        if called in self.datasets:
            raise InvalidError(f"two data sets are called {called}", hint="give one of them another name")
        self.datasets[called] = found
        self.notes += [note for note in found.notes if note not in self.notes]
        return called

    def add_sources(self, sources: Mapping[str, str]) -> None:
        """Where data sets came from, by name. Raises InvalidError for a name that no data set has."""
        for name, source in sources.items():
            if name not in self.datasets:
                known = ", ".join(self.datasets) or "none"
                raise InvalidError(f"no data set is called {name[:60]!a}", hint=f"data sets are: {known}")
            self.datasets[name].entry["source"] = public(source)

    def check_data(self) -> None:
        """Raises InvalidError for a data set that is no longer what was read."""
        for name, found in self.datasets.items():
            if found.changed():
                raise InvalidError(
                    f"the data set {name} changed after it was recorded: the manifest would name other bytes than "
                    "those that were read",
                    file=str(found.path),
                    hint="record data when nothing writes to it any more, and train again",
                )

    def add_features(self, features: Sequence[str | Mapping[str, Any]]) -> None:
        """Features as declared: texts as of `--feature`, or mappings as the manifest has them."""
        given = [parse_feature(item) if isinstance(item, str) else dict(item) for item in features]
        names = {entry.get("name") for entry in given}
        self.features = [*given, *(entry for entry in self.features if entry["name"] not in names)][:MAX_FEATURES]

    def add_estimator(self, estimator: Any) -> None:
        """What a scikit-learn estimator says of its own features and seeds."""
        from modelreg.integrations import sklearn_features

        self.add_features(sklearn_features.features(estimator))
        self.seeds |= sklearn_features.seeds(estimator)

    def ran(self, *, command: str | None = None, stage: str | None = None, artifacts: Sequence[Path] = ()) -> None:
        """What made the version: as stated, else what runs now; `artifacts` are files that it left. Raises as
        `invocation.stated`."""
        self.pipeline = invocation.stated(self.place, command=command, stage=stage)
        if not self.pipeline:
            self.pipeline, notes = invocation.ran(self.place, self.invocation, os.environ)
            self.notes += notes
        if self.pipeline and (outputs := invocation.outputs(self.place, artifacts)):
            self.pipeline["outputs"] = outputs

    def lineage(self, *, parents: Sequence[str] = (), lock: Path | None = None) -> dict[str, Any]:
        """The manifest's lineage of all that is known; what is not known is not there. `lock` is the environment's
        lock file. Raises as `parse_parent` and `locks.from_file`."""
        pipeline = self.pipeline | ({"seeds": dict(self.seeds)} if self.seeds else {})
        environment = self._environment(lock)
        body = {
            "code": self.code(),
            "data": [found.entry for found in self.datasets.values()],
            "features": self.features,
            "environment": environment,
            "parents": [parse_parent(text) for text in parents],
            "pipeline": pipeline,
            "run": trackers.run(os.environ),
        }
        return {key: value for key, value in body.items() if value}

    def kept(self, folder: Path, taken: Sequence[str]) -> list[Source]:
        """The lock file as an artifact, written into `folder`, where its commit does not have it; after `lineage`."""
        if self.lock is None or self.lock.content is None:
            return []
        name = self.lock.name if self.lock.name.lower() not in {n.lower() for n in taken} else f"lock-{self.lock.name}"
        if self.lock.entry["source"] == "generated":
            self.lock.entry["path"] = name
        path = folder / "lock" / name
        path.parent.mkdir()
        path.write_bytes(self.lock.content)
        return [Source(path, "lock", "text")]

    def _environment(self, lock: Path | None) -> dict[str, Any]:
        body = environment.machine()
        installed = environment.distributions() if self.python else {}
        script = self.invocation.script
        start = script.parent if script and self.place.inside(script) else self.place.folder
        path = lock or locks.nearest(self.place, start)
        if path is not None:
            self.lock = locks.from_file(self.place, path, (self.code() or {}).get("commit"))
        elif self.python:
            self.lock = locks.generated(installed, body)
        if self.lock is not None:
            body["lock"] = self.lock.entry
            self.notes += self.lock.notes
        if installed:
            body["packages"] = environment.packages(installed)
        return body


def parse_parent(text: str) -> dict[str, str]:
    """`base_model@2.0.0:fine-tuned` as the manifest writes it. Raises UsageError."""
    address, _, relation = text.partition(":")
    parsed = Address.parse(address)
    if parsed.version is None:
        raise UsageError(f"{text[:80]!a} names no parent", hint="write MODEL@VERSION or MODEL@VERSION:RELATION")
    return {"model": parsed.model, "version": str(parsed.version), "relation": relation or "derived"}
