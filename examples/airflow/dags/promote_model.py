"""Wait for training, let the registry's gate promote what that brought, and tell of it or say why not.

It calls the program `modelreg` (or the one that MODELREG_PROGRAM names), which needs nothing of Airflow's environment.
MODELREG_REGISTRY says where the registry is, as for every other call.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
from datetime import timedelta
from typing import Any

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import Param, PokeReturnValue, dag, get_current_context, task

log = logging.getLogger(__name__)

DONE, NO, TRY_AGAIN = 0, 1, 5
"""Exit codes of modelreg: the answer is yes, or no; somebody else was quicker."""
POKE_S = float(os.environ.get("MODELREG_POKE_S", "60"))
"""Seconds between two looks into the registry; reading it costs a tenth of one."""
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
NOTIFY = "MODELREG_NOTIFY_"


def modelreg(*arguments: str, tell: bool = False) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of one call. With `tell` it may tell the policy's targets of what it did.

    Raises AirflowException, for another try, where somebody was quicker; AirflowFailException for what no try mends.
    """
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    if not tell:
        env = {name: value for name, value in env.items() if not name.startswith(NOTIFY)}
    program = os.environ.get("MODELREG_PROGRAM", "modelreg")
    done = subprocess.run([program, *arguments, "--json"], env=env, capture_output=True, text=True, check=False)
    if done.stderr:
        log.info("modelreg %s: %s", arguments[0], done.stderr.strip())
    if done.returncode == TRY_AGAIN:
        raise AirflowException(f"modelreg {arguments[0]}: somebody else was quicker")
    if done.returncode not in (DONE, NO) or not done.stdout:
        raise AirflowFailException(f"modelreg {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.returncode, json.loads(done.stdout)


def asked() -> tuple[str, str]:
    """The model and the stage that this run is about."""
    params = get_current_context()["params"]
    return params["model"], params["to"]


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params={
        "model": Param("churn_predictor", type="string"),
        "to": Param("production", type="string"),
    },
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
    doc_md=__doc__,
)
def promote_model() -> None:
    @task.sensor(poke_interval=POKE_S, timeout=6 * 3600, mode="poke")
    def wait_for_training() -> PokeReturnValue:
        """Until the newest version stands elsewhere than in the stage: training has brought something."""
        model, to = asked()
        _, answer = modelreg("list", model)
        newest = next(iter(answer["versions"]), None)
        new = newest is not None and newest["stage"] not in (to, None)
        return PokeReturnValue(is_done=new, xcom_value=newest["version"] if newest and new else None)

    @task
    def promote(newest: str) -> dict[str, Any]:
        """The newest version whose gate is met; nothing is told of it yet, so that telling has tries of its own."""
        model, to = asked()
        log.info("%s has %s, which is not in %s", model, newest, to)
        code, answer = modelreg("promote", model, "--to", to, "--auto")
        return {"code": code, **answer}

    @task.branch
    def what_came_of_it(promotion: dict[str, Any]) -> str:
        if promotion["version"] is not None:
            return "notify"
        return "nothing_new" if promotion["nothing_new"] else "log_refusal"

    @task
    def notify(promotion: dict[str, Any]) -> None:
        """Whom the policy names and this worker has addresses of; a proposal is told by its pull request."""
        change = promotion["change"]
        log.info("%s %s is promoted to %s", promotion["model"], promotion["version"], promotion["to"])
        if change["proposal"] is not None:
            log.info("proposed: %s", change["proposal"]["url"] or change["proposal"]["branch"])
        elif change["commit"] is not None:
            _, answer = modelreg("notify", "--since", f"{change['commit']}^", tell=True)
            for message in answer["messages"]:
                log.info("%s: %s (%s)", message["target"], message["status"], message["title"])

    @task
    def log_refusal(promotion: dict[str, Any]) -> None:
        """Every version that was looked at, and what it lacks."""
        for one in promotion["considered"]:
            log.error("%s %s may not enter %s: %s", promotion["model"], one["version"], promotion["to"], one["reasons"])

    @task
    def nothing_new() -> None:
        log.info("nothing is newer than what serves, but what people took out before")

    promotion = promote(wait_for_training())
    what_came_of_it(promotion) >> [notify(promotion), log_refusal(promotion), nothing_new()]


promote_model()
