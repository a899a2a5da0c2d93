"""What ensembles are made of: the answers of every attempt, and how one becomes a candidate that `compare` can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.comparison.tables.ensembles.costs import costs_of, latency_of, size_of
from pipeline.comparison.tables.ensembles.ensemble import Ensemble, Part, fingerprint_of
from pipeline.comparison.tables.measurements import (
    GROUP,
    KEYS,
    PREDICTION_COLUMNS,
    ComparisonError,
    Measured,
    evaluation_command,
)
from pipeline.params.compare import EnsembleKind
from pipeline.params.training.candidates import Candidate
from pipeline.tasks import task_named
from pipeline.trials import Trial, history_columns, probability_columns

SPLITS = ("train", "val", "test")  # of which the candidates' probabilities have to be read

Tables = dict[tuple[int, str], pd.DataFrame]  # seed and split → one row an example


@dataclass(frozen=True)
class Library:
    """What may be averaged: the attempts, and what each seed of each answered, sorted by example."""

    attempts: Mapping[str, Measured]
    answers: Mapping[str, Tables]
    seeds: list[int]


def library_of(measured: Sequence[Measured]) -> Library:
    """
    Args:
        measured: the trained candidates, with the probabilities of SPLITS; all have the seeds of the first.

    Raises:
        ComparisonError: a candidate's probabilities, or answers of a seed, are not there.
    """
    attempts = {one.name: one for one in measured if not one.is_floor}
    return Library(attempts, {name: _answers_of(one) for name, one in attempts.items()}, measured[0].seeds)


@dataclass(frozen=True)
class MadeNetwork:
    """What was measured on a network that no training has made.

    Attributes:
        fingerprint: of its own trial.json; latency: as evaluation/<candidate>/cost.json has it; size: as metrics.json.
    """

    fingerprint: str
    latency: dict[str, Any]
    size: dict[str, Any]


def _answers_of(one: Measured) -> Tables:
    rows = one.predictions
    if task_named(one.trial.task).has_classes:
        if one.probabilities is None:
            raise ComparisonError(
                f"evaluation/{one.name}/predictions.parquet: holds no probabilities, which compare.ensembles averages; "
                f"run {evaluation_command(one.candidate)}, or set compare.ensembles.kinds: []"
            )
        rows = rows.merge(one.probabilities, on=KEYS, validate="one_to_one")
    tables: Tables = {
        (int(str(seed)), str(split)): part.drop(columns=["seed", "split"]).sort_values("example", ignore_index=True)
        for (seed, split), part in rows.groupby(["seed", "split"], sort=False)
    }
    if lacking := [(seed, split) for seed in one.seeds for split in SPLITS if (seed, split) not in tables]:
        seed, split = lacking[0]
        raise ComparisonError(
            f"evaluation/{one.name}/predictions.parquet: has no predictions of seed {seed} on the split {split}, which "
            f"compare.ensembles averages; run {evaluation_command(one.candidate)}, or set compare.ensembles.kinds: []"
        )
    return tables


def assembled(
    library: Library,
    candidate: Candidate,
    kind: EnsembleKind,
    members: Mapping[str, float],
    parts: tuple[Part, ...],
    whole: Tables,
    left_out: pd.DataFrame | None = None,
    network: MadeNetwork | None = None,
) -> Ensemble:
    """As `compare` reads a trained candidate.

    Args:
        network: where one answers that no training has made, such as a soup: what was measured on it.
    """
    of = [library.attempts[name] for name in members]
    rows = pd.concat(
        [table.assign(seed=seed, split=split) for (seed, split), table in whole.items()], ignore_index=True
    )
    names, groups = probability_columns(rows), [GROUP] if GROUP in rows else []
    trained = 1 if kind == "greedy" else len(library.seeds)  # models of each member
    asked = trained if kind == "seeds" else 1
    return Ensemble(
        candidate=candidate,
        trial=_trial(candidate, kind, members, parts, of, asked, network),
        history=pd.DataFrame(columns=history_columns(of[0].trial.task)),
        cost=costs_of(of, library.seeds, trained),
        metrics={"size": network.size if network else size_of(of, asked), "seeds": {}, "mean": {}},
        latency=network.latency if network else latency_of(of, asked),
        predictions=rows[[*PREDICTION_COLUMNS, *groups]],
        probabilities=rows[[*KEYS, *names]] if names else None,
        kind=kind,
        members=dict(members),
        parts=parts,
        left_out=left_out,
    )


def _trial(
    candidate: Candidate,
    kind: EnsembleKind,
    members: Mapping[str, float],
    parts: tuple[Part, ...],
    of: Sequence[Measured],
    repeated: int,
    network: MadeNetwork | None,
) -> Trial:
    fingerprints = {one.name: one.trial.fingerprint for one in of}
    if network:  # its parts name one seed, its own fingerprint all that it is made of
        fingerprints[parts[0].candidate] = network.fingerprint
    counts = {key: repeated * sum(one.trial.parameter_counts[key] for one in of) for key in ("total", "trainable")}
    return Trial(
        candidate=candidate.name,
        family=candidate.family,
        backbone=None,
        technique=None,
        task=of[0].trial.task,
        fingerprint=fingerprint_of(kind, parts, fingerprints),
        parameters={"ensemble": {"kind": kind, "members": dict(members)}},
        parameter_counts=counts,
        phases=[],
        seeds=[{"seed": seed} for seed in of[0].seeds],
    )
