"""F03: many promoters race from many clones. Every promotion lands, once, judged on the base that it lands on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.large import make

from tests.cli.runner import done
from tests.support import Repo

CLONES, EACH = 6, 2  # 8 × 25 take minutes: `python -m benchmarks --only races`
MODELS = ("model-00005", "model-00006")
PROMOTER = """\
import sys
from modelreg import Registry
registry = Registry(sys.argv[1])
for address in sys.argv[2:]:
    registry.get(address).set_stage("staging", push=True)
"""


@pytest.fixture
def server(tmp_path: Path) -> Repo:
    return Repo(make(tmp_path / "registry", 100)).bare(tmp_path / "server.git")


def test_F03_every_promotion_lands_once(server: Repo, tmp_path: Path) -> None:
    """Half of the clones promote versions of one model, half of another: records of a model must not meet either."""
    clones = [server.clone(tmp_path / f"clone-{n}") for n in range(CLONES)]
    shares = [[f"{MODELS[n % 2]}@1.{n // 2 * EACH + turn}.0" for turn in range(EACH)] for n in range(CLONES)]
    running = [
        subprocess.Popen([sys.executable, "-c", PROMOTER, clone.path, *share], stderr=subprocess.PIPE, text=True)
        for clone, share in zip(clones, shares, strict=True)
    ]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * CLONES, said
    last = server.clone(tmp_path / "last")
    for model in MODELS:
        records = sorted(path.name for path in (last.path / "registry" / model / "transitions").iterdir())
        assert records == [f"{number + 1:04d}.yaml" for number in range(CLONES // 2 * EACH)]
        stages = done("stage", "list", model, "--json", registry=last.path).json("stage-list")["stages"]
        assert sorted(stages["staging"]) == [f"1.{number}.0" for number in range(CLONES // 2 * EACH)]
    assert server.git("rev-list", "--count", "main") == str(1 + 100 + CLONES * EACH)
    assert len(server.git("tag", "--list", "*#staging#*").split()) == CLONES * EACH
    assert done("verify", "--offline", "--json", registry=last.path).json("verify")["findings"] == []
