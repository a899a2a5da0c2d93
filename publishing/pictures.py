"""docs/pictures: the report and MLflow's ranking of this checkout's last run, on a desk and on a phone.

    make pictures

Needs a finished `make repro` and Debian's `chromium`. Where `study image_size` ran too, its figure is taken anew.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from pipeline.params.schema.reading import read_section
from pipeline.params.upkeep.tracking import Tracking
from pipeline.tracking.descriptions.comparison import ranked_by
from pipeline.tracking.ranking_page import HERE, share_ranking
from pipeline.tracking.store import open_store
from publishing.measurements import photo_sizes
from publishing.paths import DOCS

PICTURES = DOCS / "pictures"
REPORT = Path("comparison/report.html")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
WIDE_DESK, PHONE_SIDEWAYS = {"width": 1440, "height": 900}, {"width": 844, "height": 390}  # MLflow needs the width
IN_THE_WAY = ("Close", "Hide banner")  # buttons of MLflow's panel for an assistant, and of what it says of shared views
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
            _take(browser, address, "mlflow", WIDE_DESK, wait=10, pressed=IN_THE_WAY)
            pressed = (*IN_THE_WAY, "Toggle sidebar")
            _take(browser, address, "mlflow-phone", PHONE_SIDEWAYS, wait=10, pressed=pressed)
        browser.close()
    if photo_sizes.REPORT.is_file():
        photo_sizes.take_picture(chromium)
        print(f"docs/pictures/{photo_sizes.PICTURE.name}")
    else:
        print(f"docs/pictures/{photo_sizes.PICTURE.name} stays as it is (python -m pipeline study image_size makes it)")
    return 0


def _take(
    browser: Browser,
    address: str,
    name: str,
    size: Any,
    wait: float = 0.5,
    pressed: Sequence[str] = (),
    **look: Any,
) -> None:
    """One picture of what a window of this size shows first.

    Args:
        wait: seconds until it is there.
        pressed: names of buttons that are pressed before.
    """
    page = browser.new_context(viewport=size, **look).new_page()
    page.goto(address)
    page.wait_for_timeout(wait * 1000)
    for button in pressed:
        page.get_by_role("button", name=button, exact=True).first.click()
    page.wait_for_timeout(1000 if pressed else 0)
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
