"""Is the advice as good as it says? Comparisons with known truth, judged by the statistics of `compare` themselves.

    python -m benchmarks.verdict_calibration                     (200 comparisons of each kind a world)
    python -m benchmarks.verdict_calibration --quick             (25)
    python -m benchmarks.verdict_calibration --world groups      (one world; its row takes the place of the old one)
    python -m benchmarks.verdict_calibration --world groups --advice    (its regrets and served models alone)

In each world (see WORLDS) comparisons of four kinds are made: all candidates equal; true scores like those of a real
comparison, drawn anew, twice as many of these, since regrets vary most; one leader ahead of equals; and all others 1.01
margins behind a leader. Four times as many studies of growing data are made, with and without a floor of the error
(GROWTHS), and as many years of weekly retraining. Written to benchmarks/out/verdict_calibration.json, one row a world;
shares and score units, null where a world does not ask:

    coverage           95 % intervals of all differences that hold the truth
    winner_coverage    intervals after selection of the picked winner that hold its true score
    deployed_coverage  intervals after selection of the picked winner's served model that hold its own true score
    false_winners      comparisons of equals in which any candidate is called worse than the best
    false_equivalence  comparisons with all others 1.01 margins behind in which any is called equivalent to the best
    told_regret        expected regret of the advised candidate; true_regret: what it truly costs
    told_if_steady     with one seed, the same if seeds vary by one point; the verdict tells both
    told_error         standard error of told_regret - true_regret; true_error: of true_regret
    leader_regret      what taking the highest score truly costs
    told_power         share of true leads that the comparison says it would show; found_power: that it shows
    gain_coverage      intervals of what twice the labels bring that hold the truth
    laws               studies that it rests on: of the others the errors follow no law, and no gain is told
    false_promotions   years of 52 weekly looks among equals with any promotion
    repeats            comparisons of each kind, studies or years
    regret_repeats     comparisons that the regrets rest on
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.record import record_rows, recorded_rows
from benchmarks.worlds import Structure, contributions, trained
from pipeline.comparison.statistics.advice import choose, expected_regrets
from pipeline.comparison.statistics.against_best import against_best
from pipeline.comparison.statistics.intervals import after_selection, estimate, joint_draws, pair_contrasts, relations
from pipeline.comparison.statistics.paired_tests import clustered_mcnemar, spent_alpha
from pipeline.comparison.statistics.power_law import NoPowerLaw, fit_power_law
from pipeline.comparison.statistics.quantities import Quantity, deployed_quantity, score_quantity
from pipeline.comparison.statistics.variation.seeds import USUAL_SPREAD, assumed_spread
from pipeline.comparison.statistics.variation.units import Units, units_of

OUT = Path("benchmarks/out/verdict_calibration.json")
KEYS = ["coverage", "winner_coverage", "false_winners", "false_equivalence", "told_regret", "true_regret"]
KEYS += ["leader_regret", "told_power", "found_power", "gain_coverage", "false_promotions"]
KEYS += ["told_error", "true_error", "repeats", "deployed_coverage", "told_if_steady"]
KEYS += ["regret_repeats", "laws"]
CONFIDENCE, MARGIN, CANDIDATES = 0.95, 0.01, 20
REAL = [0.11, 0.34, 0.45, 0.50, 0.54, 0.41, 0.49, 0.42, 0.58, 0.61]
REAL += [0.62, 0.63, 0.63, 0.66, 0.67, 0.68, 0.51, 0.54, 0.55, 0.56]  # accuracies of a comparison on photos
GROWTHS = {  # floor, error now and exponent of the errors of a candidate
    "growth_no_floor": (0.0, 0.4, 0.25),
    "growth_flat": (0.0, 0.4, 0.12),
    "growth_floor_25": (0.25, 0.4, 0.27),
    "growth_floor_30": (0.30, 0.4, 0.27),
    "growth_floor_36": (0.36, 0.4, 0.3),
    "growth_steep": (0.30, 0.4, 0.7),
}
SIZES = np.array([59.0, 176.0, 352.0, 586.0])  # training examples
WEEKS, SHORTLIST, TEST_PHOTOS = 52, 4, 661

Floats = NDArray[np.float64]
Row = dict[str, float | str | None]


@dataclass(frozen=True)
class World:
    """
    Attributes:
        best: accuracy of the best candidates.
        lead: of the leader, where power is asked.
        unstable: times the spread of the others that the last candidate has.
    """

    seeds: int = 3
    examples: int = 661
    spread: float = 0.01
    best: float = 0.68
    lead: float = 0.1
    unstable: float = 1.0
    structure: Structure = field(default_factory=Structure)

    @property
    def spreads(self) -> Floats:
        spreads = np.full(CANDIDATES, self.spread)
        spreads[-1] *= self.unstable
        return spreads

    def like_real(self, rng: np.random.Generator) -> Floats:
        """True scores, their errors shrunk so that the best has about the world's accuracy."""
        drawn = np.clip(np.array(REAL) + rng.normal(0, 0.03, CANDIDATES), 0.05, 0.95)
        return np.asarray(rng.permutation(1 - (1 - drawn) * (1 - self.best) / (1 - max(REAL))))


WORLDS = {
    "independent": World(),
    "families": World(structure=Structure(family_size=5, shared_seeds=0.5)),
    "heavy_tails": World(spread=0.02, structure=Structure(tails=3.0)),
    "unstable_candidate": World(spread=0.005, unstable=10.0),
    "groups": World(examples=660, structure=Structure(group_size=10, group_share=0.5)),
    "groups_strong": World(examples=660, structure=Structure(group_size=10, group_share=0.8)),
    "few_groups": World(examples=600, structure=Structure(group_size=30, group_share=0.5)),
    "series": World(examples=300, structure=Structure(autoregression=0.7)),
    "series_short": World(examples=100, structure=Structure(autoregression=0.7)),
    "accuracy_97": World(best=0.97, spread=0.005, lead=0.03),
    "accuracy_99": World(best=0.99, examples=100, spread=0.002, lead=0.05),
    "two_seeds": World(seeds=2),
    "one_seed": World(seeds=1),
    "one_seed_unsteady": World(seeds=1, spread=0.03),
    "few_examples": World(examples=100, lead=0.2),
}
YEAR = "year_of_looks"
ALL = [*WORLDS, *GROWTHS, YEAR]


@dataclass(frozen=True)
class Truth:
    """What C candidates are truly worth, as far as it is known.

    Attributes:
        scores: (C,).
        covariance: (C, C) of the errors of `scores`; 0 where they are known.
        regret: (C,) by how much the best is ahead, on average over what is uncertain of the scores.
    """

    scores: Floats
    covariance: Floats
    regret: Floats

    def held(self, contrasts: Floats, value: Floats, low: Floats, high: Floats) -> NDArray[np.bool_]:
        """(K,) whether the intervals of contrasts (K, C), widened by what is uncertain of the truth, hold it."""
        true = contrasts @ self.scores
        uncertain = np.einsum("kc,cd,kd->k", contrasts, self.covariance, contrasts)
        room = stats.norm.ppf((1 + CONFIDENCE) / 2) ** 2 * uncertain
        least, most = value - np.sqrt((value - low) ** 2 + room), value + np.sqrt((high - value) ** 2 + room)
        return np.asarray((least <= true + 1e-12) & (true <= most + 1e-12))


def exact(scores: Floats) -> Truth:
    return Truth(scores, np.zeros((len(scores), len(scores))), scores.max() - scores)


@dataclass(frozen=True)
class Judgement:
    """What the statistics say of one comparison."""

    covered: float
    winner_covered: bool
    worse_wrongly: bool
    equivalent_wrongly: bool
    told_regret: float
    true_regret: float
    leader_regret: float
    told_power: float
    found_power: float
    told_if_steady: float = np.nan
    deployed_covered: float = np.nan


def judge(world: World, truth: Floats, resamples: int, rng: np.random.Generator, weighed: bool = True) -> Judgement:
    structure = world.structure
    made, of_models = trained(truth, world.seeds, world.examples, world.spreads, rng, structure)
    units = units_of(made, structure.groups(world.examples), structure.order(world.examples))
    costs = rng.permutation(np.geomspace(1, 1000, len(truth)))
    judged = judge_measured(made, exact(truth), units, costs if weighed else None, world.lead, resamples)
    return replace(judged, deployed_covered=covers_deployed(made, of_models, units, resamples))


def covers_deployed(made: Floats, of_models: Floats, units: Units, resamples: int) -> float:
    """Whether the interval of the picked winner's served model holds that model's own score.

    Served is the model of the lowest validation loss, which says nothing of test examples: here, the first seed's.

    Args:
        made: (C, S, N) contributions.
        of_models: (C, S) true scores of the trained models.
    """
    quantity = deployed_quantity(made[:, 0], resamples, units)
    low, high = after_selection(quantity, CONFIDENCE, (0.0, 1.0))
    winner = int(made.mean(axis=(1, 2)).argmax())
    return float(low[winner] <= of_models[winner, 0] <= high[winner])


def judge_measured(
    made: Floats, truth: Truth, units: Units, costs: Floats | None, lead: float, resamples: int
) -> Judgement:
    """What the statistics of `compare` say of contributions (C, S, N), held against the truth.

    Args:
        costs: (C,) of the candidates, for the advice; None: it is not asked, which takes most of the time.
        lead: of the best, whose power is asked.
    """
    quantity = score_quantity(made, resamples, units)
    order = np.argsort(-quantity.means, kind="stable")
    rows, winner = np.eye(len(order))[order], int(order[0])
    contrasts, _ = pair_contrasts(rows)
    pairs = estimate(quantity, contrasts, CONFIDENCE, (-1.0, 1.0))
    best = against_best(quantity, rows, pairs, CONFIDENCE, [lead], made)
    worse = best.p_adjusted < 1 - CONFIDENCE
    words = relations(pairs.first(len(worse)), best.p_adjusted, CONFIDENCE, MARGIN, best.reach)
    behind = truth.scores[winner] - truth.scores[order[1:]]
    low, high = after_selection(quantity, CONFIDENCE, (0.0, 1.0))
    told, steady, advised, regret = np.nan, np.nan, winner, truth.regret
    if costs is not None:
        expected = list(expected_regrets(quantity))
        advised = choose(expected, list(costs), MARGIN)
        told = expected[advised]
        steady = regret_if_steady(quantity, advised) if made.shape[1] == 1 else np.nan
    return Judgement(
        covered=float(truth.held(contrasts, pairs.value, pairs.low, pairs.high).mean()),
        winner_covered=bool(truth.held(rows[:1], quantity.means[order[:1]], low[order[:1]], high[order[:1]])[0]),
        worse_wrongly=bool((worse & (behind <= 1e-12)).any()),
        equivalent_wrongly=bool(any(w == "equivalent" and abs(b) > MARGIN for w, b in zip(words, behind, strict=True))),
        told_regret=float(told),
        true_regret=float(regret[advised]),
        leader_regret=float(regret[winner]),
        told_power=best.power[lead],
        found_power=float(worse.mean()) if winner == int(truth.scores.argmax()) else 0.0,
        told_if_steady=steady,
    )


def regret_if_steady(quantity: Quantity, candidate: int) -> float:
    """What is told of a candidate with one seed where seeds vary by no more than usual."""
    steady = replace(quantity, seeds=assumed_spread(len(quantity.means), USUAL_SPREAD))
    return float(expected_regrets(steady)[candidate])


def judge_advice(before: Row, repeats: int, resamples: int) -> Row:
    """A row with new figures of what changes with the advice alone; of a study or a year there are none."""
    name, known = str(before["world"]), {key: value for key, value in before.items() if key != "world"}
    if name not in WORLDS:
        return row(name, **known)
    world, rng = WORLDS[name], np.random.default_rng([1, *name.encode()])
    judged = [judge(world, world.like_real(rng), resamples, rng) for _ in range(2 * repeats)]
    return row(name, **known | about_advice(world, judged) | {"deployed_coverage": served(judged)})


def about_advice(world: World, judged: Sequence[Judgement]) -> dict[str, float]:
    """Regrets of the advice in comparisons like real ones."""
    steady = {"told_if_steady": float(np.mean([one.told_if_steady for one in judged]))} if world.seeds == 1 else {}
    return {**regrets(judged), **steady, "regret_repeats": len(judged)}


def served(judged: Sequence[Judgement]) -> float:
    """Share of served models whose interval holds their own score."""
    return float(np.mean([one.deployed_covered for one in judged]))


def judge_world(name: str, repeats: int, resamples: int) -> Row:
    world, rng = WORLDS[name], np.random.default_rng(list(name.encode()))
    equal = np.full(CANDIDATES, world.best)
    leader, near = equal - world.lead, equal - 1.01 * MARGIN
    leader[0] = near[0] = world.best
    kinds: dict[str, Callable[[], Floats]] = {
        "equal": lambda: equal,
        "real": lambda: world.like_real(rng),
        "leader": lambda: leader,
        "near": lambda: near,
    }
    times = {"real": 2 * repeats}
    said = {
        kind: [judge(world, make(), resamples, rng, kind == "real") for _ in range(times.get(kind, repeats))]
        for kind, make in kinds.items()
    }

    def mean(kind: str, what: str) -> float:
        return float(np.mean([getattr(one, what) for one in said[kind]]))

    return row(
        name,
        repeats=repeats,
        **about_advice(world, said["real"]),
        deployed_coverage=float(np.mean([served(judged) for judged in said.values()])),
        coverage=float(np.mean([mean(kind, "covered") for kind in kinds])),
        winner_coverage=float(np.mean([mean(kind, "winner_covered") for kind in kinds])),
        false_winners=mean("equal", "worse_wrongly"),
        false_equivalence=mean("near", "equivalent_wrongly"),
        told_power=mean("leader", "told_power"),
        found_power=mean("leader", "found_power"),
    )


def regrets(judged: Sequence[Judgement]) -> dict[str, float]:
    """Means, and standard errors of what is held against an aim."""
    told, true, leader = (
        np.array([getattr(one, name) for one in judged]) for name in ("told_regret", "true_regret", "leader_regret")
    )
    means = {"told_regret": told, "true_regret": true, "leader_regret": leader}
    errors = {"told_error": told - true, "true_error": true}
    found = {name: float(values.mean()) for name, values in means.items()}
    return found | {name: float(stats.sem(values)) for name, values in errors.items()}


def judge_growth(name: str, repeats: int, resamples: int) -> Row:
    """Studies of one candidate with four shares of the training examples; a refused law tells nothing of a gain."""
    floor, now, exponent = GROWTHS[name]
    rng, held = np.random.default_rng(list(name.encode())), []
    truth = 1 - floor - (now - floor) * (SIZES / SIZES.max()) ** -exponent
    for _ in range(4 * repeats):
        quantity = score_quantity(contributions(truth, 3, TEST_PHOTOS, 0.01, rng), resamples)
        errors = 1 - quantity.means
        try:
            law = fit_power_law(SIZES, errors, errors - joint_draws(quantity, quantity.kernel), CONFIDENCE)
        except NoPowerLaw:
            continue
        low, high = np.quantile(law.gains_of_doubling(law.now), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        held.append(low <= (now - floor) * (1 - 2**-exponent) <= high)
    return row(name, repeats=4 * repeats, gain_coverage=float(np.mean(held)) if held else np.nan, laws=len(held))


def judge_year(repeats: int) -> Row:
    """Each week the best of a shortlist of equals challenges the champion on one and the same test set."""
    rng, promoted = np.random.default_rng(52), []
    for _ in range(4 * repeats):
        shared, own = rng.normal(size=TEST_PHOTOS), rng.normal(size=(1 + WEEKS, SHORTLIST, TEST_PHOTOS))
        right = (np.sqrt(0.7) * shared + np.sqrt(0.3) * own > -0.4).astype(np.float64)
        champion, any_promoted = right[0, 0], False
        for week in range(1, WEEKS + 1):
            challenger = right[week][right[week].mean(axis=1).argmax()]
            p_value = clustered_mcnemar(challenger, champion) * SHORTLIST
            if challenger.mean() > champion.mean() and p_value < spent_alpha(1 - CONFIDENCE, week):
                champion, any_promoted = challenger, True
        promoted.append(any_promoted)
    return row(YEAR, repeats=4 * repeats, false_promotions=float(np.mean(promoted)))


def judge_any(name: str, repeats: int, resamples: int) -> Row:
    if name == YEAR:
        return judge_year(repeats)
    return (judge_growth if name in GROWTHS else judge_world)(name, repeats, resamples)


def row(world: str, **measured: float | str | None) -> Row:
    return {"world": world, **{key: measured.get(key) for key in KEYS}}


def judge_all(
    out: Path,
    description: str,
    option: str,
    names: Collection[str],
    quick: int,
    judge: Callable[[str, int, int], Row],
    advice: Callable[[Row, int, int], Row] | None = None,
) -> None:
    """The command line of a judging benchmark: one row for each name, written as soon as it is there.

    Args:
        option: `--<option> NAME` judges that one alone, and the rows of the others stay.
        quick: repeats of each name with `--quick`.
        judge: name, repeats and resamples → its row.
        advice: a row before, repeats and resamples → the row with what `--advice` judges alone.
    """
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=200, help=f"comparisons for each --{option}")
    parser.add_argument("--quick", action="store_true", help=f"{quick} of them")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument(f"--{option}", dest="only", choices=names, action="append")
    if advice is not None:
        parser.add_argument("--advice", action="store_true", help="its regrets alone; other figures stay")
    options = parser.parse_args()
    part = advice if getattr(options, "advice", False) else None
    repeats = quick if options.quick else options.repeats
    stays = out.is_file() and (options.only or part)
    rows: list[Row] = recorded_rows(out) if stays else []
    places = {name: place for place, name in enumerate(names)}
    for name in options.only or names:
        before = next((one for one in rows if one["world"] == name), None)
        anew = part(before, repeats, options.resamples) if part and before else judge(name, repeats, options.resamples)
        others = [one for one in rows if one["world"] != name]
        rows = sorted([*others, anew], key=lambda one: places[str(one["world"])])
        record_rows(out, rows)
        figures = (f"{key} {value:.3f}" for key, value in anew.items() if isinstance(value, float))
        print(name, *figures, sep="  ", flush=True)


def main() -> None:
    judge_all(OUT, __doc__ or "", "world", ALL, 25, judge_any, judge_advice)


if __name__ == "__main__":
    main()
