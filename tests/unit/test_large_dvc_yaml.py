"""A dvc.yaml of very many models is asked for one entry without being read as a whole: the answer is the same."""

from __future__ import annotations

import pytest

from modelreg.adapters import yaml_splice
from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.document import Document
from modelreg.errors import InvalidError

DOCS = YamlDocuments()
NAMES = [f"model_{n:05d}" for n in range(1000)]


def text(names: list[str], more: str = "") -> bytes:
    entries = (f"  {name}:\n    path: registry/{name}/1.0.0/m.skops\n    type: model\n{more}" for name in names)
    return ("artifacts:\n" + "".join(entries)).encode()


def found(data: bytes, name: str) -> tuple[object, object, object] | None:
    document = DOCS.find(data, "dvc.yaml", ("artifacts", name))
    return None if document is None else (document.value, document.mark(()), document.mark(("path",)))


@pytest.mark.parametrize(
    "more", ["", '    desc: "12"\n', "    desc: a: b\n", "    desc: yes\n", "    desc: 12 # why\n"]
)
def test_one_entry_of_many_is_what_it_is_in_the_whole(more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = text(NAMES, more)
    assert len(data) > yaml_splice._LARGE
    wanted = [NAMES[0], NAMES[500], NAMES[-1], "nobody", "path"]

    def answers() -> list[object]:
        try:
            return [found(data, name) for name in wanted]
        except InvalidError as error:
            return [error.message, error.line]

    quick = answers()
    monkeypatch.setattr(yaml_splice, "_LARGE", len(data))
    assert answers() == quick


@pytest.mark.parametrize("twice", [NAMES[3], "on", "null"])
def test_names_that_yaml_reads_otherwise_are_read_as_yaml(twice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = text([*NAMES, twice])
    quick = found(data, twice)
    monkeypatch.setattr(yaml_splice, "_LARGE", len(data))
    assert found(data, twice) == quick


def test_more_models_than_a_document_may_have_events() -> None:
    names = [f"m{n:05d}" for n in range(10_000)]
    entries = (f"  {name}:\n    path: registry/{name}/1.0.0/m.csv\n    type: model\n" for name in names)
    data = ("artifacts:\n" + "".join(entries)).encode()
    document = DOCS.find(data, "dvc.yaml", ("artifacts", names[-1]))
    assert isinstance(document, Document)
    assert document.value == {"path": f"registry/{names[-1]}/1.0.0/m.csv", "type": "model"}
    mark = document.mark(("path",))
    assert mark is not None
    assert mark.line == 2 + 3 * 9999 + 1
    with pytest.raises(InvalidError, match="events"):
        DOCS.find(data.replace(b"m00003:", b"M00003:"), "dvc.yaml", ("artifacts", names[-1]))
