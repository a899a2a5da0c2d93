"""A trial's state holds the best weights of its phase and of the whole trial, and counts what it took."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from pipeline.training.progress import DivergedError, Fit, TrialState


class Trial:
    """Two weights, of which the first phase trains the first one and the second phase the second one."""

    def __init__(self, early_stopping: bool = True) -> None:
        self.weights = {place: keras.Variable(np.zeros(1)) for place in (0, 1)}
        self.state, self.early_stopping, self.epoch = TrialState(seed=0, fit=Fit()), early_stopping, 0

    def begin(self, phase: int) -> None:
        reached = {place: variable for place, variable in self.weights.items() if place < phase}
        self.state.begin_phase(phase, reached, [phase - 1], optimizer=[])

    def epochs(self, *losses: float) -> None:
        """Each epoch leaves its own number in the weight that is trained."""
        for loss in losses:
            self.epoch += 1
            self.weights[self.state.phase - 1].assign([self.epoch])
            row: dict[str, Any] = {"phase": self.state.phase, "epoch": self.epoch, "val_loss": loss}
            row |= {"train_loss": loss, "learning_rate": 0.5}
            self.state.add_epoch(row, self.early_stopping)

    def values(self) -> list[float]:
        return [float(self.weights[place][0]) for place in (0, 1)]


def test_a_phase_ends_with_its_own_best_epoch_and_the_next_one_goes_on_from_there() -> None:
    trial = Trial()
    trial.begin(1)
    trial.epochs(3.0, 1.0, 2.0, 2.0)
    assert trial.state.epochs_waited == 2
    trial.state.end_phase()
    assert trial.values() == [2, 0]


def test_the_trial_ends_with_the_best_epoch_of_all_phases() -> None:
    trial = Trial()
    trial.begin(1)
    trial.epochs(3.0, 1.0)
    trial.begin(2)
    trial.epochs(5.0, 4.0)
    trial.state.end_phase()
    assert trial.values() == [2, 4] and trial.state.epochs_waited == 0
    trial.state.end_trial()
    assert trial.values() == [2, 0] and trial.state.fit.best["epoch"] == 2


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_an_epoch_without_a_finite_loss_is_never_the_best(lost: float, early_stopping: bool) -> None:
    trial = Trial(early_stopping)
    trial.begin(1)
    trial.epochs(lost)
    assert trial.state.has_diverged() and not trial.state.fit.best
    trial.epochs(1.0, lost)
    assert trial.state.has_diverged() and trial.state.fit.best["epoch"] == 2
    trial.state.end_phase()
    assert trial.values() == [2, 0], "the next phase goes on from the finite epoch"
    trial.begin(2)
    assert not trial.state.has_diverged()
    trial.epochs(lost)
    trial.state.end_phase()
    trial.state.end_trial()
    assert trial.values() == [2, 0]
    trial.state.refuse_divergence()


def test_a_trial_without_a_finite_loss_has_no_model() -> None:
    trial = Trial()
    trial.begin(1)
    trial.epochs(float("nan"))
    trial.state.end_phase()
    trial.state.end_trial()
    with pytest.raises(
        DivergedError, match=r"seed 0: no epoch had a finite .* phase 1 with learning_rate 0.5\); lower"
    ):
        trial.state.refuse_divergence()


def test_a_later_best_epoch_takes_along_what_earlier_phases_trained() -> None:
    trial = Trial()
    trial.begin(1)
    trial.epochs(3.0, 2.0)
    trial.begin(2)
    trial.epochs(1.0, 4.0)
    trial.state.end_trial()
    assert trial.values() == [2, 3]


def test_with_early_stopping_off_the_last_epoch_counts_as_the_best() -> None:
    trial = Trial(early_stopping=False)
    trial.begin(1)
    trial.epochs(1.0, 3.0)
    assert trial.state.epochs_waited == 0 and trial.state.fit.best["epoch"] == 2
    trial.state.end_phase()
    trial.state.end_trial()
    assert trial.values() == [2, 0]


def test_a_phase_that_goes_on_keeps_its_best_weights_and_how_long_it_has_waited() -> None:
    trial = Trial()
    trial.begin(1)
    trial.epochs(1.0, 2.0)
    trial.begin(1)
    assert trial.state.epochs_waited == 1
    trial.epochs(1.5)
    trial.state.end_phase()
    assert trial.values() == [1, 0]


def test_activations_are_charged_once_and_those_of_a_lower_cut_within_those_of_the_higher() -> None:
    state = TrialState(seed=0, fit=Fit())
    state.charge("lower", 2.0, below=[])
    state.charge("higher", 5.0, below=["lower"])
    state.charge("higher", 5.0, below=["lower"])
    state.charge("view", 1.0, below=[])
    assert state.activation_seconds() == pytest.approx(6.0)
