"""Other registries, as the use cases that import and export need them. `integrations/` implements them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from modelreg.domain.foreign.entities import Fetched, ForeignModel, ForeignRun, ForeignVersion, Upload
from modelreg.domain.names import Alias, ModelName


class Origin(Protocol):
    """A registry that is read. All methods raise UnavailableError where it does not answer."""

    @property
    def name(self) -> str:
        """What it is called in reasons and answers; no secret is in it, no path of this machine."""

    def models(self, names: Sequence[str]) -> Iterator[ForeignModel]:
        """Those models, or all, by name. Raises NotFoundError for one that is not there."""

    def versions(self, model: str) -> Iterator[ForeignVersion]:
        """Its versions by number, a page at a time."""

    def run(self, version: ForeignVersion) -> ForeignRun | None:
        """What is known of how it was made; None: nothing."""

    def fetch(self, version: ForeignVersion, folder: Path) -> Fetched:
        """Its files into an empty folder. Raises UnavailableError where they may be there and cannot be had now."""


class Destination(Protocol):
    """A registry that is written. All methods raise UnavailableError where it does not answer, DeniedError where it
    refuses."""

    @property
    def name(self) -> str: ...

    def model(self, name: str) -> ForeignModel | None:
        """None where there is none of that name."""

    def versions(self, model: str) -> Iterator[ForeignVersion]: ...

    def create_model(self, model: ForeignModel) -> None:
        """Aliases aside, which need versions."""

    def describe_model(self, name: str, description: str, tags: Mapping[str, str], removed: Sequence[str]) -> None:
        """Description, tags to set, tags to remove."""

    def run(self, mark: str, run: ForeignRun) -> str:
        """The id of the run that is tagged with `mark`, complete: made, or made whole, where it is not."""

    def create_version(self, version: ForeignVersion, upload: Upload | None) -> int:
        """Its number there. Without `upload` its `source` is an address that is taken as it stands."""

    def describe_version(
        self, model: str, number: int, description: str, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None: ...

    def move(self, model: str, number: int, stage: str) -> None: ...

    def point(self, model: str, alias: str, number: int | None) -> None:
        """Set an alias, or (None) remove it."""


class Naming(Protocol):
    """Names there and here; `models` are those of this registry with their display names."""

    def folder(self, name: str, models: Mapping[ModelName, str | None]) -> ModelName:
        """The model that is called so there, or a new one. Raises InvalidError."""

    def there(self, models: Mapping[ModelName, str | None]) -> Mapping[ModelName, str]:
        """What each model is called there."""

    def alias(self, name: str, names: Mapping[str, str], taken: Collection[str]) -> Alias:
        """The alias for one that is called so there, beside those that are `taken`; `names` are model.yaml's
        alias_names. Raises InvalidError."""


class Counter(Protocol):
    """A progress bar over numbered things, or nothing."""

    def start(self, what: str, total: int) -> None: ...

    def reach(self, done: int) -> None: ...

    def finish(self) -> None: ...
