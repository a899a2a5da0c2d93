"""What soups are worth on the networks that finished runs left: beside their seeds' networks and the mean of these.

    python -m benchmarks.soups_on_runs NAME=CHECKOUT [NAME=CHECKOUT …]

Each checkout holds a finished run with the soups of its fine-tuned candidates; see benchmarks/ensembles_on_runs.py, by
which it is read, too. A soup that may not compete is judged all the same. Written to benchmarks/out/soups_on_runs.json,
a row for each soup:

    run, candidate, seeds, development, examples    what it is of; how many development and test examples there are
    shared                                 validation examples that two seeds share, of all pairs together
    pairs_loss, pairs_members_loss         there: log loss of the soups of two seeds, and of these seeds' own networks
    competes                               whether the soup may, by these
    single, ensemble, soup                 accuracy on test examples: mean of the seeds' networks, of the mean of their
                                           probabilities, and of the mean of their weights
    single_loss, ensemble_loss, soup_loss  log loss
    difference, low, high                  by how much the soup's accuracy is above that of its seeds, with its 95 %
                                           interval
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.ensembles_on_runs import inside
from benchmarks.record import record_rows
from pipeline.comparison.statistics.intervals import estimate
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.comparison.statistics.variation.jackknife import jackknifed
from pipeline.comparison.tables.ensembles.library import SPLITS, Library, library_of
from pipeline.comparison.tables.ensembles.soups import answers_without, validate_soup
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.ground.files import read_json, read_parquet
from pipeline.ground.paths import DATASET
from pipeline.params.compare import soup_of
from pipeline.params.competing import read_candidates
from pipeline.trials import evaluation_folder, probability_columns

OUT = Path("benchmarks/out/soups_on_runs.json")
RESAMPLES, CONFIDENCE, LEAST = 2_000, 0.95, 1e-12
Floats = NDArray[np.float64]


def rows_of(run: str) -> list[dict[str, Any]]:
    """Of the run in the current directory, a row for each soup that it has made."""
    trained = read_measurements(read_candidates(), SPLITS)
    library, sizes = library_of(trained), read_json(DATASET)["sizes"]
    names = [name for name in library.attempts if (_folder(name) / "subsets.parquet").is_file()]
    described = {"run": run, "seeds": len(library.seeds), "development": sizes["development"]}
    return [described | {"candidate": name} | row_of(library, name) for name in names]


def row_of(library: Library, name: str) -> dict[str, Any]:
    """What is told of a soup before anybody sees a test example, and what these tell."""
    told, own = validate_soup(library, name), read_parquet(_folder(name) / "predictions.parquet")
    soup = own[own["split"] == "test"].sort_values("example", ignore_index=True)
    labels = soup["label"].to_numpy(np.int64)
    singles = np.stack([_probable(library.answers[name][seed, "test"]) for seed in library.seeds])  # (S, N, k)
    subsets = read_parquet(_folder(name) / "subsets.parquet")
    without = np.stack([_probable(answers_without(library, name, subsets, seed)) for seed in library.seeds])
    answers = {"single": singles, "ensemble": singles.mean(axis=0), "soup": _probable(soup)}
    right = {kind: (probable.argmax(axis=-1) == labels).astype(np.float64) for kind, probable in answers.items()}
    left_out = (without.argmax(axis=-1) == labels).astype(np.float64)
    together = np.concatenate([right["single"][None], jackknifed(right["soup"][None], left_out[None])])
    quantity = score_quantity(together, RESAMPLES, derived=np.array([False, True]))
    gained = estimate(quantity, np.array([[-1.0, 1.0]]), CONFIDENCE, (-1.0, 1.0))
    losses = {f"{kind}_loss": _loss(probable, labels) for kind, probable in answers.items()}
    numbers = {"pairs_loss": told.loss, "pairs_members_loss": told.members_loss, **losses}
    numbers |= {kind: float(values.mean()) for kind, values in right.items()}
    numbers |= {key: float(getattr(gained, key)[0]) for key in ("low", "high")}
    numbers["difference"] = float(gained.value[0])
    rounded = {key: round(value, 4) for key, value in numbers.items()}
    return {"examples": len(labels), "shared": told.examples, "competes": bool(told.holds), **rounded}


def _folder(name: str) -> Path:
    return evaluation_folder(soup_of(name).name)


def _probable(table: pd.DataFrame) -> Floats:
    return table[probability_columns(table)].to_numpy(np.float64)


def _loss(probable: Floats, labels: NDArray[np.int64]) -> float:
    """Mean log loss of (…, N, k) probabilities."""
    own = probable[..., np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, LEAST)).mean())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="NAME=CHECKOUT")
    rows = []
    for run in parser.parse_args(arguments).runs:
        name, _, folder = run.partition("=")
        with inside(Path(folder)):
            rows += rows_of(name)
    print(*rows, sep="\n")
    record_rows(OUT, rows)


if __name__ == "__main__":
    main()
