"""docs/formats.md: its sessions and its Python are run, one after the other, in one registry."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import done
from tests.integrations.material import save_onnx, save_tensors
from tests.support import Repo
from tests.test_docs import TOP, play, sessions

pytest.importorskip("onnxruntime")
pytest.importorskip("polars")

PAGE = (TOP / "docs" / "formats.md").read_text()
CODE = dict(re.findall(r"<!-- python: ([a-z]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


@pytest.mark.filterwarnings("ignore::FutureWarning:sklearn", "ignore::DeprecationWarning:skops")
def test_the_page_of_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo.init(tmp_path / "repo")
    done("init", "--policy", "open", registry=repo.path)
    save_onnx(repo.path / "model.onnx", external="weights.bin")
    (repo.path / "rows.csv").write_text("a,b,c\n1,2,3\n4,5,6\n")
    (repo.path / "digits.pt").write_bytes(b"weights")
    save_tensors(repo.path / "lora" / "adapter_model.safetensors")
    adapter = {"peft_type": "LORA", "base_model_name_or_path": "example/base-7b"}
    (repo.path / "lora" / "adapter_config.json").write_text(json.dumps(adapter))
    monkeypatch.chdir(repo.path)
    names: dict[str, Any] = {}
    play(sessions(PAGE)["an onnx model"], repo.path)
    play(sessions(PAGE)["later"], repo.path)
    for name in ("load", "signature", "estimator"):
        exec(compile(CODE[name], f"docs/formats.md ({name})", "exec"), names)
    assert names["session"].get_inputs()[0].name == "x"
    assert names["version"].manifest.body["feature_importance"]["values"]["tenure"] > 0
    assert list((repo.path / "registry/linear/1.0.0/evidence").glob("benchmark-*.yaml"))
    assert set(CODE) == {"load", "signature", "estimator"}
    assert set(sessions(PAGE)) == {"an onnx model", "later"}
