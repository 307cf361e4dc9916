"""`modelreg demo`: the main job as a story, in a temporary repository. It runs the commands that it prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from modelreg.cli.output import note, result

FLOOR = """gates:
  - stage: production
    require:
      metrics: {accuracy: {min: 0.8}}
"""

PREDICT = """\
import pandas as pd

from modelreg import Registry

model = Registry(".")["churn_predictor"].stage("production").load()
row = pd.DataFrame([{"tenure_months": 3, "monthly_charge": 92.5, "support_calls": 4, "monthly_plan": 1}])
print("churns" if model.predict(row)[0] else "stays", model.predict_proba(row)[0].round(3).tolist())
"""


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Make the repository here and keep it.")
    ] = None,
) -> None:
    """Init, train, register, validate, be refused, promote, roll back, pull, predict: offline, in a new repository."""
    import tempfile

    from modelreg.errors import ConflictError, UnavailableError

    if not _has_sklearn():
        raise UnavailableError("the demo trains with scikit-learn", hint="pip install 'modelreg[sklearn]'")
    if keep is not None and keep.exists():
        raise ConflictError(f"{keep} exists; nothing is overwritten", hint="name a folder that is not there yet")
    folder = keep or Path(tempfile.mkdtemp(prefix="modelreg-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot be made a folder: {error.strerror}", file=str(folder)) from error
    _Story(folder.resolve()).tell()


def _has_sklearn() -> bool:
    from importlib.util import find_spec

    return all(find_spec(name) is not None for name in ("sklearn", "skops", "pandas"))


class _Story:
    """Runs commands in one folder, showing each as a user would type it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        identity = {"GIT_AUTHOR_NAME": "Demo", "GIT_AUTHOR_EMAIL": "demo@example.org"}
        identity |= {"GIT_COMMITTER_NAME": "Demo", "GIT_COMMITTER_EMAIL": "demo@example.org"}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "MODELREG_"))}
        self.environment = kept | identity | {"COLUMNS": "100", "PYTHONUNBUFFERED": "1"}

    def tell(self) -> None:
        result(f"A model registry in a git repository: {self.folder}")
        self.chapter("A git repository becomes a registry; artifacts go into git here, to S3 or a folder elsewhere.")
        self.run("git init --quiet --initial-branch=main .")
        self.run("modelreg init --embedded")
        (self.folder / "train.py").write_bytes(Path(__file__).with_name("demo_train.py").read_bytes())
        self.run("git add train.py")
        self.run("git commit --quiet --message 'Add the training script'")
        self.chapter("Three models are trained and registered: one commit each, with metrics, signature and lineage.")
        for estimator in ("logistic", "stump", "forest"):
            self.run(f"python train.py {estimator}")
        self.run("modelreg list")
        self.run("modelreg show churn_predictor@1.2.0")
        self._break_and_mend()
        self._promote()
        self.chapter("Who did what, and does the record hold?")
        self.run("modelreg history churn_predictor")
        self.run("modelreg verify --content")
        self.chapter("A service pulls what is in production, checked byte for byte, and predicts with it.")
        self.run("modelreg pull churn_predictor#production --to serving")
        (self.folder / "predict.py").write_text(PREDICT)
        for line in PREDICT.splitlines():
            result(f"  | {line}")
        self.run("python predict.py")
        result("")
        result(f"That was real: look around with `cd {self.folder} && modelreg list && git log --stat`.")
        note("next: modelreg init in a repository of yours")

    def _break_and_mend(self) -> None:
        self.chapter("Every document is checked. Somebody edits a manifest by hand:")
        manifest = self.folder / "registry/churn_predictor/1.2.0/manifest.yaml"
        text = manifest.read_text()
        manifest.write_text(text.replace("value: 0.", "value: about 0.", 1))
        self.run("modelreg validate", expected=1)
        self.run("git checkout --quiet -- registry")
        self.run("modelreg validate")

    def _promote(self) -> None:
        self.chapter("Production asks for a floor of 0.8 in accuracy: a gate in model.yaml.")
        self._append("registry/churn_predictor/model.yaml", FLOOR)
        self.run("git diff -U0 -- registry")
        self.run("git commit --quiet --all --message 'Ask for an accuracy of 0.8 in production'")
        for version in ("1.0.0", "1.1.0"):
            self.run(f"modelreg stage set churn_predictor {version} staging")
        self.run("modelreg stage set churn_predictor 1.0.0 production --reason 'first release'")
        self.chapter("The stump is not good enough. The gate says so, and nothing changes.")
        self.run("modelreg stage set churn_predictor 1.1.0 production", expected=1)
        self.chapter("The forest is. It is proposed: a branch with one commit, for a pull request; the gate judges it.")
        self.run("modelreg stage set churn_predictor 1.2.0 staging")
        self.run("modelreg propose churn_predictor 1.2.0 production --reason 'better in every metric'")
        self.run("modelreg gate --base main --head promote/churn_predictor/1.2.0/production")
        self.run("git merge --quiet --ff-only promote/churn_predictor/1.2.0/production")
        self.run("modelreg announce")
        self.run("modelreg stage list churn_predictor")
        self.chapter("Live accuracy falls. The version before it is brought back: one more record, nothing is undone.")
        self.run("modelreg rollback churn_predictor --cause 'live accuracy fell to 0.71'")

    def chapter(self, text: str) -> None:
        result("")
        result(f"# {text}")

    def run(self, command: str, expected: int = 0) -> None:
        """Show and run one command. Raises UnavailableError where it does not end as the story goes."""
        import shlex
        import subprocess

        from modelreg.errors import UnavailableError

        result(f"$ {command}")
        words = shlex.split(command)
        real = {"modelreg": [sys.executable, "-m", "modelreg"], "python": [sys.executable]}.get(words[0], [words[0]])
        sys.stdout.flush()
        output = subprocess.run(
            [*real, *words[1:]],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        for line in output.stdout.splitlines():
            result(f"  {line.rstrip()}")
        if output.returncode != expected:
            raise UnavailableError(
                f"`{words[0]} {words[1]}` ended with {output.returncode}, and the story wants {expected}",
                hint=f"the repository is still there: {self.folder}",
            )

    def _append(self, path: str, text: str) -> None:
        with (self.folder / path).open("a") as file:
            file.write(text)
