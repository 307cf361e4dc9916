"""`compare`: versions of one registry side by side."""

from __future__ import annotations

from collections.abc import Sequence

from modelreg.domain.address import Address
from modelreg.domain.compare import Comparison
from modelreg.domain.compare import compare as side_by_side
from modelreg.errors import UsageError
from modelreg.registry.resolve import resolve
from modelreg.registry.snapshot import Snapshot

MOST = 20
"""How many versions are compared at once."""


def compare(snapshot: Snapshot, addresses: Sequence[Address]) -> Comparison:
    """The versions that the addresses name, the first as baseline. Raises UsageError for fewer than two addresses or
    more than MOST, NotFoundError, and InvalidError for a manifest that does not pass its schema."""
    if not 2 <= len(addresses) <= MOST:
        hint = "modelreg compare MODEL@1.0.0 MODEL@1.1.0"
        raise UsageError(f"from two to {MOST} addresses are compared, not {len(addresses)}", hint=hint)
    named = [(address.model, resolve(snapshot, address)) for address in addresses]
    return side_by_side([snapshot.manifest(model, version, check=True) for model, version in named])
