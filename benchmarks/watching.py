"""Does the score that is estimated without labels hold? Planted shifts in a world whose labels are known.

    python -m benchmarks.watching                      (100 repeats a row, and 50 of scores other than accuracy)
    python -m benchmarks.watching --repeats 25

A logistic regression learns three classes from 400 examples with four numbers each, 300 test examples calibrate it, and
200 new ones come without labels, shifted as the row says. `plain` says its probabilities as they are, `sure` says them
three times as surely (its logits are tripled), as large networks do. Written to benchmarks/out/watching.json:

    shift      what has changed; "concept" are those where equal inputs have other labels than before
    model      plain or sure
    score      that is estimated
    true       the score on the new examples, mean over the repeats; before: on the test examples
    told       what is estimated
    as_said    what the model's own probabilities say of its accuracy, not calibrated; for accuracy alone
    coverage   95 % intervals that hold the true score of the new examples
    worse      repeats in which the score is said to be worse than before
    drift      repeats in which inputs are said to have drifted (at a level of 0.01)
    labels     repeats in which labels are called worth asking for
    repeats    how many
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from pipeline.ground.files import write_json
from pipeline.operations.retraining.drift import Sample
from pipeline.operations.retraining.estimated_score import Unlabelled, estimate_score
from pipeline.operations.retraining.row_drift import number_shift
from pipeline.operations.watching.input_drift import InputDrift, output_drift
from pipeline.scores.choice import SCORES
from pipeline.scores.classes import ACCURACY
from pipeline.scores.score import Answers, Score

OUT = Path("benchmarks/out/watching.json")
CONFIDENCE, LEVEL = 0.95, 0.01
LEARNT, REFERENCE, NEW = 400, 300, 200
CLASSES, NUMBERS = ["a", "b", "c"], 4
SURENESS = {"plain": 1.0, "sure": 3.0}

Floats = NDArray[np.float64]


def weights(turned: float = 0.0) -> Floats:
    """(NUMBERS, classes) what the classes hang on; turned by an angle in the plane of the first two numbers."""
    angles = 2 * np.pi * np.arange(len(CLASSES)) / len(CLASSES) + turned
    rows = np.zeros((NUMBERS, len(CLASSES)))
    rows[0], rows[1] = 2.0 * np.cos(angles), 2.0 * np.sin(angles)
    return rows


@dataclass(frozen=True)
class Shift:
    """One way in which new examples differ.

    Attributes:
        name: as the row has it.
        inputs: (N, NUMBERS) as they were → as they are.
        turned: by which angle the meaning of the first two numbers has turned.
        shares: how often each class is kept; None: as they come.
        concept: whether equal inputs have other labels than before.
    """

    name: str
    inputs: Callable[[Floats], Floats] = lambda inputs: inputs
    turned: float = 0.0
    shares: tuple[float, ...] | None = None
    concept: bool = False

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Floats, NDArray[np.int64]]:
        """Inputs (N, NUMBERS) and labels (N,)."""
        many = count if self.shares is None else 8 * count
        inputs = self.inputs(rng.normal(size=(many, NUMBERS)))
        chances = softmax(inputs @ weights(self.turned), axis=1)
        labels = (rng.random((many, 1)) >= chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
        if self.shares is not None:
            kept = np.flatnonzero(rng.random(many) < np.array(self.shares)[labels])[:count]
            inputs, labels = inputs[kept], labels[kept]
        return inputs, labels


USUAL = Shift("none")
SHIFTS = (
    USUAL,
    Shift("harder inputs", lambda inputs: 0.4 * inputs),
    Shift("easier inputs", lambda inputs: 1.8 * inputs),
    Shift("another mixture", lambda inputs: inputs + np.array([-1.0, 0.5, 0.0, 0.0])),
    Shift("an irrelevant number has moved", lambda inputs: inputs + np.array([0.0, 0.0, 1.5, 0.0])),
    Shift("other shares of the classes", shares=(1.0, 0.3, 0.1), concept=True),
    Shift("labels mean something else", turned=0.7, concept=True),
)


def judge(shift: Shift, model: str, score: Score, repeats: int) -> dict[str, float | str | bool | None]:
    """One row."""
    rows = [_once(np.random.default_rng([5, repeat]), shift, model, score) for repeat in range(repeats)]
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    as_said = means.pop("as_said")
    return {
        "shift": shift.name,
        "concept": shift.concept,
        "model": model,
        "score": score.name,
        **means,
        "as_said": as_said if score is ACCURACY else None,
        "repeats": repeats,
    }


def _once(rng: np.random.Generator, shift: Shift, model: str, score: Score) -> dict[str, float]:
    fitted = LogisticRegression(max_iter=300).fit(*USUAL.draw(rng, LEARNT))

    def answers(inputs: Floats) -> Floats:
        return np.asarray(softmax(SURENESS[model] * fitted.decision_function(inputs), axis=1))

    known, labels = USUAL.draw(rng, REFERENCE)
    inputs, truth = shift.draw(rng, NEW)
    before, now = answers(known), answers(inputs)
    new = Unlabelled(now, now.argmax(axis=1))
    estimate = estimate_score(score, new, Sample(labels, before), CONFIDENCE)
    assert estimate is not None
    columns = {f"x{place}": number_shift(inputs[:, place], known[:, place]) for place in range(NUMBERS)}
    drifts = bool(InputDrift("row", output_drift(now, before, CLASSES), columns).alarms(LEVEL))
    true = float(score.values(Answers(truth, new.predicted.astype(np.float64), now, len(CLASSES))))
    return {
        "true": true,
        "before": estimate.before,
        "told": estimate.value,
        "as_said": float(now.max(axis=1).mean()),
        "coverage": float(estimate.low <= true <= estimate.high),
        "worse": float(estimate.worse),
        "drift": float(drifts),
        "labels": float(estimate.worse or drifts),
    }


def rows() -> list[tuple[Shift, str, Score]]:
    """Every shift and model by accuracy; the other scores where nothing and where inputs have changed."""
    others = [score for score in SCORES if score.of_classes and score is not ACCURACY]
    of_accuracy = [(shift, model, ACCURACY) for shift in SHIFTS for model in SURENESS]
    return [*of_accuracy, *((shift, "sure", score) for score in others for shift in SHIFTS[:2])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    repeats = parser.parse_args().repeats
    judged = []
    for shift, model, score in rows():
        judged.append(judge(shift, model, score, repeats if score is ACCURACY else max(repeats // 2, 1)))
        print(judged[-1], flush=True)
        write_json(OUT, judged)


if __name__ == "__main__":
    main()
