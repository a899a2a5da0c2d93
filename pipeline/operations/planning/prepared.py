"""What `prepare` has found, where that still holds: of the data and parameters of today."""

from __future__ import annotations

from typing import Any

from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.operations.planning.due import GraphState
from pipeline.params.schema.reading import PARAMS_FILE
from pipeline.scores.faults import refuse_unfit_score

PREPARE = "prepare"  # the stage, as dvc.yaml names it


def current_dataset(graph: GraphState) -> dict[str, Any] | None:
    """dataset.json; None where `prepare` is due, which may find other classes and other counts.

    Args:
        graph: the state of stages with `prepare` among them; without, nobody has compared.
    """
    return read_json(DATASET) if graph.stages.get(PREPARE) == "unchanged" and DATASET.is_file() else None


def refuse_unfit_score_of_run(params: Params, graph: GraphState) -> None:
    """Before hours of training. Where `prepare` is due, the first stage after it refuses likewise (`__main__`).

    Raises:
        ScoreError: the score does not fit the prepared examples.
    """
    if (dataset := current_dataset(graph)) is not None:
        refuse_unfit_score(params.compare, dataset, PARAMS_FILE)
