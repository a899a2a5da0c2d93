"""What every candidate contributed on every example, lined up: plain arrays, which all other statistics start from.

A contribution is what one example adds to a score: the score of a candidate and seed is the mean of its contributions.
Accuracy's are 0 and 1. Those of a score of numbers are divided by `unit`, the floor's score, so that margins and
spreads mean the same for both (see `pipeline.scores`).

Of heavy-tailed errors the squares vary without bound: with 100 examples and errors of a t-distribution with 4 degrees
of freedom, 95 % intervals of one RMSE hold the truth in 0.88 of simulations. In differences most of it cancels: 0.94.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.variation.jackknife import jackknifed
from pipeline.floors import MAJORITY
from pipeline.scores.classes import ACCURACY
from pipeline.scores.score import Answers, Score
from pipeline.scores.score_for_task import usual_score_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Outcomes:
    """C candidates, S seeds, N test examples and M development examples.

    Attributes:
        candidates: C names.
        seeds: S numbers.
        examples: N test example ids.
        contributions: (C, S, N) on the test split; of ensembles of seeds as `jackknifed` has them.
        train: (C, S, M) on development; NaN where the seed did not train on the example.
        validation: (C, S, M) likewise; NaN where the seed did not validate on it.
        labels: (N,) of the test split.
        majority_label: the class that the floor says, such as the most common of development; -1 where it says none.
        groups: (N,) equal for test examples that belong together, such as photos of one patient; None where each is on
            its own.
        development_groups: (M,) likewise.
        order: (N,) the places of the test examples in time; None where they have none.
        development_order: (M,) likewise.
        score: what the contributions add up to.
        unit: what one unit of a contribution is in the score's own unit: 1, or the score of the floor.
        floor_shares: (S, N) contributions of the floor; None where it always says `majority_label`.
        usual: (C,) the task's usual score on the test split (accuracy, RMSE), as a mean over seeds; None where it is
            the score itself.
        parts: (K,) by how much a class's examples together change the score at most, in units of the contributions;
            None where every example counts alike.
        derived: (C,) which candidates are made of others, such as ensembles; None where none is.
        seeds_of: (C,) for each candidate, the place of the one whose seed-to-seed deviations in development it has:
            itself, or for an ensemble of seeds, which answers alike whatever the seed, the candidate that it averages.
            None: each has its own.
    """

    candidates: list[str]
    seeds: list[int]
    examples: list[str]
    contributions: Floats
    train: Floats
    validation: Floats
    labels: NDArray[Any]
    majority_label: int
    groups: Integers | None = None
    development_groups: Integers | None = None
    order: Integers | None = None
    development_order: Integers | None = None
    score: Score = ACCURACY
    unit: float = 1.0
    floor_shares: Floats | None = None
    usual: Floats | None = None
    parts: Floats | None = None
    derived: NDArray[np.bool_] | None = None
    seeds_of: Integers | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which every mean of contributions lies."""
        low, high = self.score.signed_bounds
        return low / self.unit, high / self.unit

    @property
    def train_scores(self) -> Floats:
        """(C, S): the score of each seed on what it trained on."""
        return np.asarray(np.nanmean(self.train, axis=2))

    @property
    def validation_scores(self) -> Floats:
        """(C, S): the score of each seed on what it validated on."""
        return np.asarray(np.nanmean(self.validation, axis=2))

    @property
    def train_by_seed(self) -> Floats:
        """(C, S): the same as `train_scores`, moved from seed to seed as `seeds_of` says."""
        return self._moved_by_seed(self.train_scores)

    @property
    def validation_by_seed(self) -> Floats:
        """(C, S): the same as `validation_scores`, moved from seed to seed as `seeds_of` says."""
        return self._moved_by_seed(self.validation_scores)

    def _moved_by_seed(self, scores: Floats) -> Floats:
        """Of an ensemble of seeds its mean, and around it the deviations of its candidate's seeds.

        With other seeds its mean on validation examples would move about as that of its candidate: on each example one
        model answers, or the mean of a few. So it would on training examples, where more answer together.
        """
        if self.seeds_of is None:
            return scores
        moved = scores[self.seeds_of]
        others = self.seeds_of != np.arange(len(scores))
        tell = np.isfinite(scores).all(axis=0)  # where a score says nothing of a seed, the mean is of the others
        means = (scores[:, tell].mean(axis=1) - moved[:, tell].mean(axis=1))[:, None] if tell.any() else 0.0
        return np.where(others[:, None], moved + means, scores)

    @property
    def training_examples(self) -> Floats:
        """(C,): how many examples a seed trained on, on average."""
        return np.asarray(np.isfinite(self.train).sum(axis=2).mean(axis=1))

    @property
    def floor_contributions(self) -> Floats:
        """(S, N): what the floor contributes; for classes it always guesses the most common class of development."""
        if self.floor_shares is not None:
            return self.floor_shares
        right = (self.labels == self.majority_label).astype(np.float64)
        return np.tile(right, (len(self.seeds), 1))


@dataclass(frozen=True)
class LeftOut:
    """What ensembles of seeds answer on the test examples without each of their seeds.

    Attributes:
        places: E places of these ensembles among the candidates.
        answers: (E, S, N).
    """

    places: list[int]
    answers: Answers


@dataclass(frozen=True)
class Design:
    """How examples belong together; each part is None where they do not.

    Attributes:
        groups: (N,) of the test examples.
        development_groups: (M,) of the development examples.
        order: (N,) the places of the test examples in time.
        development_order: (M,) of the development examples.
    """

    groups: Integers | None = None
    development_groups: Integers | None = None
    order: Integers | None = None
    development_order: Integers | None = None


def outcomes_of(
    candidates: Sequence[str],
    seeds: Sequence[int],
    examples: Sequence[str],
    test: Answers,
    train: Answers,
    validation: Answers,
    score: Score,
    design: Design | None = None,
    floor: int | None = None,
    usual: Answers | None = None,
    left_out: LeftOut | None = None,
    derived: Sequence[bool] = (),
    seeds_of: Sequence[int] = (),
) -> Outcomes:
    """The contributions of all candidates, from their answers.

    Args:
        candidates: C names.
        seeds: S numbers.
        examples: N test example ids.
        test: answers on the N test examples, none of them NaN.
        train: answers on the M development examples that a seed trained on.
        validation: answers on the same M examples where a seed validated on them.
        score: what they are ranked by.
        design: groups and order of the examples.
        floor: of numbers, the place of the candidate that is the floor; None: the score's own floor is.
        usual: the answers on the test examples without the score's threshold, where it has one; None: as `test`.
        left_out: of ensembles of seeds, which answer alike whatever the seed: how other seeds would change them.
        derived: C of them: whether a candidate is made of others; empty: none is.
        seeds_of: C places, as `Outcomes` has them; empty: everyone's own.
    """
    design = design or Design()
    at_floor = _at_floor(score, test, train, floor)
    unit = score.unit(float(score.values(at_floor).mean()))
    contributions, of_train, of_validation = (
        _contributions(score, split) / unit for split in (test, train, validation)
    )
    if left_out is not None:
        whole, without = contributions[left_out.places, 0], _contributions(score, left_out.answers) / unit
        contributions[left_out.places] = jackknifed(whole, without)
    says_class = score.of_classes and (score.floor or MAJORITY).says_one_class
    return Outcomes(
        candidates=list(candidates),
        seeds=list(seeds),
        examples=list(examples),
        contributions=contributions,
        train=of_train,
        validation=of_validation,
        labels=test.labels,
        majority_label=int(at_floor.predicted[0, 0]) if says_class else -1,
        groups=design.groups,
        development_groups=design.development_groups,
        order=design.order,
        development_order=design.development_order,
        score=score,
        unit=unit,
        floor_shares=score.contribute(at_floor) / unit,
        usual=_usual(score, usual or test),
        parts=score.parts(test) / unit if score.parts else None,
        derived=np.array(derived, bool) if any(derived) else None,
        seeds_of=np.array(seeds_of, np.int64) if list(seeds_of) != list(range(len(seeds_of))) else None,
    )


def grouped(outcomes: Outcomes, rows: Floats, names: Sequence[str]) -> Outcomes:
    """The outcomes of means of candidates, each as one candidate: its seeds' values show what members have in common.

    Args:
        rows: (K, C) the weights of the candidates in each mean.
        names: K of them.
    """
    parts = {
        name: np.einsum("kc,csn->ksn", rows, getattr(outcomes, name))
        for name in ("contributions", "train", "validation")
    }
    return replace(outcomes, candidates=list(names), derived=None, seeds_of=None, **parts)


def with_the_floor(outcomes: Outcomes) -> tuple[Floats, NDArray[np.bool_] | None]:
    """(C + 1, S, N) contributions with the floor as one candidate more, the last; and which are derived."""
    derived = None if outcomes.derived is None else np.append(outcomes.derived, False)
    return np.concatenate([outcomes.contributions, outcomes.floor_contributions[None]]), derived


def _contributions(score: Score, answers: Answers) -> Floats:
    """Nothing is computed where no example counts."""
    counts = np.isfinite(answers.predicted).any()
    return score.contribute(answers) if counts else np.full(answers.predicted.shape, np.nan)


def _at_floor(score: Score, test: Answers, train: Answers, floor: int | None) -> Answers:
    """(S, N) what the floor answers on the test examples."""
    if floor is not None:
        return Answers(test.labels, test.predicted[floor])
    seeds, classes = test.predicted.shape[1], max(train.class_count, test.class_count) if score.of_classes else 0
    labels = train.labels.astype(np.int64) if score.of_classes else train.labels
    return score.floor_answers(labels, test.labels, seeds, classes)


def _usual(score: Score, test: Answers) -> Floats | None:
    usual = usual_score_of(score)
    return None if score is usual else usual.values(test).mean(axis=1)
