"""MLflow's registry on modelreg, beside MLflow's own on sqlite."""
