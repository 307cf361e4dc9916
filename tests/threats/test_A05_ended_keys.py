"""A05, documents: a key that has ended does not sign again by pretending that it is still yesterday."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelreg.adapters.signing import SshSignatures
from modelreg.domain.signers import EVIDENCE
from tests.keys import ANN, AT, DATA, Key, Question, holds

DAY = 86_400


@pytest.fixture
def question(anns: Key) -> Question:
    signature = SshSignatures().sign(DATA, namespace=EVIDENCE, key=anns.path)
    return Question(signature, anns.line(ANN, 'valid-before="20261123Z"'))


def test_after_its_end_a_key_does_not_count(question: Question) -> None:
    """The signature itself holds no time: what counts is when it landed, which the caller says."""
    assert not holds(question)
    assert not holds(replace(question, at=AT + 365 * DAY))
    assert holds(replace(question, at=AT - 2 * DAY))


@pytest.mark.parametrize("days", [-2, -365, -9000, 0, 1])
def test_a_revoked_key_counts_at_no_time(question: Question, anns: Key, days: int) -> None:
    assert not holds(replace(question, revoked=f"{anns.public}\n", at=AT + days * DAY))


def test_a_revocation_that_is_not_understood_ends_every_key(question: Question, bos: Key) -> None:
    before = replace(question, at=AT - 2 * DAY)
    assert holds(replace(before, revoked=f"{bos.public}\n"))
    assert not holds(replace(before, revoked=f"{bos.public}\n{bos.public[:-4]}\n"))
    assert not holds(replace(before, revoked="SSHKRL\n\0\0\0\0\1"))
