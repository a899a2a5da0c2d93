"""Tries settings on the first seed's split, by successive halving, and says what came of each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any

from pipeline.training.batches import Split
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.progress import Fit, TrialState
from pipeline.training.tuning.effort import Effort
from pipeline.training.tuning.halving import TOLERANCE, Rungs, Standing, halve
from pipeline.training.tuning.settings import main_phases
from pipeline.training.tuning.trainer import TunableTrainer

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Tuned:
    """What tuning came to, as it is kept.

    Attributes:
        chosen: its place in `tried`.
        tried: one entry a setting, in the order in which they were tried, the recipe first: its name, its changes of
            the recipe, the last rung that it was compared at, how many epochs it was trained, what these cost, and its
            best validation loss and score.
        seconds: of training each of them, validation included.
    """

    chosen: int
    tried: list[dict[str, Any]]
    seconds: list[float]

    @property
    def extra_seconds(self) -> float:
        """Of all save the chosen one, whose training is the first seed's trial."""
        return sum(self.seconds) - self.seconds[self.chosen]


class Tuner:
    """Settings that pause wait on disk: in memory each would take as much as the training of one, save activations.

    Args:
        trainer: of the network, made ready for all settings.
        effort: of the network.
        seed: the first of the candidate's.
        split: that seed's; what is not in it is never looked at.
        checkpoint_of: where a setting of this number waits.
    """

    def __init__(
        self,
        trainer: TunableTrainer,
        effort: Effort,
        seed: int,
        split: Split,
        checkpoint_of: Callable[[int], Checkpoint],
    ) -> None:
        self.trainer, self.effort, self.seed, self.split = trainer, effort, seed, split
        self.checkpoint_of = checkpoint_of
        self._waiting: dict[int, Checkpoint] = {}
        self._fits: dict[int, Fit] = {}
        self._ended: set[int] = set()

    def tune(self) -> Tuned:
        """Afterwards the network holds what `restore` describes, and the trainer goes by the chosen setting."""
        settings = self.trainer.choices
        rungs = Rungs.of(settings[0].strategy, self.effort)
        outcome = halve(len(settings), rungs, self._train, drop=self._forget)
        tried = [self._described(index, rung) for index, rung in enumerate(outcome.rungs)]
        seconds = [self._fits[index].fit_seconds for index in range(len(settings))]
        for index in set(self._waiting) - {outcome.chosen}:
            self._forget(index)
        return Tuned(outcome.chosen, tried, seconds)

    def restore(self, chosen: int) -> Fit:
        """Give the network the weights that the chosen setting ended with, and go by it: this is the seed's trial.

        Raises:
            FileNotFoundError: when they are no longer on disk.
            DivergedError: when no setting had a finite validation loss in any epoch.
        """
        waiting = self._waiting[chosen]
        state = waiting.load()
        if state is None:  # deleted or damaged meanwhile; trained again, it comes to the same
            self._go_on(chosen, limit=None)
            state = waiting.load()
        if state is None:
            raise FileNotFoundError(f"{waiting.path}: what tuning chose was deleted meanwhile; run the command again")
        state.refuse_divergence()
        self.trainer.use(self.trainer.choices[chosen])
        self.trainer.start(self.seed, self.split[0])
        self.trainer.network.assign(state.variables)
        self._forget(chosen)
        return self._fits[chosen]

    def _forget(self, index: int) -> None:
        """Free the disk of a setting that does not go on."""
        self._waiting.pop(index).remove()

    def _train(self, index: int, limit: float | None) -> Standing:
        if index not in self._ended and (limit is None or not self._has_spent(self._fits.get(index), limit)):
            self._go_on(index, limit)
        return self._standing(self._fits[index])

    def _go_on(self, index: int, limit: float | None) -> None:
        """Train a setting on from where it paused, or from its start."""
        setting = self.trainer.choices[index]
        self.trainer.use(setting)
        self.trainer.start(self.seed, self.split[0])
        state = self._waiting[index].load() if index in self._waiting else None
        if state is None:
            state = TrialState(self.seed, Fit(setup_seconds=self.trainer.setup_seconds))
        else:
            self.trainer.network.assign(state.variables)
        ended = self.trainer.go_on(
            state, self.split, pauses=lambda now: limit is not None and self._has_spent(now.fit, limit)
        )
        self._fits[index] = state.fit
        if ended:
            self._ended.add(index)
            # The network holds the trial's best weights by now, and none of them is needed a second time.
            state = replace(state, phase_best={}, trial_best={})
        self._waiting.setdefault(index, self.checkpoint_of(index)).save(state)
        text = "  tuning: %s, %d epochs, validation loss %.4f%s"
        left = "" if ended else ", goes on if it pays"
        log.info(text, setting.name, len(state.fit.history), _loss(state.fit.best), left)

    def _has_spent(self, fit: Fit | None, limit: float) -> bool:
        """Whether the epochs of the main phases cost so much."""
        if fit is None:
            return False
        phases = self.trainer.choices[0].strategy.phases
        main = main_phases(self.trainer.choices[0].strategy)
        numbers = [row["phase"] - 1 for row in fit.history]
        spent = sum(self.effort.of_epoch(phases[number].train) for number in numbers if number in main)
        return spent >= limit - TOLERANCE

    def _standing(self, fit: Fit) -> Standing:
        phase = fit.history[-1]["phase"]
        latest = min((_loss(row) for row in fit.history if row["phase"] == phase), default=inf)
        return Standing(_loss(fit.best), latest)

    def _described(self, index: int, rung: int) -> dict[str, Any]:
        setting, fit = self.trainer.choices[index], self._fits[index]
        phases = setting.strategy.phases
        cost = sum(self.effort.of_epoch(phases[row["phase"] - 1].train) for row in fit.history)
        measured = {"val_loss": inf} | {key: value for key, value in fit.best.items() if key.startswith("val_")}
        validation = {key: value if isfinite(value) else None for key, value in measured.items()}
        return {
            "name": setting.name,
            "changes": setting.changes.described(),
            "rung": rung,
            "ended": index in self._ended,
            "epochs": len(fit.history),
            "cost": round(cost, 6),
            **validation,
        }


def _loss(row: dict[str, Any]) -> float:
    """A training that has diverged is worse than any other; so is one without a finite epoch."""
    loss = float(row.get("val_loss", inf))
    return loss if isfinite(loss) else inf
