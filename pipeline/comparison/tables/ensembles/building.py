"""From trained candidates to the ensembles that params.yaml asks for. Nothing is trained, and no test example chooses.

An ensemble's answers on examples to learn from come from those of its models that learned from each, its answers on
validation examples from those that validated on each. Where each seed has validation examples of its own, these are
fewer than answer a test example, mostly one, so the validation score of an ensemble of seeds is about that of a single
model: part of what averaging brings then counts as negative shift. The seeds of a series share one validation stretch,
on which all models answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd

from pipeline.comparison.tables.alignment import refuse_other_seeds
from pipeline.comparison.tables.ensembles.averaging import average
from pipeline.comparison.tables.ensembles.ensemble import GREEDY, Ensemble, Part, ensemble_of_seeds
from pipeline.comparison.tables.ensembles.library import SPLITS, Library, assembled, library_of
from pipeline.comparison.tables.ensembles.selection import judge_for, select_greedily, values_by_seed
from pipeline.comparison.tables.ensembles.soups import make_soup
from pipeline.comparison.tables.measurements import ComparisonError, Measured, evaluation_command
from pipeline.params.compare import Ensembles
from pipeline.scores.score import Answers, Score
from pipeline.trials import probability_columns

log = logging.getLogger("kiyas")


def make_ensembles(measured: Sequence[Measured], settings: Ensembles, score: Score) -> list[Ensemble]:
    """
    Args:
        measured: the trained candidates, with the probabilities of SPLITS.
        settings: `compare.ensembles` of params.yaml.
        score: what candidates are ranked by.

    Raises:
        ComparisonError: one is asked for that would hold one model, a candidate's probabilities are not there, or
            candidates have other seeds or validation examples than the first one.
    """
    attempts = {one.name: one for one in measured if not one.is_floor}
    if not settings.kinds or not attempts:
        return []
    named = list(attempts) if settings.of is None else settings.of
    for key, kind, names in (("of", "seeds", named), ("soups", "soup", settings.soups)):
        if kind in settings.kinds and (unknown := [name for name in names if name not in attempts]):
            raise ComparisonError(
                f"params.yaml: compare.ensembles.{key}: {unknown[0]!r} does not compete; name one that does"
            )
    for one in measured:
        refuse_other_seeds(one, measured[0])
    library = library_of(measured)
    made = [_of_seeds(library, name) for name in named] if "seeds" in settings.kinds else []
    made += [_greedy(library, settings.members, score)] if "greedy" in settings.kinds else []
    made += [make_soup(library, name) for name in settings.soups] if "soup" in settings.kinds else []
    return [one for one in made if one is not None]


def _of_seeds(library: Library, name: str) -> Ensemble | None:
    """The mean over the seeds of one candidate; None where all seeds are one model, as those of a ridge on a series."""
    seeds, tables = library.seeds, library.answers[name]
    if len(seeds) < 2:
        raise ComparisonError(
            f"params.yaml: compare.ensembles.kinds: 'seeds' would average one model, since seeds = {seeds}; name two "
            "seeds or more, or leave 'seeds' out"
        )
    if all(tables[seed, split].equals(tables[seeds[0], split]) for seed in seeds for split in SPLITS):
        log.info("%s does not compete: all seeds of %s are one model", ensemble_of_seeds(name).name, name)
        return None
    alike = {split: average([tables[seed, split] for seed in seeds], [1.0] * len(seeds)) for split in SPLITS}
    without = [
        average([tables[other, "test"] for other in seeds if other != seed], [1.0] * (len(seeds) - 1)).assign(seed=seed)
        for seed in seeds
    ]
    parts = tuple(Part(name, seed, 1 / len(seeds)) for seed in seeds)
    whole = {(seed, split): alike[split] for seed in seeds for split in SPLITS}
    candidate = ensemble_of_seeds(name)
    return assembled(library, candidate, "seeds", {name: 1.0}, parts, whole, pd.concat(without, ignore_index=True))


def _greedy(library: Library, most: int, score: Score) -> Ensemble | None:
    """None where no second candidate brings anything on validation examples: one model is no ensemble."""
    seeds, names = library.seeds, list(library.attempts)
    if min(len(names), most) < 2:
        key = f"compare.ensembles.members = {most}" if most < 2 else "compare.ensembles.kinds: 'greedy'"
        raise ComparisonError(
            f"params.yaml: {key}: would be an ensemble of one candidate; "
            + ("allow two or more" if most < 2 else "let two or more compete, or leave 'greedy' out")
        )
    _refuse_other_validation(library, names)
    validation = [_together([library.answers[name][seed, "val"] for name in names]) for seed in seeds]
    shares = select_greedily(validation, judge_for(score), most)
    if np.count_nonzero(shares) < 2:
        log.info("ensemble-greedy does not compete: no second candidate brings anything on validation examples")
        return None
    order = np.argsort(-shares, kind="stable")
    members = {names[place]: float(shares[place]) for place in order if shares[place]}
    best = _best_seed(validation, shares, judge_for(score))
    parts = tuple(Part(name, seeds[best], weight) for name, weight in members.items())
    whole = {
        (seed, split): average([library.answers[name][seed, split] for name in members], list(members.values()))
        for seed in seeds
        for split in SPLITS
    }
    return assembled(library, GREEDY, "greedy", members, parts, whole)


def _refuse_other_validation(library: Library, names: Sequence[str]) -> None:
    """
    Raises:
        ComparisonError: with a seed a candidate validated on other examples, or labels, than the first one.
    """
    first, *others = names
    for name, seed in product(others, library.seeds):
        own, expected = library.answers[name][seed, "val"], library.answers[first][seed, "val"]
        again = f"run {evaluation_command(library.attempts[name].candidate)}, or set compare.ensembles.kinds: []"
        where = f"evaluation/{name}/predictions.parquet: with seed {seed}"
        if list(own["example"]) != list(expected["example"]):
            odd = sorted(set(own["example"]) ^ set(expected["example"])) or sorted(own["example"])
            raise ComparisonError(
                f"{where} its {len(own)} validation examples are not the {len(expected)} of {first}, such as "
                f"{odd[0]!r}, so no ensemble can be chosen on them; {again}"
            )
        if not own["label"].equals(expected["label"]):
            raise ComparisonError(
                f"{where} labels of validation examples differ from those of {first}, so one of them is of older data; "
                f"{again}"
            )


def _together(tables: Sequence[pd.DataFrame]) -> Answers:
    """(C, M) answers of all candidates on the same examples."""
    names = probability_columns(tables[0])
    predicted = np.stack([table["predicted"].to_numpy(np.float64) for table in tables])
    probabilities = np.stack([table[names].to_numpy(np.float32) for table in tables]) if names else None
    return Answers(tables[0]["label"].to_numpy(), predicted, probabilities)


def _best_seed(validation: Sequence[Answers], shares: np.ndarray, judge: Score) -> int:
    """The place of the seed whose models answer: the best on its validation examples, the first of equals."""
    values = values_by_seed(validation, judge, shares)
    return int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
