"""The scores of a series' test stretch in consecutive parts: whether a lead holds over time, or comes from one of them.

Forecasters move the origin on and forecast anew from each (rolling-origin evaluation: Tashman 2000). Here every step is
forecast from the values just before it, so each part is a later origin; but a trial is trained once, on what came
before the whole stretch, so models are not fitted again at the later ones, as a model in use would not be either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.comparison.tables.design import ExampleDesign
from pipeline.comparison.tables.measurements import Measured
from pipeline.scores.score import Score
from pipeline.scores.score_for_task import usual_score

MOST_PARTS = 5
LEAST_STEPS = 20  # of a part


@dataclass(frozen=True)
class Parts:
    """
    Attributes:
        steps: of the whole test stretch.
        lengths: of each part, in the order of time; empty where the stretch is too short for two.
        ends: example ids of the first and the last step of each part.
        scores: of each candidate in each part, mean over its seeds.
        leaders: the best candidate of each part.
    """

    steps: int
    lengths: tuple[int, ...]
    ends: tuple[tuple[str, str], ...]
    scores: dict[str, tuple[float, ...]]
    leaders: tuple[str, ...]


def score_in_parts(measured: Sequence[Measured], design: ExampleDesign, score: Score | None = None) -> Parts | None:
    """As many parts as have LEAST_STEPS steps each, at most MOST_PARTS; None where examples have no order.

    A part in which candidates score the same is led by the one that comes first.

    Args:
        score: of numbers; None: the task's usual score.
    """
    if design.order is None:
        return None
    inside = sorted(design.test_examples, key=design.order.__getitem__)
    count = min(MOST_PARTS, len(inside) // LEAST_STEPS)
    if count < 2:
        return Parts(len(inside), (), (), {}, ())
    part_of = pd.Series({example: place * count // len(inside) for place, example in enumerate(inside)})
    members = [part.index for _, part in part_of.groupby(part_of)]
    score = score or usual_score(measured[0].trial.task)
    scores = {one.name: _scores(one, part_of, score) for one in measured}
    return Parts(
        steps=len(inside),
        lengths=tuple(map(len, members)),
        ends=tuple((str(part[0]), str(part[-1])) for part in members),
        scores=scores,
        leaders=tuple(_leader(scores, part, score) for part in range(count)),
    )


def _scores(one: Measured, part_of: pd.Series, score: Score) -> tuple[float, ...]:
    rows = one.predictions[one.predictions["split"] == "test"]
    by_part = rows.groupby([rows["example"].map(part_of), rows["seed"]])
    values = by_part.apply(lambda part: score.value(part["label"].to_numpy(), part["predicted"].to_numpy(float)))
    return tuple(map(float, values.groupby(level=0).mean()))


def _leader(scores: dict[str, tuple[float, ...]], part: int, score: Score) -> str:
    return max(scores, key=lambda name: score.sign * scores[name][part])
