"""Does the score that is estimated without labels hold? Planted shifts in a world whose labels are known.

    python -m benchmarks.watching                      (100 repeats a row, and 50 of scores other than accuracy)
    python -m benchmarks.watching --repeats 25
    python -m benchmarks.watching --world "handwritten digits"      (these rows alone)

A logistic regression learns three classes from 400 examples with four numbers each, 300 test examples calibrate it, and
200 new ones come without labels, shifted as the row says. `plain` says its probabilities as they are, `sure` says them
three times as surely (its logits are tripled), as large networks do. Written to benchmarks/out/watching.json:

    world      what the examples are: three classes alike, for which this method is made; handwritten digits that
               scikit-learn bundles, altered; two classes of which one is rare
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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from benchmarks.record import record_rows
from benchmarks.watched_worlds import ELSEWHERE, SHIFTS, World
from pipeline.operations.retraining.drift import Sample
from pipeline.operations.retraining.estimated_score import Unlabelled, estimate_score
from pipeline.operations.retraining.row_drift import number_shift
from pipeline.operations.watching.input_drift import InputDrift, output_drift
from pipeline.scores.classes import ACCURACY
from pipeline.scores.score import Answers, Score
from pipeline.scores.score_for_task import SCORES

OUT = Path("benchmarks/out/watching.json")
CONFIDENCE, LEVEL = 0.95, 0.01
SURENESS = {"plain": 1.0, "sure": 3.0}

Floats = NDArray[np.float64]


def judge(shift: World, model: str, score: Score, repeats: int) -> dict[str, float | str | bool | None]:
    """One row."""
    rows = [_once(np.random.default_rng([5, repeat]), shift, model, score) for repeat in range(repeats)]
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    as_said = means.pop("as_said")
    return {
        "world": shift.world,
        "shift": shift.name,
        "concept": shift.concept,
        "model": model,
        "score": score.name,
        **means,
        "as_said": as_said if score is ACCURACY else None,
        "repeats": repeats,
    }


def _once(rng: np.random.Generator, shift: World, model: str, score: Score) -> dict[str, float]:
    learnt, (known, labels), (inputs, truth) = shift.parts(rng)
    fitted = LogisticRegression(max_iter=300).fit(*learnt)

    def answers(inputs: Floats) -> Floats:
        chances = fitted.predict_log_proba(inputs) if len(shift.classes) == 2 else fitted.decision_function(inputs)
        return np.asarray(softmax(SURENESS[model] * chances, axis=1))

    before, now = answers(known), answers(inputs)
    new = Unlabelled(now, now.argmax(axis=1))
    estimate = estimate_score(score, new, Sample(labels, before), CONFIDENCE)
    assert estimate is not None
    columns = {
        f"x{place}": number_shift(inputs[:, place], known[:, place]) for place in range(len(inputs[0])) if shift.tabular
    }
    drifts = bool(InputDrift("row", output_drift(now, before, shift.classes), columns).alarms(LEVEL))
    true = float(score.values(Answers(truth, new.predicted.astype(np.float64), now, len(shift.classes))))
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


def rows() -> list[tuple[World, str, Score]]:
    """Every shift and model by accuracy; the other scores where nothing and where inputs have changed; other worlds."""
    others = [score for score in SCORES if score.of_classes and score is not ACCURACY]
    of_accuracy: list[tuple[World, str, Score]] = [(shift, model, ACCURACY) for shift in SHIFTS for model in SURENESS]
    of_others = [(shift, "sure", score) for score in others for shift in SHIFTS[:2]]
    return [*of_accuracy, *of_others, *((world, "plain", ACCURACY) for world in ELSEWHERE)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--world", choices=sorted({shift.world for shift, _, _ in rows()}))
    arguments = parser.parse_args()
    repeats, judged = arguments.repeats, []
    for shift, model, score in (row for row in rows() if arguments.world in (None, row[0].world)):
        judged.append(judge(shift, model, score, repeats if score is ACCURACY else max(repeats // 2, 1)))
        print(judged[-1], flush=True)
        record_rows(OUT, judged)


if __name__ == "__main__":
    main()
