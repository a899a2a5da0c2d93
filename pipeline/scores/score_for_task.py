"""Which score candidates are ranked by, and which others there are for a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pipeline.floors import LAST_VALUE, Floor, floor_of
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY, MACRO_F1, cost_score
from pipeline.scores.numbers import MAE, R2, RMSE, pinball_score
from pipeline.scores.probabilities import AUROC, AVERAGE_PRECISION, BRIER, LOG_LOSS
from pipeline.scores.score import Score, ScoreWords
from pipeline.tasks import task_named

SCORES = (ACCURACY, RMSE, BALANCED_ACCURACY, MACRO_F1, AUROC, AVERAGE_PRECISION, LOG_LOSS, BRIER, MAE, R2)
USUAL_SCORES = (ACCURACY, RMSE)
COST, PINBALL = "cost", "pinball"  # these are made for their matrix, and for their quantile
OF_CLASSES = (*(score.name for score in SCORES if score.of_classes), COST)
OF_NUMBERS = (*(score.name for score in SCORES if not score.of_classes), PINBALL)
LESS_IS_BETTER = (*(score.name for score in SCORES if score.sign < 0), COST, PINBALL)


class Wanted(Protocol):
    """What `compare` of params.yaml says of the score."""

    @property
    def score(self) -> str | None: ...
    @property
    def costs(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def quantile(self) -> float | None: ...


class ScoreError(ValueError):
    """The score that params.yaml names does not fit the examples; the message says what to do."""


def words_of(name: str) -> ScoreWords:
    """How a score is told, whatever its costs or its quantile are."""
    made = {COST: cost_score({}, ["any"]), PINBALL: pinball_score(0.5)}
    return next(score for score in (*SCORES, *made.values()) if score.name == name).words


def usual_score(task: str) -> Score:
    """What candidates of a task are ranked by where nothing else is said, and what training follows.

    Args:
        task: "multiclass", "binary" or "regression".
    """
    return ACCURACY if task_named(task).has_classes else RMSE


def usual_score_of(score: Score) -> Score:
    """The usual score of the tasks that a score is for."""
    return ACCURACY if score.of_classes else RMSE


def score_of(task: str, wanted: Wanted | None = None, class_names: Sequence[str] = ()) -> Score:
    """What candidates of a task are ranked by.

    Args:
        task: "multiclass", "binary" or "regression".
        wanted: what params.yaml says; None: the usual score.
        class_names: in the order of the class numbers; empty for numbers.

    Raises:
        ScoreError: the score is of the other kind of task.
    """
    if wanted is None or wanted.score is None:
        return usual_score(task)
    names = OF_CLASSES if task_named(task).has_classes else OF_NUMBERS
    if wanted.score not in names:
        raise ScoreError(_unfit(wanted.score, task_named(task).has_classes))
    if wanted.score == COST:
        return cost_score(wanted.costs, class_names)
    if wanted.score == PINBALL:
        assert wanted.quantile is not None, "checked with params.yaml"
        return pinball_score(wanted.quantile)
    return next(score for score in SCORES if score.name == wanted.score)


def floor_for(score: Score, task: str, kind: str) -> Floor:
    """What any model must beat: the score's own floor; of a series of numbers the last value, whatever the score.

    Args:
        task: "multiclass", "binary" or "regression".
        kind: "images", "table" or "series".
    """
    usual = floor_of(task, kind)
    return usual if usual is LAST_VALUE else score.floor or usual


def scores_for(task: str, wanted: Wanted, class_names: Sequence[str] = ()) -> list[Score]:
    """All that a task can be judged by; costs and quantiles only where params.yaml names them."""
    has_classes = task_named(task).has_classes
    found = [score for score in SCORES if score.of_classes == has_classes]
    if has_classes and wanted.costs:
        found.append(cost_score(wanted.costs, class_names))
    if not has_classes and wanted.quantile is not None:
        found.append(pinball_score(wanted.quantile))
    return found


def unfit_score(score: str | None, has_classes: bool) -> str | None:
    """Why a score does not fit, as half a sentence behind the file's name; None where it does."""
    names = OF_CLASSES if has_classes else OF_NUMBERS
    return None if score is None or score in names else _unfit(score, has_classes)


def _unfit(score: str, has_classes: bool) -> str:
    names, what = (OF_CLASSES, "classes are told apart") if has_classes else (OF_NUMBERS, "a number is predicted")
    return f"compare.score = {score}: does not fit, since {what}; name one of {', '.join(names)}, or null"
