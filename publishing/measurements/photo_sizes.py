"""docs/results/photo-sizes.md: what more pixels brought and cost, where `study image_size` measured it.

    python -m pipeline study image_size
    python -m publishing.measurements.photo_sizes    # takes its findings into benchmarks/results, and a picture of them

The picture needs Debian's `chromium`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.comparison.tables.frames import records
from pipeline.formats import duration, percent, percent_range, points, points_range
from pipeline.ground.files import read_json, write_json
from pipeline.operations.studying.size_page import sentences
from pipeline.operations.workspace import WORKSPACES
from publishing.markdown import table
from publishing.paths import DOCS, RESULTS
from publishing.results import circumstances
from publishing.runs import collect

MEASURED = RESULTS / "photo_sizes.json"
STUDY = WORKSPACES / "image_size"
REPORT = STUDY / "report.html"
PICTURE = DOCS / "pictures/photo-sizes.png"
HEADS = ["candidate", "pixels a side", "test accuracy", "behind its best size", "one training", "one answer"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m publishing.measurements.photo_sizes", description="Keep what the study found."
    )
    parser.add_argument("--note", default="", help="a sentence on how it was measured, such as what else ran")
    note = parser.parse_args(arguments).note
    found, chromium = STUDY / "photo_sizes.csv", shutil.which("chromium")
    if not found.is_file() or chromium is None:
        print(f"needs {found} (python -m pipeline study image_size) and chromium", file=sys.stderr)
        return 1
    rows = pd.read_csv(found)
    write_json(MEASURED, {**_measured_in(STUDY / str(rows["image_size"].max())), "note": note, "rows": records(rows)})
    take_picture(chromium)
    print(f"{MEASURED}\n{PICTURE}")
    return 0


def page() -> str:
    measured = read_json(MEASURED)
    lines = "\n".join(f"- {sentence}" for sentence in sentences(pd.DataFrame(measured["rows"])))
    return f"""# What more pixels bring

`python -m pipeline study image_size` compares photos of several sizes for candidates that are cheap to train: a frozen
backbone under a classical model, and under a head. Each size has the same photos and the same splits. Of the study's
sizes and backbones those of the tables below were measured, on {measured["development"]} photos of
`{measured["source"]}` to learn from and {measured["test"]} to test on:
{measured["circumstances"]}. {measured["note"]}

{lines}

![Test accuracy against the pixels of a photo](../pictures/photo-sizes.png)

{table(HEADS, map(_row, measured["rows"]))}

Accuracies have 95 % intervals. A size is called *worse* where its difference to the candidate's best size is shown,
paired over the same test photos and corrected for the number of sizes. Seconds are of one machine; time grows about
with the square of the side. Your photos may differ: the study runs on the data that `params.yaml` names.
"""


def _measured_in(workspace: Path) -> dict[str, Any]:
    run = collect(workspace)
    return {
        "circumstances": circumstances(run),
        "source": run["source"],
        "development": run["sizes"]["development"],
        "test": run["sizes"]["test"],
    }


def _row(row: Mapping[str, Any]) -> list[str]:
    own = "the best"
    if row["behind_best"] or row["behind_low"] or row["behind_high"]:
        behind = f"{points(row['behind_best'])} ({points_range(row['behind_low'], row['behind_high'])})"
        own = f"{behind}, worse" if row["shown"] else behind
    accuracy = f"{percent(row['test_accuracy'])} ({percent_range(row['low'], row['high'])})"
    answer = f"{row['answer_milliseconds']:.0f} ms"
    return [f"`{row['candidate']}`", str(row["image_size"]), accuracy, own, duration(row["training_seconds"]), answer]


def take_picture(chromium: str) -> None:
    """The first figure of the study's report, as it stands."""
    from playwright.sync_api import sync_playwright

    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = browser.new_context(viewport={"width": 760, "height": 900}, color_scheme="light").new_page()
        view.goto(REPORT.resolve().as_uri())
        view.evaluate("document.querySelectorAll('main > :not(figure:first-of-type)').forEach(one => one.remove())")
        view.locator("main").screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
