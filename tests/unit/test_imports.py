"""Which part may import which, as the sources say and as a fresh interpreter does."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelreg
from tests.support import run

ROOT = Path(modelreg.__file__).parent
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if path.name != "demo_train.py")
"""All modules; the training script that the demo copies into its repository is none: nothing imports it."""
TREES = {name: ast.parse((ROOT / name).read_text(encoding="utf-8")) for name in SOURCES}
FOREIGN = frozenset(
    (
        "git",
        "dvc",
        "dvc_data",
        "dvc_objects",
        "yaml",
        "yaml12",
        "jsonschema",
        "referencing",
        "configobj",
        "ruamel",
        "platformdirs",
        "fsspec",
    )
)
HEAVY = (
    "dvc",
    "git",
    "sklearn",
    "skops",
    "numpy",
    "scipy",
    "celpy",
    "pandas",
    "polars",
    "onnx",
    "onnxruntime",
    "safetensors",
    "jsonschema",
    "referencing",
    "yaml",
    "rich",
)
MLFLOW = "integrations/mlflow"
"""MLflow's store: a front end of its own beside the command line."""


def modules(node: ast.AST, *, lazy: bool = True) -> Iterator[str]:
    """What `node` imports, names of `from` joined; without `lazy` only what runs when the module is imported."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    if not lazy and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return
    if not lazy and isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        yield from modules(child, lazy=lazy)


def outside(name: str, allowed: tuple[str, ...], *, lazy: bool = True) -> list[str]:
    """Imports of the source that are neither stdlib nor at or below one of `allowed`."""
    found = modules(TREES[name], lazy=lazy)
    foreign = (m for m in found if m.split(".")[0] not in sys.stdlib_module_names)
    return [m for m in foreign if not any(f"{m}.".startswith(f"{a}.") for a in allowed)]


def under(folder: str) -> list[str]:
    found = [name for name in SOURCES if name.startswith(f"{folder}/")]
    assert len(found) > 1
    return found


@pytest.mark.parametrize("name", under("domain"))
def test_domain_imports_rules_only(name: str) -> None:
    assert outside(name, ("semver", "scipy", "celpy", "modelreg.domain", "modelreg.errors")) == []


@pytest.mark.parametrize("name", under("registry"))
def test_registry_imports_no_adapter(name: str) -> None:
    assert outside(name, ("modelreg.domain", "modelreg.errors", "modelreg.registry")) == []


@pytest.mark.parametrize("name", under("adapters"))
def test_adapters_know_ports_only(name: str) -> None:
    ports = (
        "modelreg.registry.ports",
        "modelreg.registry.artifact_port",
        "modelreg.registry.origin",
        "modelreg.registry.index_port",
        "modelreg.registry.sandbox",
    )
    ours = ("modelreg.domain", "modelreg.errors", "modelreg.adapters", *ports)
    assert outside(name, (*ours, *FOREIGN, "pyarrow")) == []


@pytest.mark.parametrize("name", [n for n in under("integrations") if not n.startswith(f"{MLFLOW}/")])
def test_integrations_know_the_domain_only(name: str) -> None:
    theirs = (
        "numpy",
        "pandas",
        "sklearn",
        "skops",
        "onnx",
        "google.protobuf",
        "safetensors",
        "cyclonedx",
        "packageurl",
        "apprise",
    )
    ours = ("modelreg.domain", "modelreg.errors", "modelreg.integrations")
    assert outside(name, (*theirs, *ours)) == []
    assert outside(name, ours, lazy=False) == []


@pytest.mark.parametrize("name", under(MLFLOW))
def test_the_mlflow_store_is_a_front_as_the_command_line_is(name: str) -> None:
    """It starts where the command line starts, in the use cases; MLflow itself imports it."""
    ours = ("modelreg.domain", "modelreg.errors", "modelreg.registry", "modelreg.wiring")
    assert outside(name, ("mlflow", "modelreg.integrations.mlflow", *ours)) == []


@pytest.mark.parametrize("name", [n for n in SOURCES if not n.startswith(f"{MLFLOW}/")])
def test_nothing_else_imports_mlflow(name: str) -> None:
    """But for how it names things, which needs no MLflow: what is imported is called as the store calls it."""
    naming = "modelreg.integrations.mlflow.naming."
    found = [m for m in modules(TREES[name]) if not f"{m}.".startswith(naming)]
    assert not [m for m in found if m.split(".")[0] == "mlflow" or f"{m}.".startswith("modelreg.integrations.mlflow.")]


@pytest.mark.parametrize("name", under("cli"))
def test_cli_imports_lazily(name: str) -> None:
    assert outside(name, ("typer", "rich", "modelreg")) == []
    assert outside(name, ("typer", "modelreg.cli", "modelreg.domain.location", "modelreg.errors"), lazy=False) == []


@pytest.mark.parametrize("name", ["errors.py", "__init__.py", "__main__.py"])
def test_top_imports_nothing_when_imported(name: str) -> None:
    assert outside(name, (), lazy=False) == []


@pytest.mark.parametrize("name", [n for n in SOURCES if not n.startswith("adapters/")])
def test_only_adapters_import_the_tools(name: str) -> None:
    assert not {m.split(".")[0] for m in modules(TREES[name])} & FOREIGN


@pytest.mark.parametrize("name", [n for n in SOURCES if not n.startswith("cli/") and n != "__main__.py"])
def test_only_the_cli_is_imported_by_main(name: str) -> None:
    assert not [m for m in modules(TREES[name]) if m.startswith(("modelreg.cli", "typer", "rich"))]


@pytest.mark.parametrize("name", [n for n in SOURCES if not n.startswith("cli/") and n != "__main__.py"])
def test_only_the_cli_speaks_and_exits(name: str) -> None:
    loud = []
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Name) and node.id in ("print", "breakpoint", "exit", "quit", "SystemExit"):
            loud.append(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dotted = f"{node.value.id}.{node.attr}"
            if dotted in ("sys.stdout", "sys.stderr", "sys.stdin", "sys.exit"):
                loud.append(dotted)
    assert loud == []


@pytest.mark.parametrize(
    ("statement", "banned"),
    [
        ("import modelreg", (*HEAVY, "typer", "semver")),
        ("import modelreg.errors", (*HEAVY, "typer", "semver")),
        ("import modelreg.cli.app", HEAVY),
        (
            "from modelreg import Registry",
            ("dvc", "git", "sklearn", "skops", "numpy", "pandas", "onnx", "rich", "typer"),
        ),
    ],
)
def test_nothing_heavy_is_loaded(statement: str, banned: tuple[str, ...]) -> None:
    code = f"import sys\n{statement}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}} & {set(banned)!r}))"
    assert run(sys.executable, "-c", code).stdout.split() == []


def test_every_command_is_found_in_its_module() -> None:
    """The table that loads one module for one command holds all that the modules bring, and says what they say."""
    from modelreg.cli.app import COMMANDS, command_line

    assert set(command_line().commands) == set(COMMANDS)
    brought = set()
    for name, (_, summary) in COMMANDS.items():
        loaded = command_line(name).commands
        brought |= set(loaded)
        assert " ".join((loaded[name].help or "").split("\n\n")[0].split()) == summary
    assert brought == set(COMMANDS)
