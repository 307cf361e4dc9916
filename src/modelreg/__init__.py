"""modelreg: a model registry that lives in a git repository.

    from modelreg import Registry

    registry = Registry(".")
    registry.register("churn_predictor", model=estimator, metrics={"f1": 0.83}, X=X_train)
    registry.load("churn_predictor#production").predict(X)

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from modelreg.errors import ModelregError
    from modelreg.integrations.tabular import infer_signature
    from modelreg.model_version import ModelVersion
    from modelreg.registered_model import RegisteredModel
    from modelreg.sdk import Registry

__all__ = ["ModelVersion", "ModelregError", "RegisteredModel", "Registry", "__version__", "infer_signature"]


def __getattr__(name: str) -> Any:
    if name == "ModelregError":
        from modelreg import errors

        return errors.ModelregError
    if name == "infer_signature":
        from modelreg.integrations import tabular

        return tabular.infer_signature
    if name in ("ModelVersion", "RegisteredModel", "Registry"):
        from modelreg import sdk

        return getattr(sdk, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
