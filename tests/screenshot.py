"""The picture of MLflow's web interface on a git registry that docs/mlflow-server.md shows.

python -m tests.screenshot docs/mlflow-ui.png
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.cli.runner import done
from tests.conftest import isolated_environment
from tests.mlflow_browser import in_a_browser, train
from tests.mlflow_server import environment, mlflow_server
from tests.support import Repo


def main(target: str) -> None:
    path = Path(target).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home = folder / "home"
        home.mkdir()
        os.environ.update(isolated_environment(home, folder))
        repo = Repo.init(folder / "models")
        done("init", registry=repo.path)
        runs, artifacts, models = f"sqlite:///{folder}/runs.db", folder / "artifacts", f"modelreg://{repo.path}"
        with mlflow_server(runs, artifacts, models, **environment(folder)) as url:
            train(url, folder)
            for stage in ("staging", "production"):
                done("stage", "set", "wine-classifier", "1.0.0", stage, registry=repo.path)
            done("alias", "set", "wine-classifier", "champion", "1.0.0", registry=repo.path)
            with in_a_browser(url) as registry:
                registry.open_models()
                registry.open_version("Wine Classifier", 1)
                registry.page.get_by_text("modelreg.version").wait_for()
                registry.picture(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
