"""A11, keys: who has two keys is one person, and a key is one person's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelreg.adapters.signing import SshSignatures
from modelreg.domain.signers import APPROVAL
from tests.keys import ANN, BO, DATA, Key, Question, holds


def approval(key: Key, signers: str, principal: str = ANN) -> Question:
    signature = SshSignatures().sign(DATA, namespace=APPROVAL, key=key.path)
    return Question(signature, signers, namespace=APPROVAL, principal=principal)


def test_two_keys_of_one_person_speak_for_that_person_only(anns: Key, bos: Key) -> None:
    signers = anns.line(ANN) + bos.line(ANN)
    for key in (anns, bos):
        assert holds(approval(key, signers))
        assert not holds(approval(key, signers, BO))


@pytest.mark.parametrize("extra", ["{bo}", "{both}", "{ann_again}{bo}", "{bo_elsewhere}", "{bo_ended}"])
def test_one_key_under_two_names_counts_for_neither(anns: Key, bos: Key, extra: str) -> None:
    signers = anns.line(ANN) + extra.format(
        bo=anns.line(BO),
        both=anns.line(f"{ANN},{BO}"),
        ann_again=anns.line(ANN, f'namespaces="{APPROVAL}"'),
        bo_elsewhere=anns.line(BO, f'namespaces="{APPROVAL}"'),
        bo_ended=anns.line(BO, 'valid-before="20300101Z"'),
    )
    question = approval(anns, signers + bos.line("cy@example.org"))
    assert not holds(question)
    assert not holds(replace(question, principal=BO))
    assert holds(approval(bos, question.signers, "cy@example.org"))


def test_a_key_on_a_line_for_two_persons_counts_for_neither(anns: Key) -> None:
    for principal in (ANN, BO, f"{ANN},{BO}"):
        assert not holds(approval(anns, anns.line(f"{ANN},{BO}"), principal))


def test_names_that_differ_by_case_are_no_two_persons(anns: Key, bos: Key) -> None:
    signers = anns.line(ANN) + bos.line(ANN.upper())
    assert not holds(approval(anns, signers))
    assert not holds(approval(bos, signers, ANN.upper()))


def test_a_pattern_speaks_for_nobody(anns: Key) -> None:
    for principal in ("*", "*@example.org", "ann?example.org", f"{ANN},!{BO}"):
        question = approval(anns, anns.line(principal))
        assert not holds(question)
        assert not holds(replace(question, principal=BO))
        assert not holds(replace(question, principal=principal))
