"""How fast the champion answers: over HTTP, asked by 1, 10 and 50 clients at once, and as a command on many files.

    python -m benchmarks.serving PHOTO… --results benchmarks/results/serving.json

Each request to `mlflow models serve` carries one encoded photo; every answer has to be 200, and the first that is not
ends the measurement. `python -m pipeline predict --parquet` is timed with one photo, which is its start-up, and many.
With `--checkout` another checkout's champion is asked.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.record import record
from pipeline.champions.versions import current_champion, model_folder
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET

CLIENTS = (1, 10, 50)
PATIENCE = 180  # seconds for the server to start, and for one answer


@dataclass(frozen=True)
class Load:
    """What so many clients saw.

    Attributes:
        median_ms, p95_ms: from sending one photo to its answer.
        per_second: answers of all clients together.
        processor_ms: of the server, for one photo.
    """

    clients: int
    requests: int
    median_ms: float
    p95_ms: float
    per_second: float
    processor_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the champion answers.")
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--requests", type=int, default=400, help="of each number of clients")
    parser.add_argument("--files", type=int, default=1000, help="for `predict`: copies of the photos, in turn")
    parser.add_argument("--checkout", type=Path, default=Path(), help="whose champion is asked")
    parser.add_argument("--results", type=Path, help="where to write what was measured, as JSON")
    options = parser.parse_args()
    bodies = [request_body(photo.read_bytes()) for photo in options.photos]
    photos = [photo.resolve() for photo in options.photos]
    with chdir(options.checkout):
        champion = current_champion()
        print(f"version {champion.version}, {champion.candidate}")
        loads = list(_loads(champion.version, bodies, options.requests))
        with tempfile.TemporaryDirectory() as folder:
            start, total = predict_seconds(photos, (1, options.files), Path(folder))
        measured = {
            "candidate": champion.candidate,
            "image_size": read_json(DATASET)["image_size"],
            "megapixels": _median_megapixels(photos),
            "served": [asdict(load) for load in loads],
            "predict": {"files": options.files, "start_seconds": start, "seconds": total},
        }
    print(f"predict: {start:.1f} s for 1 photo, {total:.1f} s for {options.files}")
    if options.results:
        record(options.results, measured)


def _median_megapixels(photos: Sequence[Path]) -> float:
    sizes = []
    for photo in photos:
        with Image.open(photo) as opened:
            sizes.append(opened.width * opened.height / 1e6)
    return float(np.median(sizes))


def _loads(version: int, bodies: Sequence[bytes], requests: int) -> Iterator[Load]:
    with tempfile.TemporaryDirectory() as folder, served(model_folder(version), Path(folder)) as (url, server):
        ask(url, bodies[0])  # the first answer loads and compiles
        for clients in CLIENTS:
            found = measure(url, bodies, clients, requests, server)
            print(
                f"{found.clients:>3} clients: median {found.median_ms:.0f} ms, 95th percentile {found.p95_ms:.0f} ms, "
                f"{found.per_second:.0f} photos a second, {found.processor_ms:.0f} ms of processor time each",
                flush=True,
            )
            yield found


def predict_seconds(photos: Sequence[Path], counts: Sequence[int], folder: Path) -> list[float]:
    """Wall time of the command, from start to end, on so many files.

    Raises:
        subprocess.CalledProcessError: a photo was not answered.
    """
    taken = []
    for count in counts:
        files = folder / str(count)
        files.mkdir()
        for number in range(count):
            photo = photos[number % len(photos)]
            shutil.copyfile(photo, files / f"{number:06d}{photo.suffix}")
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "predict",
            str(files),
            "--parquet",
            str(folder / f"{count}.parquet"),
        ]
        begun = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begun)
    return taken


def request_body(photo: bytes) -> bytes:
    return json.dumps({"inputs": [base64.b64encode(photo).decode()]}).encode()


def ask(url: str, body: bytes) -> list[dict[str, object]]:
    """
    Raises:
        urllib.error.HTTPError: for any answer but 200.
    """
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        answers: list[dict[str, object]] = json.load(response)["predictions"]
        return answers


def measure(url: str, bodies: Sequence[bytes], clients: int, requests: int, server: int) -> Load:
    """So many clients at once, which share so many requests.

    Args:
        server: number of the server's process.
    """

    def timed(number: int) -> float:
        begun = time.perf_counter()
        ask(url, bodies[number % len(bodies)])
        return time.perf_counter() - begun

    begun, spent = time.perf_counter(), _processor_seconds(server)
    with ThreadPoolExecutor(clients) as threads:
        taken = np.array(list(threads.map(timed, range(requests)))) * 1000
    seconds = time.perf_counter() - begun
    median, p95 = float(np.median(taken)), float(np.percentile(taken, 95))
    processor_ms = (_processor_seconds(server) - spent) / requests * 1000
    return Load(clients, requests, median, p95, requests / seconds, processor_ms)


def _processor_seconds(process: int) -> float:
    """Of a process and all that it has started."""
    top = psutil.Process(process)
    times = [one.cpu_times() for one in (top, *top.children(recursive=True))]
    return sum(of.user + of.system for of in times)


@contextmanager
def served(model: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """`mlflow models serve` of a model folder on a free port of this machine; gives the address to ask, and the number
    of its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model.resolve()), *here]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/ping", process, folder / "serve.log")
        yield f"http://127.0.0.1:{port}/invocations", process.pid
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended: {log.read_text(errors='replace')[-3000:]}")
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise SystemExit(f"the server did not answer within {PATIENCE} s")


if __name__ == "__main__":
    main()
