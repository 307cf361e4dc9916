"""A08: a pull request that changes the workflows, the action or the package is judged by those of the base."""

from __future__ import annotations

from modelreg.domain.gate_report import GateReport
from tests.integrations.forge import TOKEN, Forge
from tests.unit.reports.samples import UNMET
from tests.unit.reports.samples import change as changed
from tests.workflows.act import Runner
from tests.workflows.test_comment import forge, judging, run_event, runner, written

__all__ = ["forge", "runner"]


def test_a_pull_request_that_rewrites_the_gate_is_judged_all_the_same(runner: Runner, forge: Forge) -> None:
    evil = "name: gate\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: touch $TEST_SERVER/PWNED\n"
    files = dict.fromkeys(("action.yml", ".github/workflows/gate.yml", ".github/workflows/comment.yml"), evil)
    files |= {
        "pyproject.toml": "[build-system]\n",
        "modelreg.py": "raise SystemExit(0)\n",
        "pip.py": "raise SystemExit(0)\n",
    }
    event = run_event(runner, forge, files)
    judging(runner, GateReport("a" * 40, event["workflow_run"]["head_sha"], (changed(UNMET),), ()), 1)
    ran = runner.act("comment", "workflow_run", event, "--secret", f"GITHUB_TOKEN={TOKEN}")
    assert ran.ok, ran.log
    assert written(forge)[0][1]["state"] == "failure"
    assert not (runner.server.path / "PWNED").exists()
    installs = (runner.folder / "pip").read_text().splitlines()
    assert {line.split()[0] for line in installs} == {runner.server.rev("main")}
