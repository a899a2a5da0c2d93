"""All that writes files of this project, with each of its calls failing in turn, by benchmarks/survival/shim.c.

    LD_PRELOAD=… python -m tests.faults.under_faults CONTROL FOLDER

Prints JSON: how many cases there were, and a line for each that was not survived.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.survival.shim import FAULTS, SHORT, Control, read_control, write_control
from pipeline.champions.log import Entry, append, read_log
from pipeline.datasets.store.prepared import PreparedError, load_prepared, write_prepared
from pipeline.evaluation.pictures.thumbnails import write_thumbnail
from pipeline.ground.files import read_json, read_parquet, write_csv, write_json, write_parquet
from pipeline.ground.kept import KeptArrays
from pipeline.ground.system_faults import sentence
from pipeline.models.archive import read_model, write_model
from pipeline.models.backbone_files.stored import read_stored, write_stored
from pipeline.models.recorded_hashes import record_hash, recorded_hash
from pipeline.params.schema.backbones import ReadBackbone

MOST = 10  # calls of a writer that fail in turn; of more, drawn ones
NAMED = (ValueError, OSError, MemoryError)  # what the command line ends with a sentence
WORDS = {"short writes": "", "input/output errors": "input/output error", "no space left": "no space left on device"}
OLD, NEW = 1, 2


@dataclass(frozen=True)
class Writer:
    """What writes a version of something, and what reads which version is there."""

    write: Callable[[int], object]
    read: Callable[[], int]


def _json() -> Writer:
    file = Path("verdict.json")
    return Writer(lambda version: write_json(file, [version] * 3000), lambda: int(read_json(file)[-1]))


def _csv() -> Writer:
    file = Path("history.csv")
    return Writer(
        lambda version: write_csv(file, pd.DataFrame({"seed": [version] * 5000})),
        lambda: int(pd.read_csv(file)["seed"].iloc[4999]),
    )


def _parquet() -> Writer:
    file = Path("predictions.parquet")
    return Writer(
        lambda version: write_parquet(file, pd.DataFrame({"p_0": np.arange(5000.0) + version})),
        lambda: int(read_parquet(file)["p_0"].iloc[4999] - 4999),
    )


def _prepared() -> Writer:
    folder, rows = Path("development"), np.arange(40)

    def write(version: int) -> None:
        images = np.full((40, 8, 8, 3), version, np.uint8)
        write_prepared(folder, images, rows, np.zeros(40), [str(row) for row in rows], ["a", "b"])

    def read() -> int:
        try:
            return int(load_prepared(folder).images[0, 0, 0, 0])
        except PreparedError:
            return OLD  # several files cannot take their places at once, but none is used with others' parts

    return Writer(write, read)


def _kept() -> Writer:
    kept = Path("activations")

    def read() -> int:
        found = KeptArrays(kept, 1).find("key")
        return OLD if found is None else int(found.values[-1])  # what can be made again may be gone

    return Writer(
        lambda version: KeptArrays(kept, 1).find_or_gather("key", 5000, lambda: [np.full(5000, float(version))]), read
    )


def _log() -> Writer:
    def write(version: int) -> None:
        before = len(read_log())
        for number in range(before, version):
            append(Entry(f"2026-01-0{number + 1}", "refused", None, None, "data", ["x" * 600]))

    return Writer(write, lambda: len(read_log()))


def _model() -> Writer:
    from sklearn.dummy import DummyClassifier

    file, rows = Path("seed-0.skops"), np.zeros((4, 1))
    return Writer(
        lambda version: write_model(
            file, DummyClassifier(strategy="constant", constant=version).fit(rows, [OLD, NEW] * 2)
        ),
        lambda: int(read_model(file).predict(rows)[0]),
    )


def _weights() -> Writer:
    file = Path("own.weights.h5")
    row = ReadBackbone(file="own.keras", preprocessing="none", blocks=["a", "b"], architecture="{}")
    return Writer(
        lambda version: write_stored(file, row, {"a": [np.full(5000, version, np.float32)]}),
        lambda: int(read_stored(file)["a"][0][-1]),
    )


def _picture() -> Writer:
    from PIL import Image

    file, noise = Path("mistake-0.jpg"), np.random.default_rng(0).integers(0, 100, (200, 200, 3))

    def read() -> int:
        with Image.open(file) as picture:
            picture.load()  # what is cut off cannot be
            return OLD if np.asarray(picture).mean() < 120 else NEW

    return Writer(lambda version: write_thumbnail(file, (noise + 60 * version).astype(np.uint8)), read)


def _hashes() -> Writer:
    return Writer(lambda version: record_hash("own", str(version) * 64), lambda: int(str(recorded_hash("own"))[0]))


WRITERS = {name.strip("_"): made for name, made in globals().items() if name.startswith("_") and callable(made)}


def main() -> None:
    control, folder = Path(sys.argv[1]), Path(sys.argv[2])
    cases, told = 0, list[str]()
    for name, made in WRITERS.items():
        place = folder / name
        place.mkdir()
        os.chdir(place)
        writer = made()
        for fault, number in FAULTS.items():
            calls = _count(writer, control, number)
            for at in range(1, calls + 1) if calls <= MOST else np.linspace(1, calls, MOST).astype(int).tolist():
                cases += 1
                told += [
                    f"{name}, {fault}, call {at}: {one}" for one in _try(writer, control, number, at, WORDS[fault])
                ]
    print(json.dumps({"cases": cases, "faults": told}))


def _count(writer: Writer, control: Path, fault: int) -> int:
    """How many of its calls could fail."""
    _empty()
    write_control(control, Control())
    writer.write(OLD)
    write_control(control, Control(fault=fault))
    writer.write(NEW)
    return read_control(control).seen


def _try(writer: Writer, control: Path, fault: int, at: int, words: str) -> Iterator[str]:
    """Write the new version over the old one with one call failing; a line for what is not as it has to be."""
    _empty()
    write_control(control, Control())
    writer.write(OLD)
    before = _names()
    write_control(control, Control(fault=fault, at=at, lasts=int(fault != SHORT)))
    error: BaseException | None = None
    try:
        writer.write(NEW)
    except Exception as raised:
        error = raised
    struck = read_control(control).struck
    write_control(control, Control())
    if not struck:
        yield "nothing struck"
    if error is None and writer.read() != NEW:
        yield f"no error, and version {writer.read()} is there"
    if error is not None and fault == SHORT:
        yield f"a part that was written was not gone on with: {error!r}"
    if error is not None:
        said = sentence(error)
        if not isinstance(error, NAMED) or "\n" in said or words not in said:
            yield f"{type(error).__name__}: {said}"
        if writer.read() not in (OLD, NEW):
            yield f"version {writer.read()} is there"
    if left := sorted(_names() - before):
        yield f"{', '.join(left)}: left behind"
    writer.write(NEW)
    if writer.read() != NEW:
        yield "afterwards it is not written either"


def _names() -> set[str]:
    return {path.as_posix() for path in Path().rglob("*") if path.is_file()}


def _empty() -> None:
    for path in sorted(Path().rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main()
