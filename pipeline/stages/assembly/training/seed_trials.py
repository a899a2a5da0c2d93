"""The trials of a network's candidate: each seed that is not kept yet is trained, then all are written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.costs.stopwatch import Stopwatch, circumstances, together
from pipeline.ground.locks import hold
from pipeline.params.upkeep.tracking import Tracking
from pipeline.stages.assembly.training.trial_settings import TrialSettings
from pipeline.tracking.live.trial import follow_trial
from pipeline.training.batches import Split
from pipeline.training.kept_trials import KeptTrials
from pipeline.training.progress import DivergedError, Row
from pipeline.training.trainer import Trainer
from pipeline.training.tuning.tuner import Tuned
from pipeline.trials import FinishedTrial, Recipe, model_path, write_candidate

log = logging.getLogger("kiyas")


def train_missing(
    recipe: Recipe, kept: KeptTrials, data: Prepared, settings: TrialSettings, trainer_of: Callable[[], Trainer]
) -> None:
    """Train the seeds that are not kept yet.

    Args:
        trainer_of: makes the trainer, which is asked for only where something is missing.
    """
    missing = kept.missing(settings.seeds)
    if present := [seed for seed in settings.seeds if seed not in missing]:
        log.info("%s: seeds %s are kept from an earlier run", recipe.candidate, present)
    if missing:
        trainer, share = trainer_of(), recipe.parameters["training_share"]
        for seed in missing:
            split = split_development(data, settings.splits.validation_fraction, seed, share)
            train_trial(trainer, recipe, seed, split, kept, settings.tracking)


def train_trial(
    trainer: Trainer, recipe: Recipe, seed: int, split: Split, kept: KeptTrials, tracking: Tracking
) -> None:
    """Train one trial and keep it, unless another process has just done so.

    Raises:
        DivergedError: it has no epoch with a finite validation loss; the candidate is named.
    """
    checkpoint = kept.checkpoint(seed)
    # A killed `dvc repro` leaves its child training: the next one waits for it here and then finds its result.
    with hold(kept.lock_path(seed), f"{recipe.candidate}, seed {seed} is being trained by another process"):
        if kept.missing([seed]):
            named = naming_the_candidate(recipe.candidate)
            with named, follow_trial(tracking, recipe, seed) as follower, Stopwatch() as watch:

                def measured(earlier: Row) -> Row:
                    return together(earlier, watch.so_far())

                fit = trainer.run(seed, *split, logged(recipe.candidate, follower), checkpoint, measured)
            kept.add(seed, fit, trainer.network.model, fit.measured)
        checkpoint.remove()


@contextmanager
def naming_the_candidate(name: str) -> Iterator[None]:
    """
    Raises:
        DivergedError: with the candidate's name.
    """
    try:
        yield
    except DivergedError as error:
        raise DivergedError(f"{name}, {error}") from error


def logged(candidate: str, follower: Callable[[Row], None]) -> Callable[[Row], None]:
    """A follower of epochs that also writes each of them to the log."""

    def on_epoch(row: Row) -> None:
        text = "%s  seed %d  phase %d  epoch %3d  training: %s  validation: %s"
        sides = (_measured(row, "train_"), _measured(row, "val_"))
        log.info(text, candidate, row["seed"], row["phase"], row["epoch"], *sides)
        follower(row)

    return on_epoch


def _measured(row: Row, prefix: str) -> str:
    """Such as "loss 0.512, accuracy 0.810"."""
    named = {key.removeprefix(prefix): value for key, value in row.items() if key.startswith(prefix)}
    return ", ".join(f"{name} {value:.3f}" for name, value in named.items())


def write_trials(
    recipe: Recipe,
    kept: KeptTrials,
    settings: TrialSettings,
    tuning: dict[str, Any] | None = None,
    tuned: Tuned | None = None,
) -> None:
    """Write results/<candidate>/ from what is kept.

    Args:
        tuning: see `Trial`.
        tuned: what is charged to each seed, as all are charged what they share.
    """
    for seed in settings.seeds:
        kept.copy_model(seed, model_path(recipe.candidate, seed, ".keras"))
    trials = {seed: kept.read(seed) for seed in settings.seeds}
    described = circumstances()
    if tuned is not None:
        trials = {seed: charged(trial, tuned) for seed, trial in trials.items()}
        described["tuning"] = {"seconds": tuned.extra_seconds, "seconds_of_each": tuned.seconds}
    write_candidate(recipe, trials, described, tuning)


def charged(trial: FinishedTrial, tuned: Tuned) -> FinishedTrial:
    """The trial with what trying settings took in its cost: a seed that is trained alone would need it, too."""
    cost = {"tuning_seconds": tuned.extra_seconds, "cost_seconds": trial.cost["cost_seconds"] + tuned.extra_seconds}
    return replace(trial, cost=trial.cost | cost)
