"""MLflow's model registry on a modelreg registry: `mlflow.set_registry_uri("modelreg:///path/to/repository")`.

MLflow finds the store by the entry point group `mlflow.model_registry_store`; nothing else of modelreg imports this.
"""
