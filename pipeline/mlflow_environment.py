"""What MLflow finds in the environment when it is imported: it sends nothing to anybody and gives up soon."""

from __future__ import annotations

import os

# A server that does not answer is given up within a minute: its runs can always be written again from the files.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it would print the server's URL at the end of every run
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}


def set_mlflow_environment() -> None:
    """Set every variable of ENVIRONMENT that the caller's environment does not set itself."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
