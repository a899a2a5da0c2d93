"""Soups: the mean of the weights of a fine-tuned candidate's seeds, as one network (Wortsman et al. 2022).

The stage `soup` makes it and asks it; here it is decided whether it competes, and it becomes a candidate.

A soup is to compete only where validation does not fall. But each seed draws its own validation examples, and the other
seeds have learned from most of them: the soup of all seeds would be judged on what it knows. What neither of two seeds
has learned from is what both validated on (each network's best epoch was chosen there, which favours it over the soup,
so the rule is a little hard on soups), about a fiftieth to a twentieth of the examples for each pair. There the
soup of these two is judged, beside their own networks, by the loss that networks are trained by, which tells more of
few examples than a share of right answers does. Over all pairs it has to be no worse than these are on average: the
mean and not the better of the two, since that one would be picked on the same few examples. So what is seen is whether
weights between seeds are worth as much as those of the seeds, and not how good the soup of all is: that the test
examples say, which decide nothing here, in the statistics of all candidates. No member is left out of a soup, as a
greedy soup would leave some: for that, these examples are too few.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.comparison.tables.ensembles.ensemble import Ensemble, Part, Validated
from pipeline.comparison.tables.ensembles.library import SPLITS, Library, MadeNetwork, assembled
from pipeline.comparison.tables.measurements import ComparisonError, Measured
from pipeline.ground.files import read_json, read_parquet
from pipeline.params.compare import soup_of, soup_stage
from pipeline.trials import evaluation_folder, probability_columns, read_trial, results_folder

log = logging.getLogger("kiyas")

LEAST = 1e-12  # probability that a loss is still told of


def make_soup(library: Library, name: str) -> Ensemble | None:
    """The soup of a candidate's seeds; None where validation falls, or where no example shows whether it does.

    Raises:
        ComparisonError: the soup is not there, or is of other models than the candidate's.
    """
    files = _files(name)
    _refuse_other_models(library.attempts[name], library.seeds)
    subsets, validated = read_parquet(files["subsets.parquet"]), validate_soup(library, name)
    if not validated.holds:
        log.info("%s", left_out_sentence(name, validated))
        return None
    own = read_parquet(files["predictions.parquet"])
    tables = {split: _sorted(own[own["split"] == split].drop(columns=["seed", "split"])) for split in SPLITS}
    without = [answers_without(library, name, subsets, seed).assign(seed=seed) for seed in library.seeds]
    candidate = soup_of(name)
    trial = read_trial(candidate.name)
    return assembled(
        library,
        candidate,
        "soup",
        {name: 1.0},
        (Part(candidate.name, int(trial.seeds[0]["seed"]), 1.0),),
        {(seed, split): tables[split] for seed in library.seeds for split in SPLITS},
        pd.concat(without, ignore_index=True),
        MadeNetwork(trial.fingerprint, read_json(files["cost.json"]), read_json(files["metrics.json"])["size"]),
    )


def validate_soup(library: Library, name: str) -> Validated:
    """How soups of two seeds do on what both validated on; see above."""
    subsets = read_parquet(_files(name)["subsets.parquet"])
    soups, members = [], []
    for one, other in combinations(library.seeds, 2):
        told = _sorted(_of(subsets, (one, other), "val"))
        soups.append(_losses(told))
        singles = [library.answers[name][seed, "val"] for seed in (one, other)]
        members.append(np.mean([_losses(_at(table, told)) for table in singles], axis=0))
    loss, of_members = np.concatenate(soups), np.concatenate(members)
    return Validated(len(loss), *((float(loss.mean()), float(of_members.mean())) if len(loss) else (np.nan, np.nan)))


def left_out_sentence(name: str, validated: Validated) -> str:
    """Why a soup does not compete."""
    soup = soup_of(name).name
    if not validated.examples:
        return (
            f"{soup} does not compete: no two seeds of {name} validated on an example in common, which would judge it"
        )
    return (
        f"{soup} does not compete: on {validated.examples} validation examples that neither of two seeds learned from, "
        f"the mean of their weights has a loss of {validated.loss:.3g}, they themselves {validated.members_loss:.3g}"
    )


def _files(name: str) -> dict[str, Path]:
    """What the stage wrote.

    Raises:
        ComparisonError: some of it is missing.
    """
    soup = soup_of(name).name
    folder = evaluation_folder(soup)
    files = {key: folder / key for key in ("cost.json", "metrics.json", "predictions.parquet", "subsets.parquet")}
    for path in (*files.values(), results_folder(soup) / "trial.json"):
        if not path.is_file():
            raise ComparisonError(
                f"{path.as_posix()}: is missing, so {soup} cannot be compared; run `dvc repro {soup_stage(name)}`, or "
                f"take {name} out of compare.ensembles.soups in params.yaml"
            )
    return files


def _refuse_other_models(of: Measured, seeds: Sequence[int]) -> None:
    soup = soup_of(of.name).name
    made_of = read_trial(soup).parameters["soup"]
    if made_of["fingerprint"] != of.trial.fingerprint or sorted(made_of["seeds"]) != list(seeds):
        raise ComparisonError(
            f"results/{soup}/trial.json: is of other models than those of {of.name} on disk; run "
            f"`dvc repro {soup_stage(of.name)}`"
        )


def answers_without(library: Library, name: str, subsets: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What the soup without a seed answers on test examples; of two seeds that is the other one's network."""
    others = tuple(other for other in library.seeds if other != seed)
    if len(others) == 1:
        return library.answers[name][others[0], "test"]
    return _sorted(_of(subsets, others, "test"))


def _of(subsets: pd.DataFrame, seeds: Sequence[int], split: str) -> pd.DataFrame:
    asked = {str(seed) for seed in seeds}
    own = subsets["seeds"].map(lambda text: set(re.findall(r"\d+", text)) == asked).astype(bool)
    return subsets[own & (subsets["split"] == split)].drop(columns=["seeds", "split"])


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("example", ignore_index=True)


def _at(table: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Its rows of the examples of another table, in their order."""
    return table.set_index("example").loc[list(like["example"])].reset_index()


def _losses(table: pd.DataFrame) -> NDArray[np.float64]:
    """(N,) log losses, or squared errors of numbers."""
    names = probability_columns(table)
    if not names:
        return np.asarray((table["predicted"] - table["label"]) ** 2, np.float64)
    own = table[names].to_numpy(np.float64)[np.arange(len(table)), table["label"].to_numpy(np.int64)]
    return np.asarray(-np.log(np.maximum(own, LEAST)))
