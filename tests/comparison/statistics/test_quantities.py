"""Overfitting and shift come apart, with intervals that whole groups widen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.comparison.statistics.intervals import estimate
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import (
    Quantity,
    gap_quantity,
    in_strata,
    overfit_quantity,
    score_quantity,
    shift_quantity,
    units_of_test,
)
from pipeline.comparison.statistics.variation.units import single_examples, whole_groups
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY, MACRO_F1, cost_score
from pipeline.scores.score import Answers, classes_alike

TRAIN, VALIDATION, TEST = 0.95, 0.9, 0.6
EXAMPLES = 800


def outcomes(seeds: int = 3, seed: int = 0) -> Outcomes:
    """Three candidates that are right on so many of their training, validation and test examples."""
    rng = np.random.default_rng(seed)
    shape = (3, seeds, EXAMPLES)
    validates = np.zeros((1, seeds, EXAMPLES), bool)
    for number in range(seeds):
        validates[0, number, rng.permutation(EXAMPLES)[: EXAMPLES // 4]] = True

    def right(share: float) -> np.ndarray:
        return (rng.random(shape) < share).astype(float)

    return Outcomes(
        candidates=["a", "b", "c"],
        seeds=list(range(seeds)),
        examples=[str(number) for number in range(EXAMPLES)],
        contributions=right(TEST),
        train=np.where(validates, np.nan, right(TRAIN)),
        validation=np.where(validates, right(VALIDATION), np.nan),
        labels=np.zeros(EXAMPLES, np.int64),
        majority_label=0,
    )


def test_the_gap_is_overfitting_and_shift() -> None:
    simulated = outcomes()
    score = score_quantity(simulated.contributions, 400)
    overfit, shift = overfit_quantity(simulated, 400), shift_quantity(simulated, score)
    assert overfit.means == pytest.approx(np.full(3, TRAIN - VALIDATION), abs=0.03)
    assert shift.means == pytest.approx(np.full(3, VALIDATION - TEST), abs=0.04)
    np.testing.assert_allclose(gap_quantity(simulated, score).means, overfit.means + shift.means)


def test_intervals_of_overfitting_and_shift_hold_the_truth() -> None:
    held = []
    for seed in range(40):
        simulated = outcomes(seed=seed)
        score = score_quantity(simulated.contributions, 300)
        for quantity, truth in (
            (overfit_quantity(simulated, 300), TRAIN - VALIDATION),
            (shift_quantity(simulated, score), VALIDATION - TEST),
        ):
            found = estimate(quantity, np.eye(3), 0.95, (-1.0, 1.0))
            held.append((found.low <= truth) & (truth <= found.high))
    assert 0.91 < np.mean(held) <= 1.0


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_seed_of_which_the_score_says_nothing_leaves_the_others() -> None:
    """As AUROC of validation examples that are all of one class."""
    simulated = outcomes()
    silent = simulated.validation.copy()
    silent[:, 1] = np.nan
    simulated = replace(simulated, validation=silent, seeds_of=np.array([0, 1, 0]))
    others = replace(
        simulated, **{name: getattr(simulated, name)[:, [0, 2]] for name in ("train", "validation", "contributions")}
    )
    both = [overfit_quantity(one, 400).seeds for one in (simulated, others)]
    assert both[0].draws.mean(axis=0) == pytest.approx(both[1].draws.mean(axis=0), rel=0.05)
    score = score_quantity(simulated.contributions, 400)
    for quantity, truth in (
        (overfit_quantity(simulated, 400), TRAIN - VALIDATION),
        (shift_quantity(simulated, score), VALIDATION - TEST),
    ):
        found = estimate(quantity, np.eye(3), 0.95, (-1.0, 1.0))
        assert found.value == pytest.approx(np.full(3, truth), abs=0.05)
        assert (found.low < truth).all() and (truth < found.high).all()


def test_examples_in_groups_make_every_interval_wider() -> None:
    """Every example stands there eight times."""
    simulated = outcomes()
    places = np.arange(EXAMPLES) // 8 * 8
    copied = replace(
        simulated,
        contributions=simulated.contributions[..., places],
        train=simulated.train[..., places],
        validation=simulated.validation[..., places],
        groups=places,
        development_groups=places,
    )
    alone = replace(copied, groups=None, development_groups=None)
    for make in (overfit_quantity, lambda one, count: shift_quantity(one, _score(one, count))):
        whole, single = (make(one, 400).draws.std(axis=0) for one in (copied, alone))
        assert (whole > 2 * single).all()


def series(seed: int, depends: float, candidates: int = 2, seeds: int = 3) -> Outcomes:
    """Errors that depend on those before them; every seed validates on the last fifth, and learns the rest better."""
    rng, steps = np.random.default_rng(seed), 500
    noise = rng.normal(size=(candidates, 1, steps)) * np.sqrt(1 - depends**2)
    for step in range(1, steps):
        noise[..., step] += depends * noise[..., step - 1]
    values = np.repeat(noise, seeds, axis=1) + 0.1 * rng.normal(size=(candidates, seeds, steps))
    validates = np.arange(steps) >= 400
    return Outcomes(
        candidates=[str(number) for number in range(candidates)],
        seeds=list(range(seeds)),
        examples=[str(number) for number in range(steps)],
        contributions=np.zeros((candidates, seeds, steps)),
        train=np.where(validates, np.nan, values + TRAIN),
        validation=np.where(validates, values + VALIDATION, np.nan),
        labels=np.zeros(steps),
        majority_label=-1,
        development_order=np.arange(steps),
    )


def test_overfitting_of_a_series_is_drawn_in_blocks_and_its_interval_holds_the_truth() -> None:
    held: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for seed in range(60):
        simulated = series(seed, depends=0.7)
        for in_blocks, one in ((True, simulated), (False, replace(simulated, development_order=None))):
            quantity = overfit_quantity(one, 200)
            found = estimate(quantity, np.eye(2), 0.95, (-np.inf, np.inf))
            held[in_blocks].append((found.low <= TRAIN - VALIDATION) & (found.high >= TRAIN - VALIDATION))
    assert np.mean(held[True]) > 0.92 and np.mean(held[False]) < 0.75


def test_seeds_that_validate_on_the_same_examples_differ_by_nothing_of_these() -> None:
    """Their spread is that of the models alone; taken for luck with examples, it vanished."""
    simulated = series(0, depends=0.0)
    moved = replace(simulated, validation=simulated.validation + np.array([-0.3, 0.0, 0.3])[:, None])
    assert (overfit_quantity(moved, 100).seeds.variance > 0.05).all()
    order = np.random.default_rng(0).permutation(500)
    shuffled = {name: getattr(simulated, name)[..., order] for name in ("train", "validation")}
    found = overfit_quantity(replace(simulated, **shuffled, development_order=order), 100)
    np.testing.assert_allclose(found.draws, overfit_quantity(simulated, 100).draws)


def _score(one: Outcomes, resamples: int):  # type: ignore[no-untyped-def]
    return score_quantity(one.contributions, resamples, units_of_test(one))


def test_one_seed_and_one_candidate_have_intervals_too() -> None:
    one = outcomes(seeds=1)
    alone = replace(one, contributions=one.contributions[:1], train=one.train[:1], validation=one.validation[:1])
    for quantity in (overfit_quantity(alone, 200), shift_quantity(alone, _score(alone, 200))):
        found = estimate(quantity, np.eye(1), 0.95, (-1.0, 1.0))
        assert found.low[0] < found.value[0] < found.high[0]


def test_models_that_are_taken_as_given_have_no_spread_of_seeds() -> None:
    quantity = score_quantity(outcomes().contributions, 200)
    assert (quantity.of_trained_models().seeds.variance == 0).all() and (quantity.seeds.variance > 0).all()


def rare_class(rare: int, found: int, copies: int = 1) -> tuple[Quantity, np.ndarray]:
    """Two models on 100 healthy and a few sick examples, of which the second alone finds some; and their answers."""
    labels = np.repeat(np.array([0] * 100 + [1] * rare), copies)
    sees = np.repeat(np.array([0] * 100 + [1] * found + [0] * (rare - found)), copies)
    answers = Answers(labels, np.stack([np.zeros_like(labels), sees]).astype(float), classes=2)
    units = whole_groups(np.arange(len(labels)) // copies) if copies > 1 else single_examples(len(labels))
    weighed = in_strata(units, labels, classes_alike(answers))
    return score_quantity(BALANCED_ACCURACY.contribute(answers)[:, None], 500, weighed).of_trained_models()


@pytest.mark.parametrize(
    ("rare", "found", "least", "most"), [(3, 3, 0.05, 0.15), (10, 5, 0.01, 0.05), (100, 100, 0.0, 1e-9)]
)
def test_a_lead_on_a_few_examples_of_a_class_is_hardly_surer_than_on_so_few_examples_alone(
    rare: int, found: int, least: float, most: float
) -> None:
    """All three of three: without a floor the difference had no variance, and p was about 0."""
    lead = estimate(rare_class(rare, found), np.array([[-1.0, 1.0]]), 0.95, (-1, 1))
    assert lead.value[0] == pytest.approx(found / rare / 2)
    assert least <= lead.p_value[0] <= most
    assert (lead.low[0] <= 0) == (rare == 3)


def test_the_rare_class_lends_the_score_its_few_degrees_of_freedom_in_copies_too() -> None:
    few, copied, many = rare_class(10, 5), rare_class(10, 5, copies=10), rare_class(100, 50)
    assert few.degrees == pytest.approx(9, rel=0.1) and many.degrees > 90
    assert copied.degrees == pytest.approx(few.degrees, rel=0.1)
    assert few.kernel == pytest.approx(1 / 20) and many.kernel == pytest.approx(1 / 200)


def test_how_much_a_class_decides_is_said_by_each_score() -> None:
    labels, said = np.array([0, 0, 0, 1]), np.array([[0.0, 0, 1, 1]])
    answers = Answers(labels, said, classes=2)
    assert classes_alike(answers).tolist() == [0.5, 0.5]
    assert MACRO_F1.parts is not None
    np.testing.assert_allclose(MACRO_F1.parts(answers), [0.5, 2 / 3 / 2])
    dear = cost_score({"b": {"a": 8.0}, "a": {"b": 1.0}}, ["a", "b"])
    assert dear.parts is not None and dear.parts(answers).tolist() == [0.75, 2.0]
    assert ACCURACY.parts is None
