"""MLflow's free names and the registry's: pure, so that every name can be tried.

MLflow takes any text without `/` and `:` for a model's name; a folder of the registry has a name of `domain/names.py`.
A name that is legal there stays as it is, any other becomes a folder that looks like it, and stands as `display_name`
in model.yaml. Aliases are treated the same way (`alias_names`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from modelreg.domain.names import Alias, ModelName, collision_key, parse_alias, parse_model
from modelreg.errors import InvalidError

_LONGEST_MODEL = 64
_LONGEST_ALIAS = 31


@dataclass(frozen=True, slots=True)
class Named:
    """A model as its folder and its model.yaml name it."""

    folder: ModelName
    display_name: str | None


def is_free_name(name: str) -> bool:
    """Whether MLflow could name a model so: then it can be asked for by that name."""
    return bool(name.strip()) and not set("/:") & set(name) and name not in (".", "..")


def shown(models: Sequence[Named]) -> dict[str, ModelName]:
    """The folder of each model by the name that MLflow shows, each name once.

    A model that has no other name keeps its folder's. Of two with the same display name the first folder has it, the
    other one is shown by its folder, or (should that be a third one's display name) by its folder and a number.
    """
    found = {str(model.folder): model.folder for model in models if not _renamed(model)}
    for model in sorted((m for m in models if _renamed(m)), key=lambda m: m.folder):
        name = next(n for n in _choices(model) if n not in found)
        found[name] = model.folder
    return found


def _renamed(model: Named) -> bool:
    name = model.display_name
    return name is not None and name != model.folder and is_free_name(name)


def _choices(model: Named) -> Iterator[str]:
    yield from (str(model.display_name), str(model.folder))
    yield from (f"{model.folder}.{number}" for number in count(2))


def folder_for(name: str, taken: Collection[str]) -> ModelName:
    """The folder of a new model that MLflow calls `name`, beside those that there are: no two differ only by `-`
    and `_` (threat R9)."""
    known = {collision_key(other) for other in taken}
    return parse_model(
        _first(name, "model", _LONGEST_MODEL, parse_model, lambda text: collision_key(text) not in known)
    )


def alias_for(name: str, names: Mapping[str, str], taken: Collection[str]) -> Alias:
    """The registry's alias for the one that MLflow calls `name`; `names` are those that have another name there
    (model.yaml: alias_names), `taken` those that are set."""
    for alias, free in names.items():
        if free == name:
            return parse_alias(alias)

    def free_for(text: str) -> bool:
        return text not in names and (text == name or text not in taken)

    return parse_alias(_first(name, "alias", _LONGEST_ALIAS, parse_alias, free_for))


def alias_shown(alias: str, names: Mapping[str, str]) -> str:
    """What MLflow calls an alias of the registry."""
    return names.get(alias, alias)


def _first(name: str, fallback: str, longest: int, parse: Callable[[str], str], free: Callable[[str], bool]) -> str:
    """`name` where it is legal and free, else the first legal and free one of those that look like it."""
    stem = _plain(name) or fallback
    # What begins as no name may, or is a reserved word, gets a word in front.
    base = stem if _legal(stem, parse) else f"{fallback}-{stem}"[:longest].rstrip("-_")
    numbered = (f"{base[: longest - 1 - len(str(number))].rstrip('-_')}-{number}" for number in count(2))
    return next(text for text in chain((name, base), numbered) if _legal(text, parse) and free(text))


def _legal(text: str, parse: Callable[[str], str]) -> bool:
    try:
        parse(text)
    except InvalidError:
        return False
    return True


def _plain(name: str) -> str:
    """ASCII in lower case; whatever else there is becomes `-`: `Churn Prädiktor (EU)` gives churn-pradiktor-eu."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_).strip("-_")[:_LONGEST_MODEL].strip("-_")
