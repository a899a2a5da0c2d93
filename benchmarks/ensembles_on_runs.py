"""What averaging brings on predictions that finished runs left: the best single model against ensembles.

    python -m benchmarks.ensembles_on_runs NAME=CHECKOUT [NAME=CHECKOUT …]

Each checkout holds a finished run: params.yaml, data/prepared/dataset.json, results/ and evaluation/. Nothing in it is
changed. Whatever its params.yaml says of them, ensembles of seeds, the greedy one and the soups that the run has made
are put together here, and compared with all candidates as `compare` does. Written to
benchmarks/out/ensembles_on_runs.json, for each run and the best ensemble of each kind by the test examples:

    run, score, candidates, seeds, examples    what was compared
    single, single_score, single_ms            the best single model, its test score (mean over seeds), its latency
    kind, ensemble, models, ensemble_score     which ensemble, how many models answer, its test score
    ensemble_ms                                its latency, the sum of its models'
    difference, low, high                      by how much it is better, with its own 95 % interval
    safe_low, safe_high                        an interval that holds for whichever ensemble is picked
    advised                                    what is advised with ensembles among the candidates
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.record import record_rows
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.comparison import compare_candidates
from pipeline.comparison.tables.design import read_design
from pipeline.comparison.tables.ensembles.building import make_ensembles
from pipeline.comparison.tables.ensembles.gains import Gain, measure_gains
from pipeline.comparison.tables.ensembles.library import SPLITS
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.verdict.facts import know_candidates, state_facts
from pipeline.comparison.verdict.recommendation import choose
from pipeline.formats import significant
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.params.compare import Compare, EnsembleKind, Ensembles, soup_of
from pipeline.params.competing import read_candidates
from pipeline.params.schema.reading import read_section
from pipeline.scores.score_for_task import score_of
from pipeline.trials import results_folder

OUT = Path("benchmarks/out/ensembles_on_runs.json")


def rows_of(name: str) -> list[dict[str, Any]]:
    """Of the run in the current directory, a row for each kind of ensemble."""
    settings, dataset = read_section("compare", Compare), read_json(DATASET)
    score = score_of(dataset["task"], settings, dataset["class_names"])
    trained = read_measurements(read_candidates(), SPLITS)
    kinds: list[EnsembleKind] = ["seeds", "greedy"] if len(trained[0].seeds) > 1 else ["greedy"]
    soups = [one.name for one in trained if (results_folder(soup_of(one.name).name) / "trial.json").is_file()]
    kinds += ["soup"] if soups else []
    measured = [*trained, *make_ensembles(trained, Ensembles(kinds=kinds, soups=soups), score)]
    design = read_design(measured, dataset.get("kind", "images"))
    outcomes = align(measured, design.groups, design.order, score)
    comparison = compare_candidates(measured, outcomes, settings)
    gains = measure_gains(measured, outcomes, comparison, settings)
    known = know_candidates(measured, outcomes, dataset)
    facts = state_facts(comparison, known, dataset, len(outcomes.seeds), settings, outcomes.unit, design)
    values = comparison.ranking.set_index("candidate")[score.column]
    common = {
        "run": name,
        "score": score.name,
        "candidates": len(trained),
        "seeds": len(outcomes.seeds),
        "examples": len(outcomes.examples),
        "advised": choose(facts).recommended,
    }
    if gains is None:
        return []
    single = {
        "single": gains.against,
        "single_score": float(values[gains.against]),
        "single_ms": round(gains.latency, 2),
    }
    best = {kind: next((row for row in gains.rows if row.ensemble.kind == kind), None) for kind in kinds}
    return [common | single | _described(row, float(values[row.ensemble.name])) for row in best.values() if row]


def _described(row: Gain, value: float) -> dict[str, Any]:
    return {
        "kind": row.ensemble.kind,
        "ensemble": row.ensemble.name,
        "members": dict(row.ensemble.members),
        "models": len(row.ensemble.parts),
        "ensemble_score": value,
        "ensemble_ms": round(row.latency, 2),
        **{key: significant(getattr(row, key), 4) for key in ("difference", "low", "high")},
        "safe_low": significant(row.safe_low, 4),
        "safe_high": significant(row.safe_high, 4),
    }


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="NAME=CHECKOUT")
    rows = []
    for run in parser.parse_args().runs:
        name, _, folder = run.partition("=")
        with inside(Path(folder)):
            rows += rows_of(name)
        print(rows[-2:], flush=True)
    record_rows(OUT, rows)


if __name__ == "__main__":
    main()
