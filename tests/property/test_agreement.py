"""After any sequence of steps, gto, DVC and modelreg name the same version for every announced stage."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dvc.api
import gto.api
import pytest
from dvc.exceptions import ArtifactNotFoundError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelreg.domain.finding import failed
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, NotFoundError
from modelreg.registry.listing import stage_get
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.registry.stage import set_stage
from modelreg.registry.validate import validate
from modelreg.registry.verify import verify
from modelreg.registry.withdraw import withdraw
from modelreg.registry.workspace import Workspace
from modelreg.wiring import init, open_workspace
from tests.cli.runner import modelreg
from tests.support import Repo

MODELS = (ModelName("churn"), ModelName("price-eu"))
STAGES = ("development", "staging", "production", "archived")
ANNOUNCED = ("staging", "production")

Step = tuple[str, int, int, str]
# Versions are named by place: 0 the oldest; an odd one makes what is registered a pre-release. Moves outnumber withdrawals, so that stages fill up.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("move", "move", "move", "move", "register", "withdraw")),
        st.sampled_from((0, 0, 1)),
        st.integers(0, 3),
        st.sampled_from((*STAGES, "staging", "production")),
    ),
    min_size=6,
    max_size=10,
)


class Ticking:
    """A clock: a step ahead, or (`standing`) now and then the same second again."""

    def __init__(self) -> None:
        self.now, self.calls = int(time.time()), 0  # init lands by the real clock

    def __call__(self) -> int:
        self.calls += 1
        self.now += self.calls % 3
        return self.now


def _open(path: Path, clock: Callable[[], int]) -> Workspace:
    return dataclasses.replace(open_workspace(path), clock=clock)


def _register(workspace: Workspace, model: ModelName, folder: Path, text: str, pre: str | None = None) -> None:
    source = folder / "model.json"
    source.write_text(text)
    register(workspace, Request(model=model, sources=[Source(source)], pre=pre))


def _perform(workspace: Workspace, step: Step, folder: Path, number: int) -> None:
    kind, which, place, stage = step
    model = MODELS[which]
    versions = workspace.snapshot().versions(model)
    version: Version = sorted(versions)[place % len(versions)]
    before = workspace.tip()
    if kind == "register":
        _register(workspace, model, folder, f"{model} {number}", "rc" if place % 2 else None)
        return
    if kind == "withdraw":
        withdraw(workspace, model, version, reason="no")
    elif version in workspace.snapshot().withdrawn(model):
        with pytest.raises(DeniedError):
            set_stage(workspace, model, version, Stage(stage))
        assert workspace.tip() == before
    else:
        set_stage(workspace, model, version, Stage(stage))


def _gto(path: Path, model: str, stage: str) -> str | None:
    shown = gto.api.show(str(path), f"{model}#{stage}")
    assert len(shown) <= 1
    return str(shown[0]["version"]).removeprefix("v") if shown else None


def _dvc(path: Path, model: str, stage: str) -> str | None:
    try:
        found = dvc.api.artifacts_show(model, repo=str(path), stage=stage)
    except ArtifactNotFoundError:
        return None
    _, name, version, _ = Path(found["path"]).parts
    assert name == model
    return version


def _agree(workspace: Workspace, path: Path) -> None:
    for model in MODELS:
        for stage in ANNOUNCED:
            try:
                answer = stage_get(workspace.snapshot(), model, Stage(stage)).versions
            except NotFoundError:
                answer = ()
            mine = str(answer[0]) if answer else None
            assert _gto(path, model, stage) == mine, (model, stage)
            if mine is not None:  # DVC goes on serving the last version of a stage that is empty now
                assert _dvc(path, model, stage) == mine, (model, stage)
    done = validate(workspace)
    assert not failed(done.findings), done.findings


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(steps=STEPS)
def test_gto_dvc_and_modelreg_agree(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        repo = Repo.init(base / "repo")
        repo.commit("first", {"README.md": "hello\n"})
        init(repo.path, policy="open", remote=None, embedded=True)
        clock = Ticking()
        workspace = _open(repo.path, clock)
        for model in MODELS:
            for number in range(2):
                _register(workspace, model, base, f"{model} begin {number}")
        for number, step in enumerate(steps):
            _perform(workspace, step, base, number)
            if number % 4 == 3:
                _agree(workspace, repo.path)
        _agree(workspace, repo.path)
        checked = verify(workspace)
        assert checked.findings == ()
        for model in MODELS:
            for stage in ANNOUNCED:
                result = modelreg("stage", "get", model, stage, registry=repo.path)
                lines = result.out.splitlines()
                assert (lines[0] if lines else None) == _gto(repo.path, model, stage)
        assert repo.state().strip() == ""
