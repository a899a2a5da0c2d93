"""Who is asked: the champion, and other trained models that are on disk, each with calibrated probabilities.

A committee (Seung et al. 1992, "Query by Committee") is worth more the better its members are, so nobody who is shown
to be worse than the best takes part. Besides the champion these are the best models of the other candidates that stand
in comparison/ranking.csv, then the champion's own candidate with other seeds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from filecmp import cmp
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.answering import Served
from pipeline.champions.integrity.signing import VERIFYING_KEY
from pipeline.champions.served.deployed import is_ensemble
from pipeline.comparison.tables.measurements import best_seed
from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import load_models, predictor
from pipeline.evaluation.measures.calibration import fit_temperature, scale
from pipeline.ground.files import read_parquet, reading
from pipeline.ground.paths import RANKING
from pipeline.models.archive import read_model
from pipeline.operations.labelling.choice import Floats
from pipeline.operations.labelling.pool import BLOCK, Pool
from pipeline.operations.labelling.seen_features import files_of
from pipeline.operations.retraining.contenders import ReigningChampion, in_classes
from pipeline.tracking.descriptions.lineage import dataset_of
from pipeline.trials import Trial, evaluation_folder, probability_columns, read_trial, results_folder

MOST = 5  # contenders that are asked: each takes a pass over all examples

Answer = Callable[[NDArray[Any]], Floats]  # today's inputs → (N, today's classes) probabilities; (N, 1) numbers


@dataclass(frozen=True)
class Contender:
    """One model.

    Attributes:
        name: as it is to be called.
        load: brings it into memory.
    """

    name: str
    load: Callable[[], Answer]


def gather_contenders(champion: ReigningChampion, today: Prepared) -> list[Contender]:
    """The champion, and at most MOST - 1 others that take today's inputs and tell today's classes apart.

    Args:
        today: a prepared split, for its classes, columns and size.
    """
    reigning = champion.champion
    first = Contender(reigning.title, partial(_load_champion, champion, today))
    if os.environ.get(VERIFYING_KEY):  # models in results/ have no signature
        return [first]
    others = [(trial, best_seed(trial)) for trial in _standing() if trial.fingerprint != reigning.fingerprint]
    own = [trial for trial in _trials([reigning.candidate]) if trial.fingerprint == reigning.fingerprint]
    others += [(trial, seed) for trial in own for seed in map(_seed, trial.seeds) if seed != reigning.seed]
    own_files = files_of(champion)  # the members of an ensemble compete on their own, and would count twice
    fitting = [
        (trial, seed)
        for trial, seed in others
        if _fits(trial, seed, today) and not any(cmp(trial.model_file(seed), file, shallow=False) for file in own_files)
    ]
    kept = [Contender(f"{trial.candidate}, seed {seed}", partial(_load, trial, seed, today)) for trial, seed in fitting]
    return [first, *kept[: MOST - 1]]


def ask_all(contenders: Sequence[Contender], pool: Pool) -> Floats:
    """(M, N, K): what each contender says of each example; one is in memory at a time."""
    return np.stack([np.concatenate(list(_answers(contender.load(), pool))) for contender in contenders])


def _answers(answer: Answer, pool: Pool) -> Iterator[Floats]:
    for start in range(0, len(pool.names), BLOCK):
        yield answer(pool.inputs_of(np.arange(start, min(start + BLOCK, len(pool.names)))))


def _standing() -> list[Trial]:
    """Trained candidates that the comparison on disk does not show to be worse than the best, best first."""
    if not RANKING.is_file():
        return []
    with reading(RANKING):
        table = pd.read_csv(RANKING)
        names = table.loc[table["relation_to_best"] != "worse", "candidate"]
    return _trials(list(map(str, names)))


def _trials(candidates: Sequence[str]) -> list[Trial]:
    """Of those that were trained: the members of an ensemble compete on their own."""
    trained = [name for name in candidates if not is_ensemble(name)]  # a soup has a trial.json too
    return [read_trial(name) for name in trained if (results_folder(name) / "trial.json").is_file()]


def _seed(described: dict[str, Any]) -> int:
    return int(described["seed"])


def _fits(trial: Trial, seed: int, today: Prepared) -> bool:
    """Whether the model is here, evaluated, and learned from today's examples: a class may have another name since."""
    if not trial.model_file(seed).is_file() or not _predictions_file(trial).is_file() or trial.task != today.task:
        return False
    if not dataset_of(results_folder(trial.candidate) / "trial.json"):
        return False
    described = today.described_inputs()
    if any(trial.parameters.get(key, value) != value for key, value in described.items()):
        return False
    return len(_probabilities(_validation(trial, seed)).columns) == len(today.class_names)


def _load(trial: Trial, seed: int, today: Prepared) -> Answer:
    answer = predictor(load_models([trial.model_file(seed)], read_model)[0])
    served = Served(answer, today.class_names, today.image_size, today.columns)
    return _calibrated(served.probabilities, _validation(trial, seed))


def _load_champion(champion: ReigningChampion, today: Prepared) -> Answer:
    rows = champion.predictions
    answer = _calibrated(champion.served.probabilities, rows[rows["split"] == "val"])
    own = champion.champion.class_names

    def of_today(inputs: NDArray[Any]) -> Floats:
        answers = answer(champion.asked(inputs, today.columns))
        return in_classes(answers, own, today.class_names) if own else answers

    return of_today


def _calibrated(answer: Answer, validation: pd.DataFrame) -> Answer:
    """Probabilities at the temperature that the model's validation examples ask for (Guo et al. 2017).

    Numbers stay as they are, and so do probabilities of a model without validation examples.
    """
    probabilities = _probabilities(validation)
    if not len(probabilities) or not len(probabilities.columns):
        return answer
    temperature = fit_temperature(validation["label"].to_numpy(np.int64), probabilities.to_numpy(np.float64))
    return lambda inputs: np.asarray(scale(answer(inputs), temperature), np.float64)


def _predictions_file(trial: Trial) -> Path:
    return evaluation_folder(trial.candidate) / "predictions.parquet"


def _validation(trial: Trial, seed: int) -> pd.DataFrame:
    rows = read_parquet(_predictions_file(trial))
    return rows[(rows["seed"] == seed) & (rows["split"] == "val")]


def _probabilities(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[probability_columns(rows)]
