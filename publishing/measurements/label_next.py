"""docs/results/label-next.md: accuracy against labels that `label-next` chose, and against labels drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.label_next import SEEDS, labels_by_round, parse
from pipeline.formats import percent, points, points_range
from pipeline.ground.files import read_json
from publishing.markdown import table
from publishing.measurements.kept import origin
from publishing.paths import RESULTS

LEVEL = 0.95
HEADS = ["labels", "at random", "`label-next`", "ahead of random (95 % interval)"]
HEADS += ["by uncertainty alone, ahead of random"]
WORDS = {"hog_colour": "edges and colours"}


def page() -> str:
    kept = read_json(RESULTS / "label_next.json")["measured"]
    sections = "\n".join(_section(name, of) for name, of in kept.items())
    return f"""# What choosing labels brings

`python -m benchmarks.label_next` lets the labelled photos of a named source play the unlabelled ones, and takes labels
by three rules: as [`label-next`](../how-to/label-next.md) chooses them, by the same weights without spreading out, and
at random. All three begin with the same labels drawn at random. The contenders are {SEEDS} linear classifiers on
features that are computed once, each with its own draw of training and validation examples. The code that chooses
is that of `label-next`; the contenders and the features are not a champion's. Accuracy is that on the test photos that
the limit leaves; differences are paired by repetition, each of which draws its own pool (half of the photos that
the limit leaves) and its own first labels, and the intervals are Student's. The command above each table makes it.

{origin("label_next")}

{sections}
Such a study knows all labels, and measures on a test set that nobody chose. With photos of your own, label some at
random as well: what `label-next` chooses is no sample, and no test.
"""


def command(asked: Mapping[str, Any]) -> str:
    """What was typed: all that is not as usual."""
    usual = vars(parse([]))
    options = [f"--{key} {value}" for key, value in asked.items() if value != usual[key]]
    return " ".join(["python -m benchmarks.label_next", *options])


def _section(name: str, of: Mapping[str, Any]) -> str:
    asked, labels = of["asked"], labels_by_round(of["asked"])
    curves = {rule: np.array(rows) for rule, rows in of["accuracy"].items()}
    ahead = {rule: curves[rule] - curves["random"] for rule in ("label-next", "uncertainty")}
    rows = [_row(place, labels[place], curves, ahead) for place in range(len(labels))]
    features = WORDS.get(asked["features"], f"features of {asked['features']}")
    limit = f"at most {asked['limit']} photos a split" if asked["limit"] else "all photos"
    return f"""## {name}

`{command(asked)}`

{features[0].upper()}{features[1:]} of {asked["size"]} pixels, {limit}, {len(curves["random"])} repetitions,
{asked["step"]} labels a round. {_finding(labels, ahead["label-next"])}

{table(HEADS, rows)}
"""


def _row(
    place: int, labels: int, curves: Mapping[str, NDArray[np.float64]], ahead: Mapping[str, NDArray[np.float64]]
) -> list[str]:
    cells = [str(labels), *(percent(float(curves[rule][:, place].mean())) for rule in ("random", "label-next"))]
    return cells + [_difference(ahead[rule][:, place]) if place else "the same labels" for rule in ahead]


def interval(differences: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean, and its interval over the repetitions."""
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / len(differences) ** 0.5)
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(differences) - 1)) * error
    return mean, mean - half, mean + half


def _difference(differences: NDArray[np.float64]) -> str:
    mean, low, high = interval(differences)
    return f"{points(mean)} ({points_range(low, high)})"


def _finding(labels: Sequence[int], ahead: NDArray[np.float64]) -> str:
    """What the table shows of `label-next`, in a sentence, whatever that is."""
    intervals = [interval(ahead[:, place]) for place in range(1, len(labels))]
    better = [count for count, (_, low, _) in zip(labels[1:], intervals, strict=True) if low > 0]
    worse = [count for count, (_, _, high) in zip(labels[1:], intervals, strict=True) if high < 0]
    mean, low, high = intervals[-1]
    last = f"with {labels[-1]} labels the difference is {points(mean)} ({points_range(low, high)})"
    if worse:
        return f"Here it is worse than random in {len(worse)} of {len(intervals)} rounds; {last}."
    if not better:
        return f"Here it is not shown to help: {last}."
    return f"Here it is ahead of random in {len(better)} of {len(intervals)} rounds, each by its own interval; {last}."
