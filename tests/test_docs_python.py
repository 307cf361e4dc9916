"""docs/python.md: its blocks are run one after the other; its tables name what there is, and all that there is."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from modelreg import ModelVersion, RegisteredModel, Registry
from modelreg.auditing import Audited
from tests.cli.runner import done
from tests.reference import commands
from tests.support import Repo
from tests.test_docs import TOP

PAGE = (TOP / "docs" / "python.md").read_text()
CODE = dict(re.findall(r"<!-- python: ([a-z]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
PRINTED = dict(re.findall(r"<!-- printed: ([a-z]+) -->\n```text\n(.*?)```", PAGE, re.DOTALL))
TABLES = ("mlflow", "commands")
URL = "https://git.example.org/ml/registry.git"


def customers(rows: int, seed: int) -> str:
    """A table of customers; who calls often, and is young, is likely to leave."""
    draw = random.Random(seed)
    people = [(draw.randint(18, 80), draw.randint(0, 6)) for _ in range(rows)]
    lines = (f"{age},{calls},{int(calls * 10 - age / 4 + draw.gauss(0, 8) > 18)}" for age, calls in people)
    return "\n".join(["age,calls,churned", *lines, ""])


def _normal(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{40}\b", "ID", text)


def test_the_page_of_python(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = Repo.init(tmp_path / "repo")
    done("init", "--remote", tmp_path / "storage", registry=repo.path)
    repo.commit("data", {"customers.csv": customers(200, 1), "holdout.csv": customers(100, 2)}, at=int(time.time()))
    server = repo.bare(tmp_path / "server.git")
    server.git("config", "uploadpack.allowFilter", "true")
    with (home / ".gitconfig").open("a") as config:
        config.write(f'[url "file://{server.path}"]\n\tinsteadOf = {URL}\n')
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(repo.path)
    capsys.readouterr()
    names: dict[str, Any] = {}
    for name, code in CODE.items():
        exec(compile(code, f"docs/python.md ({name})", "exec"), names)
        assert _normal(capsys.readouterr().out) == _normal(PRINTED[name]), name
        if name == "promote":
            repo.git("push", "-q", "origin", "main")
    assert list(CODE) == list(PRINTED) == ["train", "promote", "serve", "audit"]
    assert all(code.count("\n") < 25 for code in CODE.values())


def rows(table: str) -> list[tuple[list[str], str]]:
    """The names in the first column of a table of the page, and the second column as it is."""
    (text,) = re.findall(rf"<!-- table: {table} -->\n\|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE)
    cells = [line.strip("|\n ").split(" | ") for line in text.splitlines()]
    return [(re.findall("`([^`]+)`", first), second) for first, second in cells]


OBJECTS: dict[str, Any] = {"registry": Registry, "model": RegisteredModel, "version": ModelVersion}


@pytest.mark.parametrize(
    "call", sorted({call for t in TABLES for _, cell in rows(t) for call in re.findall("`([^`]+)`", cell)})
)
def test_what_the_tables_name_is_there_and_takes_that(call: str) -> None:
    node = ast.parse(call, mode="eval").body
    function, arguments, named = node, list[ast.expr](), list[str]()
    if isinstance(node, ast.Call):
        function, arguments, named = node.func, node.args, [str(keyword.arg) for keyword in node.keywords]
    if isinstance(node, ast.Subscript):
        function, arguments = ast.Attribute(node.value, "__getitem__"), [node.slice]
    assert isinstance(function, ast.Attribute)
    assert isinstance(function.value, ast.Name)
    member = getattr(OBJECTS[function.value.id], function.attr)
    assert isinstance(node, ast.Attribute) != inspect.isfunction(member)
    if inspect.isfunction(member):
        inspect.signature(member).bind(None, *arguments, **dict.fromkeys(named))


def test_the_table_of_commands_names_each_once() -> None:
    all_of_them = [" ".join(words) for words in commands()]
    groups = {words.rpartition(" ")[0] for words in all_of_them}
    named = [name for names, _ in rows("commands") for name in names]
    assert sorted(named) == sorted(set(all_of_them) - groups)


def test_what_an_object_can_do_is_in_the_table() -> None:
    """But for what every command has, and `registry.get`, which all of them begin with."""
    told = {
        tuple(call) for _, cell in rows("commands") for call in re.findall(r"`(registry|model|version)\.(\w+)", cell)
    }
    public = {(name, member) for name, kind in OBJECTS.items() for member in vars(kind) if not member.startswith("_")}
    public |= {("registry", member) for member in vars(Audited) if not member.startswith("_")}
    own = {(name, field.name) for name in ("model", "version") for field in dataclasses.fields(OBJECTS[name])}
    assert public - told - own == {("registry", "get")}
