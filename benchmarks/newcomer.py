"""From a folder to an answer: four data sets as a newcomer has them, with the commands that the README names.

    python -m benchmarks.newcomer                    # photos in folders, photos by CSV, a table, a series
    python -m benchmarks.newcomer --data series      # one of them; its row takes the place of the old
    python -m benchmarks.newcomer --minutes 5        # the time that `start` is given for each

Each begins in a workspace without anything kept: no measured speed, no cache, no kept trial. Backbones' weights are
taken from this checkout where they are here, as a download says nothing of the machine. What is timed: `start`, until
params.yaml stands there; `repro`, until the first ranking stands in comparison/preliminary.html; and until the answer.
The forecast is that of `plan` right before `repro`. Written to benchmarks/results/newcomer.json; `python -m publishing`
writes it into docs/results/newcomer.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from benchmarks.record import record_rows, recorded_rows
from pipeline.ground.files import read_json
from pipeline.operations.workspace import sync_workspace

RESULTS = Path(__file__).parent / "results/newcomer.json"
WORKSPACE = Path("workspaces/benchmark-newcomer")
SHAPES = ("circle", "square", "star", "triangle")
PHOTOS, SIDE = 60, 110  # of each shape, and their pixels a side
ROWS, DAYS = 600, 730
WEIGHTS = Path("data/weights")
POLL = 0.2  # seconds


def draw(shape: str, random: np.random.Generator) -> Image.Image:
    """A shape of some colour, size and place, on a noisy ground."""
    ground = random.integers(60, 200) + random.normal(0, 25, (SIDE, SIDE, 3))
    photo = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    radius = random.integers(SIDE // 8, SIDE // 3)
    x, y = random.integers(radius, SIDE - radius, 2)
    colour, pen = tuple(int(part) for part in random.integers(0, 256, 3)), ImageDraw.Draw(photo)
    if shape == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        return photo
    corners = {"square": 4, "triangle": 3, "star": 10}[shape]
    turns = random.uniform(0, 2 * np.pi) + np.arange(corners) * 2 * np.pi / corners
    reach = np.where(np.arange(corners) % 2, 0.45, 1) if shape == "star" else np.ones(corners)
    pen.polygon(
        [(x + radius * r * np.cos(t), y + radius * r * np.sin(t)) for r, t in zip(reach, turns, strict=True)],
        fill=colour,
    )
    return photo


def photos_in_folders() -> list[str]:
    random = np.random.default_rng(0)
    for shape in SHAPES:
        Path("photos", shape).mkdir(parents=True)
        for number in range(PHOTOS):
            draw(shape, random).save(Path("photos", shape, f"{number}.png"))
    return ["photos"]


def photos_by_csv() -> list[str]:
    """In one folder; five photos of each thing, which stay together."""
    random, rows = np.random.default_rng(1), []
    Path("photos").mkdir()
    for number in range(PHOTOS * len(SHAPES)):
        shape = SHAPES[number // 5 % len(SHAPES)]
        draw(shape, random).save(Path("photos", f"{number}.png"))
        rows.append([f"{number}.png", shape, f"thing-{number // 5}"])
    pd.DataFrame(rows, columns=["file", "shape", "thing"]).to_csv("photos/list.csv", index=False)
    return ["photos", "--labels", "photos/list.csv", "--target", "shape", "--group", "thing"]


def table() -> list[str]:
    """Prices of houses: curved in one column, and some cells empty."""
    random = np.random.default_rng(2)
    area, year, district = random.uniform(30, 200, ROWS), random.integers(1900, 2024, ROWS), random.integers(0, 5, ROWS)
    price = 1500 * area + 80 * (year - 1960) ** 2 / 10 + 20_000 * district + random.normal(0, 15_000, ROWS)
    frame = pd.DataFrame({"area": area.round(1), "year": year, "district": [f"d{one}" for one in district]})
    frame["year"] = frame["year"].astype("float").mask(random.random(ROWS) < 0.05)
    frame["price"] = price.round(0)
    frame.to_csv("houses.csv", index=False)
    return ["houses.csv", "--target", "price"]


def series() -> list[str]:
    """What is sold each day: weeks, a year, growth and noise that depends on the day before."""
    random, days = np.random.default_rng(3), np.arange(DAYS)
    noise = np.zeros(DAYS)
    for day in days[1:]:
        noise[day] = 0.6 * noise[day - 1] + random.normal(0, 4)
    sold = 200 + 0.1 * days + 20 * np.sin(2 * np.pi * days / 7) + 30 * np.sin(2 * np.pi * days / 365) + noise
    dates = pd.date_range("2023-01-01", periods=DAYS).strftime("%Y-%m-%d")
    pd.DataFrame({"day": dates, "sold": sold.round(1)}).to_csv("sold.csv", index=False)
    return ["sold.csv", "--target", "sold"]


DATA: dict[str, Callable[[], list[str]]] = {
    "photos in folders": photos_in_folders,
    "photos by CSV": photos_by_csv,
    "table": table,
    "series": series,
}


def main() -> None:
    options = parse(sys.argv[1:])
    root = Path.cwd()
    for name in options.data:
        row = walk(root, name, options.minutes)
        rows = {one["data"]: one for one in (recorded_rows(RESULTS) if RESULTS.is_file() else [])} | {name: row}
        record_rows(RESULTS, (rows[one] for one in DATA if one in rows))
        print(json.dumps(row, indent=2), flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=list(DATA))
    parser.add_argument("--minutes", type=float, default=5)
    return parser.parse_args(arguments)


def walk(root: Path, name: str, minutes: float) -> dict[str, Any]:
    workspace = root / WORKSPACE / name.replace(" ", "-")
    shutil.rmtree(workspace, ignore_errors=True)
    sync_workspace(root, workspace)
    shutil.copy(root / "params.yaml", workspace)
    if (root / WEIGHTS).is_dir():
        (workspace / "data").mkdir(exist_ok=True)
        shutil.copytree(root / WEIGHTS, workspace / WEIGHTS, copy_function=os.link)
    os.chdir(workspace)
    try:
        start = ["start", *DATA[name](), "--minutes", f"{minutes:g}"]
        started, _ = timed(start)
        _, plan = timed(["plan", "--json"])
        forecast = json.loads(plan)["total"]
        first, ended = follow(["repro"])
        verdict = read_json(Path("comparison/verdict.json"))
    finally:
        os.chdir(root)
    return {
        "data": name,
        "commands": [f"python -m pipeline {' '.join(start)}", "python -m pipeline repro"],
        "load": round(os.getloadavg()[0], 1),
        "start_seconds": round(started, 1),
        "forecast": {key: forecast[key] for key in ("seconds", "low", "high")},
        "first_ranking_seconds": round(first, 1),
        "answer_seconds": round(ended, 1),
        "answer": verdict["summary"][0],
    }


def timed(arguments: list[str]) -> tuple[float, str]:
    """Seconds, and what it printed."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pipeline", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"python -m pipeline {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return time.monotonic() - begun, done.stdout


def follow(arguments: list[str]) -> tuple[float, float]:
    """Seconds until the first ranking stands there, and until the end."""
    begun, first, page = time.monotonic(), None, Path("comparison/preliminary.html")
    with open("repro.log", "w", encoding="utf-8") as log:
        child = subprocess.Popen([sys.executable, "-m", "pipeline", *arguments], stdout=log, stderr=log)
        while child.poll() is None:
            if first is None and page.is_file():
                first = time.monotonic() - begun
            time.sleep(POLL)
    ended = time.monotonic() - begun
    if child.returncode:
        sys.exit(Path("repro.log").read_text(encoding="utf-8")[-4000:])
    return first or ended, ended


if __name__ == "__main__":
    main()
