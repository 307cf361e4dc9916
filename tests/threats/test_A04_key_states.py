"""A04, documents: unsigned, or signed by a key that is not listed, revoked or listed for something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modelreg.adapters.signing import SshSignatures
from modelreg.domain.signers import namespace_of
from tests.keys import ANN, BO, DATA, Key, Question, by_hand, holds

STATES = ("listed", "not listed", "revoked", "for another namespace", "of somebody else", "unsigned")
DOCUMENTS = [("transition", None), ("evidence", "approval"), ("evidence", "approval-withdrawal"), ("evidence", "scan")]


@pytest.mark.parametrize(("kind", "type_"), [*DOCUMENTS, ("approval", None)])
@pytest.mark.parametrize("state", STATES)
def test_only_a_listed_key_counts(
    anns: Key, bos: Key, kind: str, type_: str | None, state: str, tmp_path: Path
) -> None:
    namespace = namespace_of(kind, type_)
    assert namespace is not None
    signature = SshSignatures().sign(DATA, namespace=namespace, key=anns.path)
    question = Question(signature, anns.line(ANN, f'namespaces="git,{namespace}"'), namespace=namespace)
    cases = {
        "listed": question,
        "not listed": replace(question, signers=bos.line(ANN)),
        "revoked": replace(question, revoked=f"# stolen\n{anns.public} laptop\n"),
        "for another namespace": replace(question, signers=anns.line(ANN, 'namespaces="git,file"')),
        "of somebody else": replace(question, signers=question.signers + bos.line(BO), principal=BO),
        "unsigned": replace(question, signature=b""),
    }
    assert holds(cases[state]) == (state == "listed")
    assert by_hand(tmp_path, cases[state]) == (state == "listed")


def test_a_statement_of_one_kind_is_none_of_another(anns: Key) -> None:
    spaces = {namespace_of(kind, type_) for kind, type_ in DOCUMENTS} - {None}
    assert len(spaces) == 3
    for made in spaces:
        signature = SshSignatures().sign(DATA, namespace=str(made), key=anns.path)
        for asked in spaces:
            assert holds(Question(signature, anns.line(ANN), namespace=str(asked))) == (made == asked)
