"""How every stage that trains a network does it: one trial for each seed that is not kept yet, then their results.

No stage of its own: `finetune`, `cnn`, `mlp` and `recurrent` say which network, and how it is trained.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.costs.stopwatch import Stopwatch, circumstances
from pipeline.ground.locks import hold
from pipeline.models.networks.heads import Head
from pipeline.network import Network
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Strategy
from pipeline.params.upkeep.tracking import Tracking
from pipeline.stages.assembly.training.trial_settings import TrialSettings, read_trial_settings
from pipeline.tracking.live.trial import follow_trial
from pipeline.training.batches import Examples, Split
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.kept_trials import KeptTrials
from pipeline.training.precision import choose_precision
from pipeline.training.progress import Row
from pipeline.training.trainer import Trainer
from pipeline.trials import Recipe, model_path, write_candidate

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class NetworkPlan:
    """A candidate's network and how it is trained, whatever the seed.

    Attributes:
        candidate: what competes.
        head: of the network.
        build: makes the network, given "float32" or "mixed_bfloat16".
        strategy: the phases that it is trained in.
        training: `training` of params.yaml with the candidate's own values.
        fingerprint: the candidate's (see `fingerprints.fingerprint`).
        parameters: what else decides the result, resolved, as trial.json has it.
    """

    candidate: Candidate
    head: Head
    build: Callable[[str], Network]
    strategy: Strategy
    training: Training
    fingerprint: str
    parameters: dict[str, Any]


def train_trials(plan: NetworkPlan, data: Prepared) -> None:
    """Train the seeds that are not kept yet, then write results/<candidate>/."""
    settings = read_trial_settings()
    precision = choose_precision(plan.training.precision, data.kind)
    recipe = make_recipe(plan, precision, settings)
    kept = KeptTrials(trial_key(recipe, plan.training.precision), settings.keep.trials_gb)
    missing = kept.missing(settings.seeds)
    if present := [seed for seed in settings.seeds if seed not in missing]:
        log.info("%s: seeds %s are kept from an earlier run", recipe.candidate, present)
    if missing:
        trainer = make_trainer(plan, precision, data, settings)
        for seed in missing:
            split = split_development(data, settings.splits.validation_fraction, seed, plan.candidate.training_share)
            train_trial(trainer, recipe, seed, split, kept, settings.tracking)
    for seed in settings.seeds:
        kept.copy_model(seed, model_path(recipe.candidate, seed, ".keras"))
    write_candidate(recipe, {seed: kept.read(seed) for seed in settings.seeds}, circumstances())


def trial_key(recipe: Recipe, wanted: str) -> str:
    """What a recipe's trials are kept under: its fingerprint, with the precision where the machine decided that.

    Else a machine without bfloat16 would take over what another one had begun in it.
    """
    return f"{recipe.fingerprint}-{recipe.parameters['precision']}" if wanted == "auto" else recipe.fingerprint


def make_recipe(plan: NetworkPlan, precision: str, settings: TrialSettings) -> Recipe:
    parameters = {
        **plan.parameters,
        "precision": precision,
        "splits": settings.splits.model_dump(),
        "training": plan.training.model_dump(),
        "training_share": plan.candidate.training_share,
    }
    return Recipe.of(plan.candidate, plan.head.task.name, plan.fingerprint, parameters)


def make_trainer(plan: NetworkPlan, precision: str, data: Prepared, settings: TrialSettings) -> Trainer:
    """The network, made ready to be trained by the strategy's phases with any seed."""
    share = (1 - settings.splits.validation_fraction) * plan.candidate.training_share
    limit_gb = settings.keep.activations_gb
    return Trainer(
        plan.build(precision),
        Examples(data.inputs, plan.head.targets(data.labels), data.sha256),
        plan.strategy,
        plan.head.task,
        plan.training,
        ActivationStore(data.inputs, data.sha256, limit_gb, augmentation=plan.training.augmentation),
        train_size=round(len(data.labels) * share),
    )


def train_trial(
    trainer: Trainer, recipe: Recipe, seed: int, split: Split, kept: KeptTrials, tracking: Tracking
) -> None:
    """Train one trial and keep it, unless another process has just done so."""
    checkpoint = kept.checkpoint(seed)
    # A killed `dvc repro` leaves its child training: the next one waits for it here and then finds its result.
    with hold(kept.lock_path(seed), f"{recipe.candidate}, seed {seed} is being trained by another process"):
        if kept.missing([seed]):
            with follow_trial(tracking, recipe, seed) as follower, Stopwatch() as watch:
                fit = trainer.run(seed, *split, logged(recipe.candidate, follower), checkpoint)
            kept.add(seed, fit, trainer.network.model, watch.cost())
        checkpoint.remove()


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
