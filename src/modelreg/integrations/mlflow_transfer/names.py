"""What models and aliases are called on either side: as the store for MLflow calls them, so that all three agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from modelreg.domain.names import Alias, ModelName
from modelreg.integrations.mlflow.naming import Named, alias_for, folder_for, shown


class MlflowNames:
    """Implements `Naming`."""

    def folder(self, name: str, models: Mapping[ModelName, str | None]) -> ModelName:
        return shown(_named(models)).get(name) or folder_for(name, models)

    def there(self, models: Mapping[ModelName, str | None]) -> Mapping[ModelName, str]:
        return {folder: name for name, folder in shown(_named(models)).items()}

    def alias(self, name: str, names: Mapping[str, str], taken: Collection[str]) -> Alias:
        return alias_for(name, names, taken)


def _named(models: Mapping[ModelName, str | None]) -> list[Named]:
    return [Named(folder, name) for folder, name in models.items()]
