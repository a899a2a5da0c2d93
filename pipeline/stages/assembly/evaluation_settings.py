"""What evaluation is told by params.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from pipeline.params.evaluation import Evaluation
from pipeline.params.reading import read_section, read_value
from pipeline.params.strategies import Finetune, Strategy
from pipeline.params.training import Training
from pipeline.params.upkeep.keep import Keep


@dataclass(frozen=True)
class EvaluationSettings:
    """The sections of params.yaml that evaluation reads.

    All but `evaluation` decide what is kept for other candidates, and no result.
    """

    evaluation: Evaluation
    keep: Keep
    finetune: Finetune
    strategies: dict[str, Strategy]
    training: Training


def read_evaluation_settings() -> EvaluationSettings:
    """
    Raises:
        ParamsError: a section is not there, or does not fit.
    """
    return EvaluationSettings(
        evaluation=read_section("evaluation", Evaluation),
        keep=read_section("keep", Keep),
        finetune=read_section("finetune", Finetune),
        strategies=read_value("strategies", TypeAdapter(dict[str, Strategy])),
        training=read_section("training", Training),
    )
