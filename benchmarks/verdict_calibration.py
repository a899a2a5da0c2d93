"""Is the verdict right as often as it says? Thousands of comparisons with known truth, judged by `pipeline.comparison`.

    python -m benchmarks.verdict_calibration                 (half an hour on two cores)
    python -m benchmarks.verdict_calibration --repeats 20    (a look)

Each simulated world has 20 candidates in a probit model that knows nothing of the estimator: an example is right when
shared ease + the candidate's own ease + noise of the trial + the seed's effect exceeds a level, so candidates are
correlated, and seeds differ by a known spread. In truth either all are equal, or five are, ahead of the rest by five
points, or one is ahead of all by two margins, or by ten points. Reported for each number of seeds, examples and spread:

    cover     95 % intervals of all differences that hold the truth (aim: 0.93 to 0.97)
    winner    95 % intervals of the picked winner's accuracy, made to hold after selection, that hold its truth
    false     comparisons of equal candidates in which any pair is called different (aim: at most 0.05)
    of five   comparisons in which one of the five equal best is called worse than the best (aim: at most 0.05)
    power     true leads shown, and as many as the report promised

Writes benchmarks/out/verdict_calibration.json: coverage, false_winner_rate, power and promised_power (of two margins)
over all settings, and each setting by itself.
"""

from __future__ import annotations

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.against_best import against_best
from pipeline.configuration.loading import load_params
from pipeline.ground.files import write_json

OUT = Path("benchmarks/out/verdict_calibration.json")
CANDIDATES, ACCURACY, CONFIDENCE = 20, 0.6, 0.95
FAR, BEHIND = 0.10, 0.05
ROUNDING = 1e-12
HEADING = "seeds  examples  spread   cover  winner  false  of five  power (promised)  of 10 points (promised)"
SETTINGS = [
    *itertools.product([1, 3, 5, 10], [661], [0.0, 0.01, 0.02, 0.03]),
    *itertools.product([3], [100, 5000], [0.01, 0.03]),
]


@dataclass(frozen=True)
class Found:
    """What the judge said in some worlds; rates."""

    cover: float
    winner: float
    false: float
    false_of_five: float
    power: float
    promised: float
    far_power: float
    far_promised: float


def outcomes(
    accuracies: NDArray[np.float64], seeds: int, examples: int, spread: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(C, S, N) of 0 and 1; `spread` is the standard deviation between seeds in accuracy, at the first candidate's."""
    shared, shape = rng.normal(size=examples), (len(accuracies), seeds, examples)
    own, noise = rng.normal(size=(len(accuracies), 1, examples)), rng.normal(size=shape)
    base = np.sqrt(3.0)  # deviation of shared + own + noise
    slope = np.exp(-(special.ndtri(accuracies[0]) ** 2) / 2) / np.sqrt(2 * np.pi) / base  # accuracy per unit of latent
    effect = spread / slope
    level = special.ndtri(accuracies) * np.sqrt(base**2 + effect**2)
    latent = level[:, None, None] + shared + own + noise + effect * rng.normal(size=(len(accuracies), seeds, 1))
    return (latent > 0).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=200, help="worlds of each kind for each setting")
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    margin = load_params().compare.margin
    judged = partial(judge, repeats=options.repeats, resamples=options.resamples, margin=margin)
    print(HEADING, flush=True)
    found = {}
    with ProcessPoolExecutor() as pool:
        for setting, one in zip(SETTINGS, pool.map(judged, SETTINGS), strict=True):
            found[setting] = one
            print(_line(setting, one), flush=True)
    write_json(OUT, summary(found))


def _line(setting: tuple[int, int, float], one: Found) -> str:
    seeds, examples, spread = setting
    return (
        f"{seeds:5d}  {examples:8,d}  {spread * 100:6.0f}   {one.cover:.3f}   {one.winner:.3f}  {one.false:.3f}    "
        f"{one.false_of_five:.3f}  {one.power:.3f} ({one.promised:.3f})    {one.far_power:.3f} ({one.far_promised:.3f})"
    )


def summary(found: dict[tuple[int, int, float], Found]) -> dict[str, object]:
    """Means over the settings, and the settings."""
    names = {"coverage": "cover", "false_winner_rate": "false", "power": "power", "promised_power": "promised"}
    means = {key: float(np.mean([getattr(one, name) for one in found.values()])) for key, name in names.items()}
    rows = [
        {"seeds": seeds, "examples": examples, "spread": spread, **asdict(one)}
        for (seeds, examples, spread), one in found.items()
    ]
    return means | {"candidates": CANDIDATES, "settings": rows}


def judge(setting: tuple[int, int, float], repeats: int, resamples: int, margin: float) -> Found:
    """Many worlds of one setting: equal ones, five equal best, a leader by two margins, a leader by FAR."""
    rng = np.random.default_rng([round(1000 * part) for part in setting])
    equal, five, near, far = (np.full(CANDIDATES, ACCURACY) for _ in range(4))
    five[5:] -= BEHIND
    near[0] += 2 * margin
    far[0] += FAR
    of_equal, of_five, of_near, of_far = (
        np.mean([_judge_one(truth, setting, resamples, rng) for _ in range(repeats)], axis=0)
        for truth in (equal, five, near, far)
    )
    everywhere = np.mean([of_equal, of_five, of_near, of_far], axis=0)
    return Found(
        cover=float(everywhere[0]),
        winner=float(everywhere[1]),
        false=float(of_equal[2]),
        false_of_five=float(of_five[2]),
        power=float(of_near[3]),
        promised=float(of_near[4]),
        far_power=float(of_far[3]),
        far_promised=float(of_far[4]),
    )


def _judge_one(
    truth: NDArray[np.float64], setting: tuple[int, int, float], resamples: int, rng: np.random.Generator
) -> tuple[float, float, float, float, float]:
    """Of one world: differences covered, winner covered, anything false said, others shown to be worse, promised."""
    seeds, examples, spread = setting
    quantity = statistics.accuracy_quantity(outcomes(truth, seeds, examples, spread, rng), resamples)
    order = np.argsort(-quantity.means, kind="stable")
    rows, lead = np.eye(len(truth))[order], float(truth[0] - truth[1])
    contrasts, _ = statistics.pair_contrasts(rows)
    found = statistics.estimate(quantity, contrasts, CONFIDENCE, (-1.0, 1.0))
    true_differences = contrasts @ truth
    covered = (found.low <= true_differences) & (true_differences <= found.high)
    best = against_best(quantity, rows, found, CONFIDENCE, [lead])
    worse = best.p_adjusted < 1 - CONFIDENCE
    different = statistics.holm(found.p_value) < 1 - CONFIDENCE
    different[: len(worse)] |= worse
    false = different & (true_differences * found.value <= ROUNDING)
    winner = int(order[0])
    low, high = statistics.after_selection(quantity, CONFIDENCE, (0.0, 1.0))
    return (
        float(covered.mean()),
        float(low[winner] <= truth[winner] <= high[winner]),
        float(false.any()),
        float(worse.mean()) if winner == 0 else 0.0,
        best.power[lead],
    )


if __name__ == "__main__":
    main()
