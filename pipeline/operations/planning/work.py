"""How much work a training or an evaluation is: what its duration depends on, beside the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.configuration.whole import Params
from pipeline.operations.planning.sizes import Sizes
from pipeline.params.evaluation import Evaluation
from pipeline.params.schema.families import family_named
from pipeline.params.training.candidates import Candidate

SPENT = 0.8  # share of the budget for trying settings that is spent: all of it where a setting beats the recipe
SETTLED = 0.15  # share of its epochs after which a phase stops improving, as seen on small sets of photos


@dataclass(frozen=True)
class Work:
    """
    Attributes:
        candidate: what is trained.
        seeds: how many times.
        learnt: examples that a seed trains on.
        validated: examples that it validates on, once an epoch.
        tested: examples of the sealed split.
        side: pixels; None of a table or a series.
        phases: what each trains ("head", "top 2", "block 1", "all"), and for how many epochs, early stopping
            foreseen; none of a classical model.
        folds: of the cross-validation of a classical model.
        tuning: trainings of one seed that trying settings takes besides.
        views: augmented versions of each example, whose activations are computed too.
        classes: how many there are; None of numbers, and where nobody knows yet.
    """

    candidate: Candidate
    seeds: int
    learnt: float
    validated: float
    tested: float
    side: int | None
    phases: Sequence[tuple[str, float]]
    folds: int
    tuning: float = 0.0
    views: int = 0
    classes: int | None = None

    @property
    def developed(self) -> float:
        """Examples of development that a seed sees."""
        return self.learnt + self.validated

    @property
    def deep_phases(self) -> list[tuple[str, float]]:
        """Those that train more than the head."""
        return [phase for phase in self.phases if phase[0] != "head"]

    def without_examples(self) -> Work:
        """The same on no examples: what is left is the start of its process."""
        return replace(self, seeds=0, learnt=0.0, validated=0.0, tested=0.0, tuning=0.0)


def work_of(candidate: Candidate, params: Params, sizes: Sizes) -> Work:
    """By params.yaml."""
    fraction = params.splits.validation_fraction
    phases: list[tuple[str, int]] = []
    if candidate.technique is not None:
        strategy = params.strategies[candidate.technique]
        phases = [(phase.train, phase.epochs) for phase in strategy.phases]
    elif scratch := params.architectures_of(family_named(candidate.family)):
        architecture = scratch[candidate.model]
        phases = [("all", architecture.epochs)]
    training = params.training_of(candidate) if phases else params.training
    patience = training.patience if training.early_stopping else None
    return Work(
        candidate,
        seeds=len(params.seeds),
        learnt=sizes.development * (1 - fraction) * candidate.training_share,
        validated=sizes.development * fraction,
        tested=sizes.test,
        side=params.data.image_size if params.data.kind == "images" else None,
        phases=[(part, _expected_epochs(epochs, patience)) for part, epochs in phases],
        folds=params.baseline.folds,
        tuning=_expected_tuning(candidate, params) if phases else 0.0,
        views=training.augmentation.views if phases else 0,
        classes=sizes.classes,
    )


def work_of_trial(
    trial: Mapping[str, Any], now: Work, epochs: Mapping[int, float], learnt: float, classes: int | None
) -> Work:
    """What was done when a candidate was trained before.

    Args:
        trial: its trial.json.
        now: the work that it would be by params.yaml.
        epochs: how many each phase took, on average over the seeds; by the phase's number.
        learnt: on how many examples a seed was trained. How many the others were is taken to be in proportion.
        classes: how many there were.
    """
    parameters, ratio = trial["parameters"], learnt / now.learnt if now.learnt else 1.0
    return replace(
        now,
        seeds=len(trial["seeds"]),
        learnt=learnt,
        validated=ratio * now.validated,
        tested=ratio * now.tested,
        tuning=0.0,
        views=parameters.get("training", {}).get("augmentation", {}).get("views", 0) if now.phases else 0,
        classes=classes,
        side=parameters.get("image_size", now.side),
        phases=[(phase["train"], epochs.get(phase["phase"], 0.0)) for phase in trial["phases"]] if now.phases else [],
        folds=parameters.get("folds", now.folds),
    )


def altered_photos(evaluation: Evaluation, work: Work) -> float:
    """How many altered test photos a candidate is asked about; a point of the data-size study about none."""
    robustness = evaluation.robustness
    shifts = sum(pixels <= (work.side or 0) // 2 for pixels in robustness.shifts)
    kinds = shifts + robustness.mirror + len(robustness.corruptions) * len(robustness.severities)
    return _asked_of(robustness.examples, work) * kinds


def explained_photos(evaluation: Evaluation, work: Work) -> float:
    """How many photos with patches taken away it is asked about: each patch, then two orders, deleted and inserted."""
    explanations = evaluation.explanations
    return _asked_of(explanations.examples, work) * (explanations.grid**2 + 4 * explanations.steps)


def _asked_of(examples: int, work: Work) -> float:
    return 0.0 if work.side is None or work.candidate.training_share < 1 else min(examples, work.tested)


def _expected_tuning(candidate: Candidate, params: Params) -> float:
    """Mostly less than the budget, which bounds the worst; a point of the data-size study goes by what was chosen."""
    search = params.tuning.search
    return SPENT * search.trainings if search and candidate.training_share == 1 else 0.0


def _expected_epochs(epochs: int, patience: int | None) -> float:
    return epochs if patience is None else min(epochs, patience + SETTLED * epochs)
