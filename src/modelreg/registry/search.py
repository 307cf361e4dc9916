"""`search`: the versions that meet an expression, by the index where there is one, else by their manifests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelreg.domain.lifecycle import check_stage
from modelreg.domain.names import Alias, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.properties import properties_of
from modelreg.domain.search import WITHDRAWN, Candidate, Comparison, Expression, Not, Query, select
from modelreg.domain.search_syntax import parse, parse_order
from modelreg.errors import UsageError
from modelreg.registry.index_port import Index
from modelreg.registry.listing import IndexedRows, Row, rows_of
from modelreg.registry.snapshot import Snapshot


def query_of(expression: str | None, order_by: Iterable[str] = (), limit: int | None = None) -> Query:
    """A query from what a user writes. Raises UsageError, with the column where it is the expression's fault."""
    if limit is not None and limit < 1:
        raise UsageError("the limit is one version or more", hint="leave --limit out for all")
    where = parse(expression) if expression is not None else None
    return Query(where, tuple(parse_order(text) for text in order_by), limit)


def search(snapshot: Snapshot, query: Query, index: Index | None = None) -> Sequence[Row]:
    """In the order of the query. Raises NotFoundError for a stage that the policy does not have."""
    policy = snapshot.policy()
    if query.where is not None:
        _check_stages(policy, query.where)
    if index is not None and snapshot.commit is not None:
        found = index.versions(snapshot.commit, query, initial=policy.initial)
        if found is not None:
            return IndexedRows(found, policy.initial)
    rows = rows_of(snapshot, snapshot.models(), policy.initial)
    return select(((_candidate(row, body), row) for row, body in rows), query)


def _candidate(row: Row, body: dict[str, object]) -> Candidate:
    aliases = tuple(Alias(alias) for alias in row.aliases)
    return Candidate(row.model, row.version, row.stage, aliases, properties_of(body))


def _check_stages(policy: Policy, expression: Expression) -> None:
    """A misspelt stage is said, not taken for one that nobody is in."""
    if isinstance(expression, Not):
        _check_stages(policy, expression.inner)
    elif isinstance(expression, Comparison):
        if expression.field.name == "stage" and expression.operator in ("=", "!=", "in"):
            for value in expression.values:
                if value != WITHDRAWN:
                    check_stage(policy, Stage(str(value)))
    else:
        for part in expression.parts:
            _check_stages(policy, part)
