"""`compare`: how candidates are judged, and what the advice weighs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Count, Fraction, Share
from pipeline.params.training.candidates import Candidate

ScoreName = Literal[
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "auroc",
    "average_precision",
    "log_loss",
    "brier",
    "cost",
    "rmse",
    "mae",
    "r2",
    "pinball",
]


def _text(name: Any) -> Any:
    """YAML reads 1 as a number. It is not turned into text here, since DVC, which reads this file too, fails where some
    keys are numbers and others are text."""
    if not isinstance(name, str):
        raise ValueError(f'the name of a class is text; write it in quotes, such as "{name}"')
    return name


ClassName = Annotated[str, BeforeValidator(_text)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Prefer = Literal["accuracy", "balanced", "cheap_training", "fast_answers"]
ENSEMBLE = "ensemble"  # the family of those that are made of trained candidates
EnsembleKind = Literal["seeds", "greedy", "soup"]


def soup_of(candidate: str) -> Candidate:
    """What competes as the network with the mean of the weights of a candidate's seeds."""
    return Candidate(ENSEMBLE, f"soup-{candidate}")


def soup_stage(candidate: str) -> str:
    """What makes it, as `dvc repro` takes it."""
    return f"evaluate-soup@{candidate}"


class Ensembles(Strict):
    """Which ensembles of the trained candidates compete beside them.

    Attributes:
        kinds: `seeds`: the mean of a candidate's seeds, an ensemble for each candidate; `greedy`: candidates chosen on
            validation examples (Caruana et al. 2004); `soup`: one network with the mean of the weights of a fine-tuned
            candidate's seeds (Wortsman et al. 2022). Empty: none compete.
        of: of which candidates there are ensembles of seeds; None: of all but the floors.
        soups: of which fine-tuned candidates there are soups. Each is made by a stage of its own, so dvc.yaml reads
            this list, and it names candidates.
        members: how many candidates the greedy one holds at most.
    """

    kinds: list[EnsembleKind] = []
    of: list[str] | None = None
    soups: list[str] = []
    members: Count = 5


class Compare(Strict):
    """How candidates are judged. Margins are in the units of the score where it lies between 0 and 1, such as accuracy;
    of losses, costs and errors they are shares of the floor's value.

    Attributes:
        score: what candidates are ranked by; None: accuracy, or the RMSE of numbers.
        costs: true class → said class → what that costs; for the score `cost`.
        quantile: of the pinball loss.
        confidence: of intervals, and of what is called shown.
        margin: differences below it do not matter.
        resamples: of the paired bootstrap.
        prefer: what matters beside the score. `accuracy`: nothing, the least expected regret is advised;
            `cheap_training`, `fast_answers`, or `balanced` (both): the cheapest candidate within the tolerance is.
        tolerance: the highest expected regret that the advice may have. If the least expected regret plus three tenths
            of the tolerance is larger, that is the limit. None: the margin.
        ensembles: which ensembles of the candidates compete. Off unless they are named.
    """

    score: ScoreName | None = None
    costs: dict[ClassName, dict[ClassName, Cost]] = {}
    quantile: Fraction | None = None
    confidence: Fraction
    margin: Fraction
    resamples: Annotated[Count, Field(ge=100)]
    prefer: Prefer = "balanced"
    tolerance: Share | None = None
    ensembles: Ensembles = Ensembles()

    @property
    def tolerated_regret(self) -> float:
        """The tolerance that holds: the margin where none is named."""
        return self.margin if self.tolerance is None else self.tolerance
