"""What is recorded of where a version comes from: gathered on one road by the command line and the SDK."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelreg.adapters.provenance import datasets, environment, invocation
from modelreg.adapters.provenance.code import code
from modelreg.adapters.provenance.invocation import Invocation
from modelreg.adapters.provenance.place import Place
from modelreg.domain.address import Address
from modelreg.errors import UsageError


@dataclass(slots=True)
class Capture:
    """The state of the code when it was asked for, and what is gathered on it until the registration.

    `notes` are sentences for people: what could not be told, and what the version will lack for it.
    """

    place: Place
    invocation: Invocation
    code: dict[str, Any] | None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of_command(cls) -> Capture:
        """For the command line: the code is the working folder's; how it was trained is what the user says."""
        return cls._begin(Invocation(None))

    @classmethod
    def of_script(cls, entry_point: str | None = None) -> Capture:
        """For Python code that registers what it made: the code is that of the script which runs.

        `entry_point` names another script, from the repository's top.
        """
        capture = cls._begin(Invocation.current())
        if entry_point and capture.code is not None:
            capture.code["entry_point"] = entry_point
        return capture

    @classmethod
    def _begin(cls, started: Invocation) -> Capture:
        place = Place.around(started.script or Path.cwd())
        found, notes = code(place, started.script)
        return cls(place, started, found, notes)

    def dataset(self, name: str, path: Path, role: str) -> dict[str, Any]:
        """An entry of lineage.data."""
        return datasets.dataset(self.place, name, path, role)

    def environment(self, lock: Path | None) -> dict[str, Any]:
        """lineage.environment."""
        return environment.environment(lock)

    def pipeline(
        self,
        *,
        command: str | None = None,
        stage: str | None = None,
        seeds: Mapping[str, int] | None = None,
        artifacts: Sequence[Path] = (),
    ) -> dict[str, Any]:
        """lineage.pipeline: as stated, else what runs now; `artifacts` are files that it left. Raises as `stated`."""
        body = invocation.stated(self.place, command=command, stage=stage)
        if not body:
            body, notes = invocation.ran(self.place, self.invocation, os.environ)
            self.notes += notes
        if body and (outputs := invocation.outputs(self.place, artifacts)):
            body["outputs"] = outputs
        if seeds:
            body["seeds"] = dict(seeds)
        return body

    def lineage(
        self,
        *,
        data: Sequence[Mapping[str, Any]] = (),
        environment: Mapping[str, Any] | None = None,
        parents: Sequence[str] = (),
        pipeline: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The manifest's lineage of all that is known; what is not known is not there. Raises as `parse_parent`."""
        body = {
            "code": self.code,
            "data": list(data),
            "environment": environment,
            "parents": [parse_parent(text) for text in parents],
            "pipeline": pipeline,
        }
        return {key: value for key, value in body.items() if value}


def parse_parent(text: str) -> dict[str, str]:
    """`base_model@2.0.0:fine-tuned` as the manifest writes it. Raises UsageError."""
    address, _, relation = text.partition(":")
    parsed = Address.parse(address)
    if parsed.version is None:
        raise UsageError(f"{text[:80]!a} names no parent", hint="write MODEL@VERSION or MODEL@VERSION:RELATION")
    return {"model": parsed.model, "version": str(parsed.version), "relation": relation or "derived"}
