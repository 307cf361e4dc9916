"""The run of an experiment tracker that goes on now, as its module in this process or its variables tell."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from modelreg.adapters.provenance.code import without_credentials


def run(environ: Mapping[str, str]) -> dict[str, str]:
    """lineage.run: tracker, id and url as far as they are known; empty where no run goes on. Imports no tracker."""
    return _mlflow(environ) or _wandb(environ) or _dvclive(environ) or {}


def _mlflow(environ: Mapping[str, str]) -> dict[str, str] | None:
    module, uri, experiment = sys.modules.get("mlflow"), environ.get("MLFLOW_TRACKING_URI"), None
    identity = environ.get("MLFLOW_RUN_ID")
    active = _called(module, "active_run")
    if active is not None:
        info = getattr(active, "info", None)
        identity = getattr(info, "run_id", None) or identity
        experiment = getattr(info, "experiment_id", None)
        uri = _called(module, "get_tracking_uri") or uri
    url = f"{str(uri).rstrip('/')}/#/experiments/{experiment}/runs/{identity}" if uri and experiment else None
    return _body("mlflow", identity, url)


def _wandb(environ: Mapping[str, str]) -> dict[str, str] | None:
    active = getattr(sys.modules.get("wandb"), "run", None)
    return _body("wandb", getattr(active, "id", None) or environ.get("WANDB_RUN_ID"), getattr(active, "url", None))


def _dvclive(environ: Mapping[str, str]) -> dict[str, str] | None:
    found = _body("dvclive", environ.get("DVC_EXP_NAME") or environ.get("DVC_EXP_BASELINE_REV"), None)
    return found or ({"tracker": "dvclive"} if sys.modules.get("dvclive") is not None else None)


def _called(module: Any, name: str) -> Any:
    try:
        return getattr(module, name)() if module is not None else None
    except Exception:  # noqa: BLE001 - a tracker's trouble must not be that of the registration
        return None


def _body(tracker: str, identity: Any, url: Any) -> dict[str, str] | None:
    if not isinstance(identity, str) or not re.fullmatch(r"[\x21-\x7e]{1,200}", identity):
        return None
    body = {"tracker": tracker, "id": identity}
    if isinstance(url, str) and re.fullmatch(r"https?://[\x21-\x7e]{1,900}", url):
        body["url"] = without_credentials(url).partition("?")[0]
    return body
