"""How fast and in how much memory `prepare` reads photos, against a bare loop that only decodes and resizes them.

    python -m benchmarks.prepare 1000 10000 100000
    python -m benchmarks.prepare 1000 10000 100000 --results benchmarks/results/prepare.json

The photos are made here: JPEGs of 300×300 pixels in two classes, all different. Both ways use the same cores, one
process each, which they start in the time that is measured; `prepare` also finds duplicates and near duplicates, draws
the test split and writes the prepared store. Memory is the sum over all processes of what each has for itself and its
share of the rest (PSS), looked at ten times a second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from ruamel.yaml import YAML

from benchmarks.bare_loop import STORED
from benchmarks.record import record
from pipeline.datasets.photos.reading import cores
from pipeline.params.schema.reading import read_yaml

ROOT = Path(__file__).resolve().parents[1]
SIDE, CANVAS = 300, 6000
# Each way in a process of its own: it imports first, then says how many seconds the work took. The first import is done
# again by each process that it starts, as it is under `python -m pipeline prepare`.
WAYS = {
    "bare": ("", "from benchmarks.bare_loop import decode_all as work"),
    "prepare": ("import pipeline.__main__", "from pipeline.stages.prepare import run as work"),
}
TIMED = """
import resource, time
{top}

def cpu():
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)

if __name__ == "__main__":
    {imports}
    started, used = time.perf_counter(), cpu()
    work()
    print(time.perf_counter() - started, cpu() - used)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("counts", nargs="+", type=int, help="how many photos")
    parser.add_argument("--folder", type=Path, help="where to make them; a temporary folder unless given")
    parser.add_argument("--results", type=Path, help="where to write them as JSON")
    parser.add_argument("--repeats", type=int, default=3, help="below 20,000 photos; above, each way runs once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kiyas-") as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        write_params(folder)
        print(
            f"{cores()} cores\n    photos   bare loop     prepare   ratio  of CPU time   memory of prepare", flush=True
        )
        rows = []
        for count in sorted(options.counts):
            make_photos(folder / "photos", count)
            rows.append(row(folder, count, options.repeats if count < 20_000 else 1))
            print(shown(rows[-1]), flush=True)
    if options.results:
        record(options.results, {"processes": cores(), "rows": rows})


def row(folder: Path, count: int, repeats: int) -> dict[str, float]:
    """Images per second of both ways, in turns: the median of each; the ratio of CPU times is for busy machines."""
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    used: dict[str, list[float]] = {way: [] for way in WAYS}
    memory = 0.0
    for _ in range(repeats):
        for way in WAYS:
            seconds, cpu, peak = measure(way, folder)
            speeds[way].append(count / seconds)
            used[way].append(cpu)
            memory = max(memory, peak) if way == "prepare" else memory
    bare, ours = (statistics.median(speeds[way]) for way in WAYS)
    of_cpu = statistics.median(used["bare"]) / statistics.median(used["prepare"])
    return {
        "photos": count,
        "bare": bare,
        "ours": ours,
        "ratio": ours / bare,
        "of_cpu": of_cpu,
        "memory_mb": memory / 1e6,
    }


def shown(row: dict[str, float]) -> str:
    return (
        f"{row['photos']:10,d} {row['bare']:9,.0f}/s {row['ours']:9,.0f}/s {row['ratio']:7.2f} {row['of_cpu']:12.2f} "
        f"{row['memory_mb']:16,.0f} MB"
    )


def measure(way: str, folder: Path) -> tuple[float, float, float]:
    """Run one way in `folder` → (seconds, seconds of CPU time, peak memory in bytes)."""
    script = folder / f"{way}.py"
    top, imports = WAYS[way]
    script.write_text(TIMED.format(top=top, imports=imports))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "said.txt").open("w+") as said:
        running = subprocess.Popen([sys.executable, str(script)], cwd=folder, env=environment, stdout=said)
        peak = 0
        while running.poll() is None:
            peak = max(peak, memory_of(running.pid))
            time.sleep(0.1)
        if running.returncode:
            raise SystemExit(f"{way} ended with exit status {running.returncode}; the reason stands above")
        said.seek(0)
        seconds, cpu = map(float, said.read().split()[-2:])
        return seconds, cpu, peak


def memory_of(pid: int) -> int:
    """PSS of a process and all that it has started, in bytes."""
    total = 0
    try:
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_full_info().pss
    except psutil.Error:
        pass  # one of them has just ended
    return total


def write_params(folder: Path) -> None:
    params = read_yaml(ROOT / "params.yaml")
    params["data"] |= {"fetch": [], "path": "photos", "image_size": STORED, "limit": None}
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Pear", "Apple"):
        (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)


def make_photos(folder: Path, count: int) -> None:
    """So many JPEGs under two class folders; those that are there already stay."""
    missing = [number for number in range(count) if not _file(folder, number).is_file()]
    with ProcessPoolExecutor(cores()) as processes:
        list(processes.map(_make, [(folder, missing[start :: cores()]) for start in range(cores())]))


def _make(task: tuple[Path, list[int]]) -> None:
    """Each is cut from another place of one large picture: shapes of several sizes under a fine texture."""
    folder, numbers = task
    random = np.random.default_rng(0)
    layers = [random.integers(0, 256, (size, size, 3), np.uint8) for size in (CANVAS // 43, CANVAS // 12)]
    large, small = (Image.fromarray(layer).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC) for layer in layers)
    canvas = np.asarray(Image.blend(large, small, 0.3)).copy()
    for row in canvas:  # one row at a time, for the memory
        row += random.integers(0, 20, row.shape, np.uint8)
    for number in numbers:
        row, column = np.random.default_rng(number).integers(0, CANVAS - SIDE, 2)
        pixels = canvas[row : row + SIDE, column : column + SIDE]
        Image.fromarray(np.ascontiguousarray(pixels)).save(_file(folder, number), quality=85)


def _file(folder: Path, number: int) -> Path:
    return folder / ("Pear", "Apple")[number % 2] / f"{number:07d}.jpg"


if __name__ == "__main__":
    main()
