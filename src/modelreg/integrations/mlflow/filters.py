"""Search as SqlAlchemyStore answers it on sqlite: MLflow's own parser, the same checks, the same rules for prompts.

A tag's conditions hold only of a tag that is there, so `!=` does not find what lacks it. Prompts are models with a
tag of their own, and are found only where a filter asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD,
)
from mlflow.utils.search_utils import SearchModelUtils, SearchModelVersionUtils, SearchUtils

T = TypeVar("T")
Clause = Mapping[str, Any]
Key = Callable[[T], Any]

_COMPARATORS = ("=", "!=", "LIKE", "ILIKE")
_LISTS = ("IN", "NOT IN")
_FIELDS = {"source_path": "source", "version_number": "version"}


def check_model_results(max_results: Any) -> None:
    """SqlAlchemyStore's limit, in its words."""
    if max_results > SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD:
        raise MlflowException(
            "Invalid value for request parameter max_results. It must be at most "
            f"{SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD}, but got value {max_results}",
            INVALID_PARAMETER_VALUE,
        )


def check_version_results(max_results: Any) -> None:
    """SqlAlchemyStore's limits, in its words."""
    if not isinstance(max_results, int) or max_results < 1:
        raise MlflowException(
            f"Invalid value for max_results. It must be a positive integer, but got {max_results}",
            INVALID_PARAMETER_VALUE,
        )
    if max_results > SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD:
        raise MlflowException(
            "Invalid value for request parameter max_results. It must be at most "
            f"{SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD}, but got value {max_results}",
            INVALID_PARAMETER_VALUE,
        )


def model_clauses(filter_string: str | None) -> Sequence[Clause]:
    """The conditions of a search for models. Raises MlflowException for what cannot be asked."""
    clauses: Sequence[Clause] = SearchModelUtils.parse_search_filter(filter_string)
    for clause in clauses:
        if clause["type"] == "attribute":
            _check(clause, "name", (*_COMPARATORS, *_LISTS))
        else:
            _check_tag(clause)
    return clauses


def version_clauses(filter_string: str | None) -> Sequence[Clause]:
    """The conditions of a search for versions. Raises MlflowException for what cannot be asked."""
    clauses: list[Clause] = []
    for clause in SearchModelVersionUtils.parse_search_filter(filter_string):
        if clause["type"] != "attribute":
            _check_tag(clause)
            clauses.append(clause)
        elif clause["key"] in SearchModelVersionUtils.NUMERIC_ATTRIBUTES:
            clauses.append({**clause, "value": _number(clause)})
        else:
            _check(clause, clause["key"], (*_COMPARATORS, *(_LISTS if clause["key"] in ("run_id", "name") else ())))
            clauses.append(clause)
    return clauses


def _check(clause: Clause, key: str, comparators: Sequence[str]) -> None:
    if clause["key"] != key:
        raise MlflowException(f"Invalid attribute name: {clause['key']}", error_code=INVALID_PARAMETER_VALUE)
    if clause["comparator"] not in comparators:
        raise MlflowException(
            f"Invalid comparator for attribute: {clause['comparator']}", error_code=INVALID_PARAMETER_VALUE
        )


def _check_tag(clause: Clause) -> None:
    if clause["type"] != "tag":
        raise MlflowException(f"Invalid token type: {clause['type']}", error_code=INVALID_PARAMETER_VALUE)
    if clause["comparator"] not in _COMPARATORS:
        raise MlflowException.invalid_parameter_value(f"Invalid comparator for tag: {clause['comparator']}")


def _number(clause: Clause) -> int:
    key, value = clause["key"], clause["value"]
    if clause["comparator"] not in SearchModelVersionUtils.VALID_NUMERIC_ATTRIBUTE_COMPARATORS:
        raise MlflowException(
            f"Invalid comparator for attribute {key}: {clause['comparator']}", error_code=INVALID_PARAMETER_VALUE
        )
    wrong = MlflowException.invalid_parameter_value(f"Invalid value for numeric attribute '{key}': {value!r}")
    if isinstance(value, float):
        raise wrong
    try:
        return int(value)
    except (TypeError, ValueError):
        raise wrong from None


def asks_for_prompts(clauses: Sequence[Clause]) -> bool:
    """The first condition on the tag of prompts decides; without any, models are meant."""
    for clause in clauses:
        if clause["type"] == "tag" and clause["key"] == IS_PROMPT_TAG_KEY:
            wanted = {"=": "true", "!=": "false"}.get(clause["comparator"])
            return bool(clause["value"].lower() == wanted)
    return False


def is_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(IS_PROMPT_TAG_KEY) == "true"


def matches(entity: ModelVersion | RegisteredModel, clauses: Sequence[Clause], *, prompts: bool) -> bool:
    """Whether a model or version meets all conditions; that on the tag of prompts is not one of them where models are
    asked for, who lack it."""
    return all(
        _holds(entity, clause)
        for clause in clauses
        if prompts or clause["type"] != "tag" or clause["key"] != IS_PROMPT_TAG_KEY
    )


def _holds(entity: ModelVersion | RegisteredModel, clause: Clause) -> bool:
    if clause["type"] == "tag":
        value = entity._tags.get(clause["key"])
    else:
        value = getattr(entity, _FIELDS.get(str(clause["key"]), str(clause["key"])))
    return value is not None and bool(SearchUtils.get_comparison_func(clause["comparator"])(value, clause["value"]))


def model_order(order_by: Sequence[str] | None) -> Sequence[tuple[Key[RegisteredModel], bool]]:
    """Sort keys with whether they ascend, the most important first. Raises MlflowException as SqlAlchemyStore."""
    found: dict[str, bool] = {}
    for clause in order_by or ():
        key, ascending = SearchUtils.parse_order_by_for_search_registered_models(clause)
        _add(found, key if key == "name" else "last_updated_timestamp", ascending, order_by)
    found.setdefault("name", True)
    return [(_field(name), ascending) for name, ascending in found.items()]


def version_order(order_by: Sequence[str] | None) -> Sequence[tuple[Key[ModelVersion], bool]]:
    """As `model_order`; without a wish the last updated comes first."""
    wanted = order_by or ["last_updated_timestamp DESC", "name ASC", "version_number DESC"]
    found: dict[str, bool] = {}
    for clause in wanted:
        _, key, ascending = SearchModelVersionUtils.parse_order_by_for_search_model_versions(clause)
        _add(found, _FIELDS.get(key, key), ascending, wanted)
    found.setdefault("name", True)
    found.setdefault("version", False)
    return [(_field(name), ascending) for name, ascending in found.items()]


def _add(found: dict[str, bool], field: str, ascending: bool, order_by: Any) -> None:
    if field in found:
        raise MlflowException(f"`order_by` contains duplicate fields: {order_by}")
    found[field] = ascending


def _field(name: str) -> Key[Any]:
    return lambda entity: getattr(entity, name)


def page(items: list[T], order: Sequence[tuple[Key[T], bool]], max_results: int, offset: int) -> PagedList[T]:
    """One page of the sorted items, with the token of the next one where there are more."""
    for key, ascending in reversed(order):
        items.sort(key=key, reverse=not ascending)
    end = offset + max_results
    token = SearchUtils.create_page_token(end) if end < len(items) else None
    return PagedList(items[offset:end], token)


def offset_of(page_token: str | None) -> int:
    """Raises MlflowException for a token that is none."""
    return int(SearchUtils.parse_start_offset_from_page_token(page_token))
