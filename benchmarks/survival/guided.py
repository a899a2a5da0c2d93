"""Inputs that a fuzzer finds by itself: photos by what code they reach, requests by what the server says of them.

    python -m benchmarks.survive --guided 240 --results benchmarks/results/survive_guided.json

atheris changes photos and keeps those that reach new lines of Pillow's readers or of ours; schemathesis makes requests
from the served model's own description, whose bodies are widened to all that MLflow takes, and every fourth is a sound
one with a part replaced. Neither package is among this project's; `pip install atheris schemathesis` brings them. A
fault is an error that is not named, a photo that takes longer than SLOW seconds, or an answer of 500 and above.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.ground.files import read_json, write_json

SLOW = 5.0  # seconds
SIDE = 16
NOTED = 500  # photos between two notes of how many there were: the fuzzer ends its process without a word to Python
KEYS = ("inputs", "instances", "dataframe_records", "dataframe_split", "params")


def run_guided(seconds: int) -> Iterator[dict[str, Any]]:
    """A row for each kind of input; each is tried in a process of its own.

    Raises:
        SystemExit: a package that is needed is not there.
    """
    for what, needed in (("photos", "atheris"), ("requests", "schemathesis")):
        with tempfile.TemporaryDirectory(prefix="kiyas-guided-") as folder:
            outcome = Path(folder, "outcome.json")
            command = [sys.executable, "-m", "benchmarks.survival.guided", what, str(seconds), folder]
            ended = subprocess.run(command, capture_output=True, text=True)
            if "No module named" in ended.stderr and not outcome.exists():
                sys.exit(f"--guided needs the package {needed}: pip install {needed}")
            if not outcome.exists():
                sys.exit(f"--guided: {what} were not tried: {ended.stderr[-2000:]}")
            row = read_json(outcome)
            if ended.returncode and not row["faults"]:
                row["faults"] = [ended.stderr[-500:]]
            yield row


def attack_photos(seconds: int, folder: Path) -> None:
    """Ends the process, as the fuzzer does."""
    import atheris

    with atheris.instrument_imports(include=["PIL", "pipeline.datasets.photos.decoding"]):
        from pipeline.datasets.photos.decoding import PhotoError, decode_photo
    from benchmarks.survive import _photos

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, photo in enumerate(_photos()):
        (corpus / str(number)).write_bytes(photo)
    counts: Counter[str] = Counter()

    def note(*faults: str) -> None:
        row = {"input": "photos, guided by coverage", "tried": counts.total(), "faults": list(faults)}
        write_json(folder / "outcome.json", row | {word: counts[word] for word in ("read", "refused")})

    def one(content: bytes) -> None:
        begun = time.monotonic()
        try:
            decode_photo(bytes(content), SIDE)
            counts["read"] += 1
        except PhotoError as error:
            counts["refused"] += 1
            if not str(error).strip():
                note("a photo was refused without a word")
                raise
        except Exception as error:
            note(f"{type(error).__name__}: {error}")
            raise
        if time.monotonic() - begun > SLOW:
            note(f"a photo of {len(content)} bytes took {time.monotonic() - begun:.0f} s")
            raise TimeoutError
        if counts.total() % NOTED == 0:
            note()

    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", f"-timeout={4 * SLOW:.0f}", str(corpus)], one)
    atheris.Fuzz()


def attack_requests(seconds: int, folder: Path) -> None:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    app = _served(folder)
    described = app.openapi()
    bodies = {"oneOf": [{"type": "object", "properties": {key: {}}, "required": [key]} for key in KEYS]}
    contents = {"application/json": {"schema": bodies}, "text/csv": {"schema": {"type": "string"}}}
    described["paths"]["/invocations"]["post"]["requestBody"] = {"required": True, "content": contents}
    app.openapi = lambda: described
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)["/invocations"]["POST"]
    counts: Counter[str] = Counter()
    faults: list[str] = []
    until = time.monotonic() + seconds
    finite = st.floats(allow_nan=False, allow_infinity=False)  # JSON has no others
    anything = st.recursive(st.none() | st.booleans() | finite | st.text(), lambda of: st.lists(of), max_leaves=8)

    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(), drawn=st.integers(0, 3), photos=st.lists(anything | st.just(_photo())))
    def attack(case: Any, drawn: int, photos: list[Any]) -> None:
        if drawn == 0:
            case.body, case.media_type = {"inputs": photos}, "application/json"
        response = case.call()
        counts["read" if response.status_code < 300 else "refused"] += 1
        if response.status_code >= 500:
            faults.append(f"{response.status_code}: {case.media_type} {str(case.body)[:200]}")

    while time.monotonic() < until:
        attack()
    row = {"input": "requests, from the server's description", "tried": counts.total(), "faults": faults}
    write_json(folder / "outcome.json", row | {word: counts[word] for word in ("read", "refused")})


def _photo() -> str:
    from PIL import Image

    from benchmarks.survive import _saved

    return base64.b64encode(_saved(Image.new("RGB", (SIDE, SIDE), "red"), format="PNG")).decode()


def _served(folder: Path) -> Any:
    """MLflow's application around a classical model of photos, as `serve` starts it."""
    import os

    import numpy as np

    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    import mlflow
    from mlflow.pyfunc import scoring_server

    from pipeline.champions.bundle import write_model_folder
    from pipeline.champions.served.servable import Servable
    from pipeline.models.archive import write_model
    from pipeline.models.classical import compute_features, fit_classical
    from pipeline.params.schema.classical import ClassicalModel

    images = np.random.default_rng(0).integers(0, 255, (18, SIDE, SIDE, 3), dtype=np.uint8)
    row = ClassicalModel(features="pixels", estimator="LogisticRegression", settings={"max_iter": 200})
    fitted = fit_classical("pixels", row, compute_features(row, images), np.arange(18) % 3, folds=2, seed=0)
    write_model(folder / "seed-0.skops", fitted.model)
    servable = Servable(folder / "seed-0.skops", "multiclass", ["a", "b", "c"], SIDE)
    write_model_folder(folder / "model", servable)
    return scoring_server.init(mlflow.pyfunc.load_model(str(folder / "model")))


if __name__ == "__main__":
    tried: dict[str, Callable[[int, Path], None]] = {"photos": attack_photos, "requests": attack_requests}
    tried[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
