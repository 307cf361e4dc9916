"""MLflow's four stages and the policy's.

None is the policy's initial stage, Staging, Production and Archived are those that the policy calls `staging`,
`production` and `archived`. Any other stage of the policy is shown, and asked for, by its own name.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlflow.entities.model_registry.model_version_stages import (
    ALL_STAGES,
    DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS,
    STAGE_ARCHIVED,
    STAGE_NONE,
    STAGE_PRODUCTION,
    STAGE_STAGING,
    get_canonical_stage,
)
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from modelreg.domain.names import Stage
from modelreg.integrations.mlflow.view import View

ARCHIVED = Stage("archived")
_SHOWN = {Stage("staging"): STAGE_STAGING, Stage("production"): STAGE_PRODUCTION, ARCHIVED: STAGE_ARCHIVED}
_OURS = {shown: stage for stage, shown in _SHOWN.items()}


def shown(view: View, stage: Stage) -> str:
    """What MLflow calls a stage of the policy."""
    return str(STAGE_NONE) if stage == view.initial else _SHOWN.get(stage, str(stage))


def canonical(view: View, stage: str) -> str:
    """MLflow's or the policy's own name of a stage, whatever its case. Raises MlflowException for any other."""
    own = next((name for name in _others(view) if name == stage.lower()), None)
    return own or str(get_canonical_stage(stage))


def ours(view: View, stage: str) -> Stage:
    """The policy's stage. Raises MlflowException for one that MLflow does not know, or the policy."""
    name = canonical(view, stage)
    found = view.initial if name == STAGE_NONE else _OURS.get(name, Stage(name))
    if found not in view.stages:
        raise MlflowException(
            f"The policy of this registry has no stage {found}: its stages are {', '.join(view.stages)}",
            INVALID_PARAMETER_VALUE,
        )
    return found


def wanted(view: View, stages: Iterable[str] | None) -> set[str]:
    """The stages whose latest versions are asked for; all where none is named."""
    named = list(stages or ())
    return {canonical(view, stage) for stage in named} if named else {*ALL_STAGES, *_others(view)}


def check_archiving(view: View, stage: str) -> None:
    """Only what stood in an active stage is archived. Raises MlflowException, in SqlAlchemyStore's words."""
    if canonical(view, stage) not in (*DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS, *_others(view)):
        raise MlflowException(
            f"Model version transition cannot archive existing model versions because '{stage}' is not an Active "
            f"stage. Valid stages are {DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS}"
        )


def _others(view: View) -> list[str]:
    return [str(stage) for stage in view.stages if stage != view.initial and stage not in _SHOWN]
