"""MLflow as a view of the files on disk."""
