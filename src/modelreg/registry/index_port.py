"""What questions ask of an index, as a protocol: `adapters/index.py` is one. Nothing that decides may ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from modelreg.domain.card import Card
    from modelreg.domain.names import ModelName, Stage
    from modelreg.domain.plan import CommitId
    from modelreg.domain.search import Query
    from modelreg.registry.ports import Tree


@dataclass(frozen=True, slots=True)
class Listed:
    """A version as the index has it. `stage` None: listed nowhere. `card` as domain/card.py makes it."""

    model: str
    version: str
    stage: str | None
    withdrawn: bool
    aliases: tuple[str, ...]
    primary_metric: Any
    card: Card


@dataclass(frozen=True, slots=True)
class Added:
    """A manifest, transition or piece of evidence that landed, and what the tree holds of it; card None: no longer
    anything. `at` is the landing's committer time, epoch seconds (UTC); `approved_by` is of a transition."""

    kind: str
    model: str
    version: str | None
    card: Card | None
    landing: CommitId
    at: int
    approved_by: tuple[str, ...]


class Index(Protocol):
    """A cache of what documents say, for questions of people and for nothing that decides.

    It may be lost, wrong or in use at any time: every answer may be None, and is then to be had from the documents.
    """

    def versions(
        self, commit: CommitId, query: Query, *, initial: Stage, model: ModelName | None = None
    ) -> Sequence[Listed] | None:
        """The versions of registered models, of one model or of all, that meet a query, in its order.

        `initial` is the stage of those that are listed nowhere.
        """

    def history(self, commit: CommitId, model: ModelName | None = None) -> list[Added] | None:
        """What landed on the first-parent line up to `commit`, of one model or of all, oldest first; whoever asked may
        empty it."""

    def citing(
        self, commit: CommitId, field: str, names: Sequence[str], *, beginning: bool = False
    ) -> Sequence[tuple[str, str]] | None:
        """Model and version of the manifests that name one of `names`, by model and version: as `data` (name, sha256
        or md5 of a data set), `commit` (of the code), `parent` (MODEL or MODEL@VERSION), `lock` (sha256) or `run`;
        with `beginning`, what begins with one of them."""

    def work_tree(self) -> Tree | None:
        """The work tree, of which files that have not changed since they were read are not read again for their ids."""

    def sound(self, keys: Iterable[str]) -> Mapping[str, Sequence[str]] | None:
        """Those of the keys that were remembered, each with the paths that must be there still."""

    def remember(self, sound: Mapping[str, Sequence[str]]) -> None:
        """That what these digests stand for is sound, as this modelreg judges, as long as those paths are there."""
