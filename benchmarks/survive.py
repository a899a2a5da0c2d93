"""Damaged inputs, many of them: each is either read or refused in one sentence that names it; anything else is a fault.

    python -m benchmarks.survive --seconds 60                 # of each kind of input
    python -m benchmarks.survive --seconds 300 --results benchmarks/results/survive.json
    python -m benchmarks.survive --only models --results benchmarks/results/survive.json  # of these kinds alone
    python -m benchmarks.survive --kills 60 --results benchmarks/results/survive_kills.json
    python -m benchmarks.survive --faults 6 --results benchmarks/results/survive_faults.json
    python -m benchmarks.survive --many 50 --results benchmarks/results/survive_many.json
    python -m benchmarks.survive --spread 10 --results benchmarks/results/survive_spread.json
    python -m benchmarks.survive --guided 240 --results benchmarks/results/survive_guided.json

Each input is a sound file in which bytes were changed, taken out or put in at drawn places. A fault is an error that
the reader did not name, or an input that takes longer than SLOW seconds; it is kept under benchmarks/out/survive.
The exit status is 1 where there was any fault.
--kills and --spread add to what stands in their file, at other moments.
A short part with fixed seeds runs in the tests. With --kills, --faults, --many or --spread whole commands are
disturbed instead, in checkouts in miniature: killed, put on a full disk, run many at once, run on a cluster whose parts
are killed (benchmarks/survival). With --guided fuzzers look for inputs by themselves.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.record import record_rows, recorded_rows
from benchmarks.survival.stores import databases, read_database
from pipeline.champions.log import ChampionError, Entry, read_log
from pipeline.configuration.loading import load_params
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.photos.archives import unpack
from pipeline.datasets.photos.decoding import PhotoError, decode_photo
from pipeline.datasets.photos.folders import FolderError
from pipeline.evaluation.answers.models import UnsafeNetworkError
from pipeline.ground.files import DamagedFileError, read_json
from pipeline.models.archive import UntrustedModelError, read_model, write_model
from pipeline.params.schema.reading import ParamsError
from pipeline.tracking.store import TrackingError

SLOW = 5.0  # seconds
KEPT = Path("benchmarks/out/survive")


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        sound: files that can be read, as bytes; their place in the list is part of a case's name.
        suffix: of the file.
        read: what the pipeline does with such a file.
        named: what it may raise.
    """

    sound: Callable[[], list[bytes]]
    suffix: str
    read: Callable[[Path], Any]
    named: tuple[type[Exception], ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 where there was any fault, 0 where everything was survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="for each kind of input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="where to write the counts as JSON")
    parser.add_argument("--kills", type=int, metavar="N", help="kill commands about so often, in place of all that")
    parser.add_argument("--spread", type=int, metavar="N", help="kill each part of a run on several machines so often")
    parser.add_argument(
        "--minutes", type=float, default=inf, help="no round, or none of --many's retrainings, is begun after so many"
    )
    parser.add_argument(
        "--place",
        type=Path,
        help="of --many: a folder outside this checkout, in which a later call goes on with its row",
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="of inputs, --kills, --faults and --many: those with it in their names",
    )
    parser.add_argument("--faults", type=int, metavar="N", help="so many faults of the machine of each kind")
    parser.add_argument("--many", type=int, metavar="N", help="many at once, and so many retrainings in a row")
    parser.add_argument(
        "--guided", type=int, metavar="SECONDS", help="let fuzzers look for inputs, of each kind so long"
    )
    options = parser.parse_args(arguments)
    if options.kills or options.faults or options.many or options.spread or options.guided:
        return int(_disturb(options))
    logging.disable()
    chosen = [name for name in KINDS if options.only in name]
    rows = {row["input"]: row for row in _standing(options.results)}
    for name in chosen:
        _sound(name)  # which may import Keras
        until = time.monotonic() + options.seconds
        counts: Counter[str] = Counter()
        number = 0
        while time.monotonic() < until:
            counts[attack(name, options.seed + number)] += 1
            number += 1
        rows[name] = {"input": name, "tried": number, **{word: counts[word] for word in ("read", "refused", "fault")}}
        print(rows[name])
    if options.results:
        record_rows(options.results, [rows[name] for name in KINDS if name in rows])
    return int(any(rows[name]["fault"] for name in chosen))


def _disturb(options: argparse.Namespace) -> bool:
    """Whole commands, disturbed; their rows go to the file of results as they come. Returns whether any had a fault."""
    from benchmarks.survival import crowd, guided, kills

    if options.spread:
        return _disturb_spread(options)
    if options.faults:  # they mount, which is allowed in a namespace of their own
        target = options.results or KEPT / "faults.json"
        command = ["unshare", "--mount", "--map-root-user", sys.executable, "-m", "benchmarks.survival.machine"]
        numbers = ["--tries", str(options.faults), "--seed", str(options.seed), "--only", options.only]
        subprocess.run([*command, *numbers, "--results", str(target)], check=True)
        return any(row["faults"] for row in recorded_rows(target))
    before: list[dict[str, Any]] = []
    if options.many:
        several = crowd.run_many(options.many, options.only, options.minutes, options.place)
    elif options.guided:
        several = guided.run_guided(options.guided)
    else:
        before = _standing(options.results)
        seed = options.seed + sum(row["kills"] for row in before)  # other moments than those of earlier calls
        several = kills.run_kills(options.kills, seed, options.minutes, options.only)
    rows = {_name(row): row for row in before}
    faulty = False
    for row in several:
        faulty, name = faulty or bool(row["faults"]), _name(row)
        rows[name] = summed(rows[name], row) if name in rows else row
        print(row, flush=True)
        if options.results:
            record_rows(options.results, rows.values())
    return faulty


def _name(row: dict[str, Any]) -> str:
    """What a row of a campaign is about."""
    return str(next(row[key] for key in ("command", "crowd", "input") if key in row))


def summed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Two rows of the same command as one: numbers are summed, faults follow one another."""
    counted = {key: before.get(key, type(now[key])()) + now[key] for key in now if isinstance(now[key], int | list)}
    return before | counted


def _disturb_spread(options: argparse.Namespace) -> bool:
    from benchmarks.survival.spread import run_spread  # it needs Ray, and services that are not everywhere

    rows: list[dict[str, Any]] = []
    before = {row["victim"]: row for row in _standing(options.results)}
    seed = options.seed + max((row["rounds"] for row in before.values()), default=0)
    for rows in run_spread(options.spread, seed, options.minutes):
        if options.results:
            record_rows(
                options.results, [summed(before.get(row["victim"], {"victim": row["victim"]}), row) for row in rows]
            )
    return any(row["faults"] for row in rows)


def _standing(results: Path | None) -> list[dict[str, Any]]:
    """What earlier calls have written."""
    return recorded_rows(results) if results and results.is_file() else []


def attack(name: str, seed: int) -> str:
    """One damaged input: "read", "refused" or "fault"; a fault is kept."""
    kind, drawn = KINDS[name], random.Random(f"{name} {seed}")
    content = damaged(drawn.choice(_sound(name)), drawn)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder, f"damaged{kind.suffix}")
        file.write_bytes(content)
        try:
            kind.read(file)
            outcome = "read"
        except kind.named as error:
            outcome = "refused" if str(error).strip() and "\n  File " not in str(error) else "fault"
        except Exception:
            outcome = "fault"
    if outcome == "fault" or time.monotonic() - begun > SLOW:
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / f"{name}-{seed}{kind.suffix}").write_bytes(content)
        return "fault"
    return outcome


def damaged(content: bytes, drawn: random.Random) -> bytes:
    """Bytes changed, taken out and put in; of files with a head more often there."""
    changed = bytearray(content)
    for _ in range(drawn.choice([1, 1, 2, 5, 20])):
        place = drawn.randrange(min(len(changed), 64) if drawn.random() < 0.3 else len(changed))
        what = drawn.random()
        if what < 0.7:
            changed[place] = drawn.randrange(256)
        elif what < 0.85:
            del changed[place : place + drawn.randrange(1, 40)]
        else:
            changed[place:place] = drawn.randbytes(drawn.randrange(1, 20))
        if not changed:
            break
    return bytes(changed)


@cache
def _sound(name: str) -> list[bytes]:
    return KINDS[name].sound()


def _photos() -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    progressive = {"format": "JPEG", "progressive": True}
    return [
        _saved(picture, format="JPEG"),
        _saved(picture, **progressive),
        _saved(picture.convert("CMYK"), format="JPEG"),
        _saved(picture, format="PNG"),
        _saved(picture.convert("P"), format="GIF"),
        _saved(picture, format="BMP"),
        _saved(picture, format="TIFF", compression="tiff_lzw"),
        _saved(picture, format="WEBP"),
        _saved(Image.fromarray(pixels[..., 0].astype(np.uint16) * 200), format="PNG"),
    ]


def _saved(picture: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, **options)
    return stream.getvalue()


def _table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": range(60),
            "word": ["x", "yé"] * 30,
            "day": pd.date_range("2020-01-01", periods=60),
            "kind": pd.Categorical(["u", "v"] * 30),
            "price": ["1.234,50 €", "12,00 €"] * 30,
            "seen": [True, None] * 30,
        }
    )


def _csv() -> list[bytes]:
    table = _table()
    return [
        table.to_csv(index=False).encode(),
        table.to_csv(index=False, sep=";").encode("utf-8-sig"),
        table.to_csv(index=False, sep="\t").encode("utf-16"),
    ]


def _parquet() -> list[bytes]:
    stream = io.BytesIO()
    _table().to_parquet(stream)
    return [stream.getvalue()]


def _archives() -> list[bytes]:
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, photo in enumerate(_photos()):
            archive.writestr(f"pear/{number}.jpg", photo)
    with tarfile.open(fileobj=tarred, mode="w:gz") as archive_of_tar:
        for number, photo in enumerate(_photos()):
            member = tarfile.TarInfo(f"pear/{number}.jpg")
            member.size = len(photo)
            archive_of_tar.addfile(member, io.BytesIO(photo))
    return [zipped.getvalue(), tarred.getvalue()]


def _unpacked(file: Path) -> None:
    folder, _ = unpack(file, file.parent / "keep")
    home = folder.resolve()
    escaped = [found for found in file.parent.rglob("*") if found.is_symlink() or not found.resolve().exists()]
    if escaped or not home.is_relative_to(file.parent.resolve()):
        raise RuntimeError(f"something left the folder: {escaped}")


def _classical_models() -> list[bytes]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.skops")
        write_model(file, make_pipeline(LogisticRegression()).fit(np.arange(40.0).reshape(20, 2), np.arange(20) % 2))
        return [file.read_bytes()]


@cache
def _network() -> Any:
    import keras

    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="head")])


def _networks(suffix: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"network{suffix}")
        _network().save_weights(file) if suffix == ".weights.h5" else _network().save(file)
        return [file.read_bytes()]


def _read_network(file: Path) -> None:
    from pipeline.evaluation.answers.models import load_network

    load_network(file)


def _read_weights(file: Path) -> None:
    from pipeline.models.networks.backbones import load_imagenet_weights

    load_imagenet_weights(_network(), file)


def _decisions() -> list[bytes]:
    entry = Entry("2026-01-01T00:00:00.000+00:00", "registered", 1, 1, "da7a", ["It is the first."], "f1", {"low": 0.5})
    return [b"".join(json.dumps(asdict(one)).encode() + b"\n" for one in (entry, replace(entry, event="kept")))]


def _read_decisions(file: Path) -> None:
    with mock.patch("pipeline.champions.log.LOG", file):
        read_log()


def _results() -> list[bytes]:
    return [b'{"candidate": "cnn-lecture", "seeds": [0, 1, 2], "val_accuracy": 0.5}']


KINDS = {
    "photos": Kind(_photos, ".jpg", lambda file: decode_photo(file, 32), (PhotoError,)),
    "tables (CSV)": Kind(_csv, ".csv", read_cells, (TableError,)),
    "tables (Parquet)": Kind(_parquet, ".parquet", read_cells, (TableError,)),
    "archives": Kind(_archives, ".zip", _unpacked, (FolderError,)),
    "params.yaml": Kind(lambda: [Path("params.yaml").read_bytes()], ".yaml", load_params, (ParamsError,)),
    "results (JSON)": Kind(_results, ".json", read_json, (DamagedFileError,)),
    "log of decisions": Kind(_decisions, ".jsonl", _read_decisions, (ChampionError,)),
    "models (.skops)": Kind(_classical_models, ".skops", read_model, (DamagedFileError, UntrustedModelError)),
    "networks (.keras)": Kind(
        partial(_networks, ".keras"), ".keras", _read_network, (DamagedFileError, UnsafeNetworkError)
    ),
    "weights (.h5)": Kind(partial(_networks, ".weights.h5"), ".weights.h5", _read_weights, (ParamsError,)),
    "MLflow's database": Kind(databases, ".db", read_database, (TrackingError,)),
}
SLOW_TO_IMPORT = ("networks (.keras)", "weights (.h5)", "MLflow's database")  # for the short part in the tests

if __name__ == "__main__":
    sys.exit(main())
