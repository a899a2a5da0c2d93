"""docs/pictures: the report and MLflow's ranking of this checkout's last run, on a desk and on a phone.

    make pictures

Needs a finished `make repro` and Debian's `chromium`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from pipeline.params.schema.reading import read_section
from pipeline.params.upkeep.tracking import Tracking
from pipeline.tracking.descriptions.comparison import ranked_by
from pipeline.tracking.ranking_page import HERE, share_ranking
from pipeline.tracking.store import open_store

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
REPORT = Path("comparison/report.html")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PATIENCE = 120  # seconds


def main() -> int:
    chromium = shutil.which("chromium")
    if not REPORT.is_file() or chromium is None:
        print(f"pictures need {REPORT} (make repro) and chromium (apt-get install chromium)", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, size, scheme in (("report", DESK, "light"), ("report-phone", PHONE, "dark")):
            _take(browser, REPORT.resolve().as_uri(), name, size, color_scheme=scheme)
        with _mlflow() as address:
            _take(browser, address, "mlflow", {"width": 1440, "height": 900}, wait=10)
        browser.close()
    return 0


def _take(browser: Browser, address: str, name: str, size: Any, wait: float = 0.5, **look: Any) -> None:
    """One picture of what a window of this size shows first."""
    page = browser.new_context(viewport=size, **look).new_page()
    page.goto(address)
    page.wait_for_timeout(wait * 1000)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(f"docs/pictures/{name}.png")


@contextmanager
def _mlflow() -> Iterator[str]:
    """The link to the ranking on a server that runs as long as it is looked at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "mlartifacts"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(
        command + stores, env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, **quiet
    )
    try:
        _wait_for(f"{address}/health")
        store = open_store(read_section("tracking", Tracking).experiment)
        yield share_ranking(store, ranked_by()).replace(HERE, address)
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str) -> None:
    """
    Raises:
        TimeoutError: nobody answers there.
    """
    for _ in range(PATIENCE):
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(1)
    raise TimeoutError(f"{address} does not answer within {PATIENCE} seconds")


if __name__ == "__main__":
    sys.exit(main())
