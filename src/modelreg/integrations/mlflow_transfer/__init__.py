"""MLflow's registries, read and written through MLflow's own client (the extra `mlflow`)."""
