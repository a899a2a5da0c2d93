"""What one candidate left on disk, read once, and what several of its runs say of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.ground.files import read_json
from pipeline.tracking.descriptions.comparison import deployed_of, read_ranking
from pipeline.tracking.descriptions.lineage import DataInput, data_inputs, dataset_of, dvc_tags
from pipeline.tracking.run_fields import finite, flat_params, known_tags, milliseconds, source_tags, stage_of
from pipeline.trials import Trial, evaluation_folder, read_history, read_trial, results_folder


def is_complete(candidate: str) -> bool:
    """Whether a candidate's training has left all its files; evaluation may still be missing."""
    return all((results_folder(candidate) / name).is_file() for name in ("trial.json", "history.csv", "cost.json"))


class CandidateFiles:
    """results/<candidate>/, evaluation/<candidate>/ and the candidate's row of comparison/ranking.csv.

    Attributes:
        metrics: metrics.json; empty before evaluation.
        evaluation_cost: cost.json of evaluation; empty before.
        ranking: empty before a comparison.
        deployed: of verdict.json, the one model that is served if the candidate is chosen; empty before a comparison.
        dataset: dataset.json of the examples that it learned from; empty where they have been prepared anew since.
        inputs: the data sets that it used.
    """

    def __init__(self, candidate: str) -> None:
        results, evaluation = results_folder(candidate), evaluation_folder(candidate)
        self.trial: Trial = read_trial(candidate)
        self.history: pd.DataFrame = read_history(candidate)
        self.cost: dict[str, Any] = read_json(results / "cost.json")
        self.metrics: dict[str, Any] = _read_if_there(evaluation / "metrics.json")
        self.evaluation_cost: dict[str, Any] = _read_if_there(evaluation / "cost.json")
        self.ranking: dict[str, Any] = read_ranking().get(candidate, {})
        self.deployed: dict[str, Any] = deployed_of(candidate)
        self.dataset: dict[str, Any] = dataset_of(results / "trial.json")
        self.inputs: list[DataInput] = data_inputs(self.dataset, evaluated=bool(self.metrics))

    def cost_of(self, seed: int) -> dict[str, Any]:
        return dict(self.cost.get("seeds", {}).get(str(seed), {}))

    def mean_cost(self) -> dict[str, float]:
        """Means over the seeds of what cost.json measured."""
        rows = pd.DataFrame([finite(self.cost_of(entry["seed"])) for entry in self.trial.seeds])
        return finite({str(key): value for key, value in rows.mean().items()})

    def time(self, key: str, pick: Callable[[list[int]], int]) -> int | None:
        """
        Args:
            key: "started" or "ended".
            pick: min or max, over the seeds.
        """
        times = [milliseconds(self.cost_of(entry["seed"]).get(key)) for entry in self.trial.seeds]
        known = [time for time in times if time is not None]
        return pick(known) if known else None

    def circumstances(self) -> dict[str, str]:
        """Tags: where, from which commit and with what it was trained."""
        values = {
            "mlflow.source.git.commit": self.cost.get("commit"),
            "kiyas.dirty": self.cost.get("dirty"),
            "kiyas.host": self.cost.get("host"),
            "kiyas.versions": self.cost.get("versions"),
            "kiyas.phases": ", ".join(str(phase["train"]) for phase in self.trial.phases),
        }
        made_by = dvc_tags(results_folder(self.trial.candidate) / "trial.json")
        return {**known_tags(values), **source_tags(stage_of(self.trial)), **made_by}

    def facts(self) -> dict[str, str]:
        """Params that only the finished training knows; the list of what was tried stays in trial.json."""
        tuning = {key: value for key, value in self.trial.tuning.items() if key != "tried"}
        return flat_params({"parameter_counts": self.trial.parameter_counts, "tuning": tuning})


def _read_if_there(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}
