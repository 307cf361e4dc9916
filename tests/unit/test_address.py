from __future__ import annotations

import pytest

from modelreg.domain.address import Address
from modelreg.errors import InvalidError, UsageError
from tests.samples import CHAMPION, MODEL, PRODUCTION, v

GOOD = [
    ("churn", Address(MODEL), "churn@latest"),
    ("churn@latest", Address(MODEL), "churn@latest"),
    ("churn@1.3.0", Address(MODEL, version=v("1.3.0")), "churn@1.3.0"),
    ("churn@2.0.0-rc.1", Address(MODEL, version=v("2.0.0-rc.1")), "churn@2.0.0-rc.1"),
    ("churn#production", Address(MODEL, stage=PRODUCTION), "churn#production"),
    ("churn@champion", Address(MODEL, alias=CHAMPION), "churn@champion"),
]


@pytest.mark.parametrize(("text", "address", "canonical"), GOOD)
def test_parse(text: str, address: Address, canonical: str) -> None:
    assert Address.parse(text) == address
    assert str(address) == canonical
    assert Address.parse(canonical) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "@1.0.0", "#production", "Churn", "churn#", "churn##production", "churn@1", "churn@1.0", "churn@v1.0.0"),
        *("churn@V1", "churn@v1", "churn@1.0.0#production", "churn#production@1.0.0", "churn#latest", "churn#v1"),
        *("churn@@1.0.0", "churn@format", "churn@../x", "-churn@1.0.0", "churn@ 1.0.0", "churn@1.0.0\n", "churn@١.0.0"),
    ],
    ids=ascii,
)
def test_bad_names(text: str) -> None:
    with pytest.raises(InvalidError):
        Address.parse(text)


def test_bad_shape() -> None:
    with pytest.raises(UsageError, match="not an address"):
        Address.parse("churn@")
