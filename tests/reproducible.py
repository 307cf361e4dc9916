"""A small registry whose model can be made again: a script, a dependency in a wheel, committed, DVC's and outside data.

The script records its lineage itself, so that tests decide what a manifest says.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.wiring import open_workspace
from tests.cli.runner import Result, done, modelreg
from tests.support import Repo

SRC = Path(__file__).parents[1] / "src"
MODEL = "tiny"

TRAIN = '''\
"""A model of nothing: bytes that depend on data, depth, seed and the version of a package."""
import argparse, hashlib, json, os, platform, random, subprocess, sys
from importlib.metadata import version as installed
from pathlib import Path

import tinymodel

parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
parser.add_argument("--seed", type=int, default=7)
parser.add_argument("--fail", action="store_true")
parser.add_argument("--only-files", action="store_true")
parser.add_argument("--dirty", action="store_true")
parser.add_argument("--no-packages", action="store_true")
parser.add_argument("--stage")
asked = parser.parse_args()
params = json.loads(Path("params.json").read_text())
depth = asked.depth or params["depth"]
paths = [Path(path) for path in params["data"]]
print("training", flush=True)
if asked.fail:
    print("no such estimator", file=sys.stderr)
    sys.exit(3)
rows = [line for path in paths for line in path.read_text().splitlines()]
random.seed(asked.seed)
weights = [random.random() for _ in range(depth)]
model = json.dumps([tinymodel.fit(rows), weights]).encode()
Path("out").mkdir(exist_ok=True)
Path("out/model.bin").write_bytes(model)
if asked.only_files:
    sys.exit(0)


def entry(path):
    data = path.read_bytes()
    where = str(path) if not path.is_absolute() else None
    body = {"name": path.stem, "role": "train", "size_bytes": len(data), "rows": len(data.splitlines()) - 1, "columns": 2}
    body |= {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
    return body | ({"path": where} if where else {})


def git(*args):
    return subprocess.run(["git", *args], capture_output=True, text=True, check=True).stdout.strip()


from modelreg.domain.names import ModelName
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.wiring import open_workspace

lock = Path("requirements.txt")
environment = {"python": platform.python_version(), "packages": {"tinymodel": installed("tinymodel")}}
if asked.no_packages:
    del environment["packages"]
environment["lock"] = {"path": lock.name, "sha256": hashlib.sha256(lock.read_bytes()).hexdigest()}
words = [word for word in sys.argv[1:] if word not in ("--dirty", "--no-packages")]
lineage = {
    "code": {"commit": git("rev-parse", "HEAD"), "tree": git("rev-parse", "HEAD^{tree}"), "dirty": asked.dirty},
    "data": [entry(path) for path in paths],
    "environment": environment,
    "pipeline": {"command": " ".join(["python", "train.py", *words]), "seeds": {"random": asked.seed}},
}
if asked.stage:
    lineage["pipeline"] = {"file": "dvc.yaml", "stage": asked.stage}
facts = {"params": {"depth": depth}, "lineage": lineage}
metrics = {"f1": {"value": sum(weights) / len(weights), "direction": "higher"}}
done = register(open_workspace(Path()), Request(ModelName("tiny"), [Source(Path("out/model.bin"))], metrics, facts))
print("registered", done.version)
'''

CUSTOMERS = "id,churned\n" + "".join(f"{n},{n % 2}\n" for n in range(20))
REGIONS = "id,region\n" + "".join(f"{n},{n % 3}\n" for n in range(9))


def wheel(folder: Path, version: str) -> Path:
    """A wheel of `tinymodel` whose `fit` gives another result in each version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"tinymodel-{version}-py3-none-any.whl"
    info = f"tinymodel-{version}.dist-info"
    code = f"def fit(rows):\n    return [len(rows), sum(map(len, rows)), {version!r}]\n"
    files = {
        "tinymodel/__init__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinymodel\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_record(text)},{len(text)}\n" for name, text in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return path


def _record(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Lab:
    """`repo` with `tiny` registered as 1.0.0; `room` holds its remote, the wheels, and data outside of it."""

    room: Path
    repo: Repo

    def copy(self, path: Path) -> Lab:
        """With a clone of its own, and version 1.0 of the dependency; remote and wheels are shared, and never written."""
        mine = Lab(self.room, self.repo.copy(path))
        mine.use("1.0")
        return mine

    @property
    def outside(self) -> Path:
        return self.room / "outside.csv"

    def site(self, version: str) -> Path:
        """A folder for PYTHONPATH in which a version of the dependency is installed."""
        target = self.room / f"site-{version}"
        if not target.exists():
            with zipfile.ZipFile(wheel(self.room / "wheels", version)) as archive:
                archive.extractall(target)
        return target

    def train(self, *words: str, folder: Path | None = None) -> str:
        """Run the script as its author did."""
        path = os.pathsep.join((str(SRC), str(self.site("1.0"))))
        env = os.environ | {"PYTHONPATH": path}
        command = [sys.executable, "train.py", *words]
        ran = subprocess.run(
            command, cwd=folder or self.repo.path, env=env, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def wheels_only(self) -> None:
        """Let installers find the wheels of this room, and nothing else."""
        wheels = str(self.room / "wheels")
        os.environ.update(UV_NO_INDEX="1", UV_FIND_LINKS=wheels, UV_CACHE_DIR=str(self.room / "uv"), UV_OFFLINE="1")
        os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=wheels)

    def use(self, version: str) -> None:
        """Let the running interpreter, and what it starts, have a version of the dependency."""
        os.environ["PYTHONPATH"] = os.pathsep.join((str(SRC), str(self.site(version))))

    def theirs(self) -> str:
        """All that a reproduction must leave as it is: refs, work tree, index, configuration, cache and remote."""
        repo = self.repo
        refs = repo.git("for-each-ref", "--format=%(refname) %(objectname)")
        files = [repo.path / ".git" / "config", *_files(repo.path / ".dvc"), *_files(self.room / "remote")]
        digests = [f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
        return "\n".join((repo.head, refs, repo.state(), *digests))

    def manifest(self, version: str = "1.0.0") -> dict[str, Any]:
        shown = done("show", f"{MODEL}@{version}", "--json", registry=self.repo.path).out
        body: dict[str, Any] = json.loads(shown)
        return body

    def reproduce(self, *words: str, version: str = "1.0.0", where: Path | None = None) -> Result:
        return modelreg("reproduce", f"{MODEL}@{version}", "--yes", *words, registry=where or self.repo.path)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "tmp" not in path.parts)


def make_lab(room: Path) -> Lab:
    """The registry, its remote a folder beside it."""
    lab = _begun(room)
    repo = lab.repo
    lab.outside.write_text("id,weather\n1,rain\n2,sun\n")
    data = ["data/customers.csv", "data/regions.csv", str(lab.outside)]
    repo.commit(
        "code",
        {
            "train.py": TRAIN,
            "params.json": json.dumps({"depth": 3, "data": data}),
            "requirements.txt": _lock(lab),
            "data/customers.csv": CUSTOMERS,
            "data/regions.csv.dvc": _tracked(repo, "data/regions.csv", REGIONS),
            "data/.gitignore": "/regions.csv\n",
            ".gitignore": "/out\n",
        },
    )
    lab.train()
    return lab


PIPELINE = """\
stages:
  prepare:
    cmd: echo preparing && python prepare.py
    deps: [prepare.py]
    outs: [data/rows.csv]
  train:
    cmd: python train.py --stage train
    deps: [train.py, data/rows.csv]
"""
PREPARE = (
    f"from pathlib import Path\nPath('data').mkdir(exist_ok=True)\nPath('data/rows.csv').write_text({CUSTOMERS!r})\n"
)


def make_pipeline(room: Path) -> Lab:
    """A registry whose model comes from stage `train` of a pipeline, on an output of stage `prepare`."""
    lab = _begun(room)
    repo = lab.repo
    _tracked(repo, "data/rows.csv", CUSTOMERS)
    files = {
        "dvc.yaml": PIPELINE,
        "prepare.py": PREPARE,
        "train.py": TRAIN,
        "params.json": json.dumps({"depth": 3, "data": ["data/rows.csv"]}),
        "requirements.txt": _lock(lab),
        "data/.gitignore": "/rows.csv\n",
        ".gitignore": "/out\n",
    }
    repo.commit("code", files)
    lab.train("--stage", "train")
    return lab


def _begun(room: Path) -> Lab:
    lab = Lab(room, Repo.init(room / "repo"))
    for version in ("1.0", "2.0"):
        wheel(room / "wheels", version)
    done("init", "--policy", "open", "--remote", room / "remote", registry=lab.repo.path)
    return lab


def _lock(lab: Lab) -> str:
    made = lab.room / "wheels" / "tinymodel-1.0-py3-none-any.whl"
    return f"tinymodel==1.0 \\\n    --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n"


def _tracked(repo: Repo, path: str, text: str) -> str:
    """Put data into DVC's cache and remote, as `dvc add` and `dvc push` do; the pointer."""
    file = repo.write(path, text)
    store = open_workspace(repo.path).store()
    stored = store.add(file)
    store.push([stored.md5])
    return f'outs:\n- md5: "{stored.md5}"\n  size: {stored.size_bytes}\n  hash: md5\n  path: {file.name}\n'
