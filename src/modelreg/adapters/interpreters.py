"""Python environments for code of the past: a fresh one from a lock file, or the one that runs now.

uv makes the fresh one where it is installed (extra `reproduce`), else venv and pip of the running interpreter.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.adapters import programs
from modelreg.domain.requirements import normalised, parse_lock, without
from modelreg.errors import UnavailableError
from modelreg.registry.sandbox import Ran, Tell

_DROPPED = (
    "GIT_",
    "DVC_",
    "MODELREG_",
    "VIRTUAL_ENV",
    "CONDA_",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "__PYVENV",
)
_LISTING = """\
import platform
from importlib.metadata import distributions
found = {d.metadata["Name"]: d.version for d in reversed(list(distributions())) if d.metadata["Name"]}
for line in ("=" + platform.python_version(), *(f"{name}={version}" for name, version in sorted(found.items()))):
    print(line)
"""
# The running modelreg and what it needs, for an environment whose lock does not have it: asked last, so that whatever
# the lock installs wins, and nothing else of the running interpreter is seen.
_FINDER = """\
import sys
from importlib.machinery import PathFinder

NAMES = frozenset({names!r})
PATHS = {paths!r}


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, PATHS) if path is None and name in NAMES else None


sys.meta_path.append(Finder)
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python, the folders that go before PATH for it, its PYTHONPATH, and sentences on what is not as asked."""

    python: Path
    path: tuple[Path, ...]
    python_path: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def current(room: Path, clone: Path) -> Interpreter:
    """The running interpreter; a project in the clone, and the running modelreg, are put before what is installed."""
    project = _project(clone)
    first = [str(_sources(clone))] if project else []
    inherited = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    python = Path(sys.executable)
    return Interpreter(python, (_programs(room, python), python.parent), (*first, _own_folder(), *inherited))


def fresh(room: Path, clone: Path, lock: bytes, name: str, python: str | None, tell: Tell) -> Interpreter:
    """An environment in `room` with what the lock file names, and the project of the clone where there is one.

    Raises UnavailableError where it cannot be made.
    """
    target = room / "environment"
    uv = _uv()
    maker = _Uv(room, tell, uv) if uv else _Pip(room, tell)
    (room / "uv.toml").write_text("")  # uv looks for a project's settings upwards; it finds that there are none
    notes = maker.create(target, python)
    project = _project(clone)
    text = maker.requirements(lock, clone / name)
    if project:
        text = without(text, project)
    file = room / "requirements.txt"
    file.write_text(text)
    found = parse_lock(text)
    options = ["--no-deps"] if found.complete else []
    options += ["--require-hashes"] if found.hashed else []
    if found.pins or not found.complete:
        maker.install(target, [*options, "-r", str(file)], "the recorded lock")
    if project:
        notes += _install_project(maker, target, clone, project)
    interpreter = target / "bin" / "python"
    if not found.complete:
        notes += ("the lock does not pin everything: the rest was resolved anew",)
    if project != "modelreg" and not any(pin.name == "modelreg" for pin in found.pins):
        _lend(target)
    return Interpreter(interpreter, (target / "bin", _programs(room, interpreter)), (), notes)


def installed(interpreter: Interpreter, room: Path, env: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The version of Python, and of each distribution by its name (PEP 503). Raises UnavailableError."""
    lines: list[str] = []
    done = programs.run([interpreter.python, "-c", _LISTING], cwd=room, env=env, tell=lines.append, limit_s=60)
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    if done.code or "" not in found:
        raise UnavailableError(f"the environment does not start: {_last(done)}")
    return found.pop(""), {normalised(name): version for name, version in found.items()}


def builders_environment() -> dict[str, str]:
    """The user's own, for installers (indexes, proxies, caches), without what would bend a Python."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_DROPPED)}


def _install_project(maker: _Pip, target: Path, clone: Path, project: str) -> tuple[str, ...]:
    """Install the clone's own project; one that does not build is put on the path as it lies there."""
    try:
        maker.install(target, ["--no-deps", "--editable", str(clone)], f"{project} from the clone")
    except UnavailableError:
        (_site(target) / "clone.pth").write_text(f"{_sources(clone)}\n")
        return (f"{project} does not build at that commit: its sources are on the path, without metadata and scripts",)
    return ()


class _Pip:
    """venv and pip of the running interpreter: slower, and only for its own version of Python."""

    def __init__(self, room: Path, tell: Tell) -> None:
        self.room = room
        self.tell = tell

    def create(self, target: Path, python: str | None) -> tuple[str, ...]:
        self.do([sys.executable, "-I", "-m", "venv", str(target)], "a virtual environment")
        return _nearest(python, platform.python_version(), "uv, where it is installed, finds others")

    def requirements(self, lock: bytes, place: Path) -> str:
        """The lock file, which lies at `place` in the clone if it is a file of it, as pip reads it."""
        if place.name == "uv.lock":
            raise UnavailableError("only uv reads a uv.lock", hint="pip install 'modelreg[reproduce]'")
        return _text(lock)

    def install(self, target: Path, args: list[str], what: str) -> None:
        python = str(target / "bin" / "python")
        options = ["--quiet", "--disable-pip-version-check", "--no-input"]
        self.do([python, "-I", "-m", "pip", "install", *options, *args], what)

    def do(self, args: list[str], what: str) -> None:
        done = programs.run(args, cwd=self.room, env=builders_environment(), tell=self.tell)
        if done.code:
            raise UnavailableError(
                f"{what} could not be installed: {_last(done)}",
                hint="is the package index reachable? --env current uses what is installed here, and says what differs",
            )


class _Uv(_Pip):
    """uv at the path `uv`: quick, and any version of Python that it finds or may download."""

    def __init__(self, room: Path, tell: Tell, uv: str) -> None:
        super().__init__(room, tell)
        self.uv = uv

    def create(self, target: Path, python: str | None) -> tuple[str, ...]:
        wanted = [python, ".".join(python.split(".")[:2])] if python else []
        for version in dict.fromkeys((*wanted, platform.python_version())):
            quiet: list[str] = []
            args = [self.uv, "venv", "--quiet", "--python", version, str(target)]
            done = programs.run(args, cwd=self.room, env=builders_environment(), tell=quiet.append)
            if done.code == 0:
                found = _version_of(target)
                return _nearest(python, found, "uv found no nearer one here")
        raise UnavailableError(f"uv makes no virtual environment: {_last(done)}")

    def requirements(self, lock: bytes, place: Path) -> str:
        if place.name != "uv.lock":
            return _text(lock)
        if not place.is_file() or place.read_bytes() != lock:
            raise UnavailableError(
                "a uv.lock is read beside its pyproject.toml, and it does not lie in the commit there"
            )
        lines: list[str] = []
        args = [self.uv, "export", "--quiet", "--frozen", "--no-emit-project", "--all-extras", "--all-groups"]
        done = programs.run(args, cwd=place.parent, env=builders_environment(), tell=lines.append)
        if done.code:
            raise UnavailableError(f"uv does not read {place.name}: {_last(done)}")
        return "".join(f"{line}\n" for line in lines)

    def install(self, target: Path, args: list[str], what: str) -> None:
        python = str(target / "bin" / "python")
        self.do([self.uv, "pip", "install", "--quiet", "--python", python, *args], what)


def _uv() -> str | None:
    """Where uv is: on PATH, or beside the running interpreter, where pip puts it."""
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else None)


def _project(clone: Path) -> str | None:
    """The name of the project whose pyproject.toml is at the top of the clone; None where there is none to install."""
    try:
        body: dict[str, Any] = tomllib.loads((clone / "pyproject.toml").read_text())
        name = body["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def _sources(clone: Path) -> Path:
    return clone / "src" if (clone / "src").is_dir() else clone


def _site(target: Path) -> Path:
    (site,) = sorted((target / "lib").glob("python*/site-packages"))
    return site


def _text(lock: bytes) -> str:
    try:
        return lock.decode()
    except UnicodeDecodeError:
        raise UnavailableError("the recorded lock is no text that an installer reads") from None


def _nearest(wanted: str | None, found: str, why: str) -> tuple[str, ...]:
    return () if wanted in (None, found) else (f"Python {found} instead of {wanted}: {why}",)


def _version_of(target: Path) -> str:
    for line in (target / "pyvenv.cfg").read_text().splitlines():
        key, _, value = line.partition("=")
        if key.strip() in ("version_info", "version"):
            return value.strip()
    return "?"


def _own_folder() -> str:
    """The folder that the running modelreg is imported from."""
    return str(Path(__file__).resolve().parents[2])


def _programs(room: Path, python: Path) -> Path:
    """A folder with `python`, `python3` and `modelreg` of the interpreter, for command lines."""
    folder = room / "bin"
    folder.mkdir(exist_ok=True)
    for name, module in (("python", ""), ("python3", ""), ("modelreg", "-m modelreg ")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{python}" {module}"$@"\n')
        program.chmod(0o755)
    return folder


def _lend(target: Path) -> None:
    """Make the running modelreg importable in the environment at `target`, see `_FINDER`."""
    site = _site(target)
    paths = [_own_folder(), *(part for part in sys.path if part and part != _own_folder())]
    (site / "_modelreg_lent.py").write_text(_FINDER.format(names=sorted(_needed()), paths=paths))
    (site / "modelreg_lent.pth").write_text("import _modelreg_lent\n")


def _needed() -> set[str]:
    """Top-level modules of modelreg and of all that it requires, extras left out."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, requires

    todo, known = ["modelreg"], set[str]()
    while todo:
        name = todo.pop()
        if name in known:
            continue
        known.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        todo += [normalised(_name(line)) for line in lines if "extra ==" not in line and "extra==" not in line]
    modules = {
        module for module, names in packages_distributions().items() if known & {normalised(name) for name in names}
    }
    return {"modelreg"} | modules


def _name(requirement: str) -> str:
    end = next((n for n, c in enumerate(requirement) if not (c.isalnum() or c in "._-")), len(requirement))
    return requirement[:end]


def _last(done: Ran) -> str:
    lines = [line.strip() for line in done.tail if line.strip()]
    return "; ".join(lines[-3:])[:600] or f"exit code {done.code}"
