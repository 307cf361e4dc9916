"""MLflow's model registry store on a modelreg registry: what SqlAlchemyStore does, in its words, with its error codes.

Every write is one commit on the protected branch, judged by the policy. What differs from a database, and why, is in
docs/mlflow.md. Prompts are models and versions with tags, which the abstract store sees to.
"""

from __future__ import annotations

from typing import Any, NoReturn

from mlflow.entities.webhook import Webhook, WebhookEvent
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import NOT_IMPLEMENTED
from mlflow.store.entities.paged_list import PagedList

from modelreg.integrations.mlflow.versions import ModelVersions


class ModelregStore(ModelVersions):
    """The whole store. Webhooks are the one thing that it does not keep: the policy's notifications, and the forge's
    own hooks on pushes, tell of landings."""

    def list_webhooks(self, max_results: int | None = None, page_token: str | None = None) -> PagedList[Webhook]:  # noqa: ARG002
        """None: there are none."""
        return PagedList([], None)

    def list_webhooks_by_event(
        self,
        event: WebhookEvent,  # noqa: ARG002
        max_results: int | None = None,  # noqa: ARG002
        page_token: str | None = None,  # noqa: ARG002
    ) -> PagedList[Webhook]:
        """None: MLflow's server asks this after every write."""
        return PagedList([], None)

    def create_webhook(self, *_: Any, **__: Any) -> NoReturn:
        _no_webhooks()

    def get_webhook(self, *_: Any, **__: Any) -> NoReturn:
        _no_webhooks()

    def update_webhook(self, *_: Any, **__: Any) -> NoReturn:
        _no_webhooks()

    def delete_webhook(self, *_: Any, **__: Any) -> NoReturn:
        _no_webhooks()

    def test_webhook(self, *_: Any, **__: Any) -> NoReturn:
        _no_webhooks()


def _no_webhooks() -> NoReturn:
    raise MlflowException(
        "A registry in git keeps no webhooks: hang on the pushes of its repository (docs/mlflow.md)", NOT_IMPLEMENTED
    )
