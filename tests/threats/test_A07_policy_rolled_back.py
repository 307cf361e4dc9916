"""A07: a policy that was in force once, and was laxer, comes back."""

from __future__ import annotations

import pytest

from tests.threats.lab import POLICY, Lab, dumped, policy

STRICTER = {
    POLICY: dumped(policy(serial=2, gates=[{"stage": "staging", "require": {"metrics": {"f1": {"min": 0.99}}}}]))
}


@pytest.fixture
def stricter(lab: Lab) -> Lab:
    """The policy was made stricter, as it should be; the lab's own is the old one."""
    lab.commit({**STRICTER, **lab.approval(STRICTER)})
    assert lab.verified() == []
    return lab


def test_a_revert_of_its_commit(stricter: Lab) -> None:
    with stricter.branch():
        stricter.repo.git("revert", "-n", "HEAD", "--", check=False)
        stricter.repo.git("checkout", "-q", "HEAD", "--", "registry/approvals")
        stricter.commit()
    assert stricter.refused() == ["policy.serial", "policy.approvals"]
    stricter.repo.git("merge", "-q", "--ff-only", "topic")
    assert stricter.verified() == ["refused", "refused"]


def test_an_approval_from_then_does_not_make_it_good_again(stricter: Lab) -> None:
    """What was approved was to get there from what was in force before."""
    back = {POLICY: dumped(policy(serial=3))}
    with stricter.branch():
        stricter.commit(back)
    assert stricter.refused() == ["policy.approvals"]
    stricter.commit({**back, **stricter.approval(back)})
    with stricter.branch():
        stricter.commit(STRICTER)
    assert "policy.serial" in stricter.refused()
    assert "policy.approvals" in stricter.refused()


@pytest.mark.parametrize("serial", [0, 1, 2, -1, True, "3", 2.5, None, 3])
def test_the_serial_only_grows(stricter: Lab, serial: object) -> None:
    new = {POLICY: dumped(policy(serial=serial))}
    with stricter.branch():
        stricter.commit({**new, **stricter.approval(new)})
    assert ("policy.serial" in stricter.refused()) == (serial != 3)
