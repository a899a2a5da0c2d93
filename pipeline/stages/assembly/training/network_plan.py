"""A network's candidate, planned: which network, and how it is trained, whatever the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import split_development
from pipeline.models.networks.heads import Head
from pipeline.network import Network
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Strategy
from pipeline.stages.assembly.training.trial_settings import TrialSettings
from pipeline.training.batches import Examples
from pipeline.training.devices import building_for, usable_devices
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.trainer import Trainer
from pipeline.training.tuning.settings import Changes, Setting, make_setting
from pipeline.trials import Recipe

TYPICAL_SEEDS = range(8)  # whose splits say how many examples a seed mostly trains on


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


def make_recipe(plan: NetworkPlan, precision: str, settings: TrialSettings) -> Recipe:
    parameters = {
        **plan.parameters,
        "precision": precision,
        "splits": settings.splits.model_dump(),
        "training": plan.training.model_dump(),
        "training_share": plan.candidate.training_share,
    }
    return Recipe.of(plan.candidate, plan.head.task.name, plan.fingerprint, parameters)


def trial_key(recipe: Recipe, wanted: str) -> str:
    """What a recipe's trials are kept under: its fingerprint, with the precision where the machine decided that.

    Else a machine without bfloat16 would take over what another one had begun in it.

    Args:
        wanted: `training.precision`.
    """
    return f"{recipe.fingerprint}-{recipe.parameters['precision']}" if wanted == "auto" else recipe.fingerprint


def on_this_machine(plan: NetworkPlan) -> NetworkPlan:
    """The same with as many devices as there are, where it asks for more.

    Its trials are others then: a killed one goes on in no other way than it began, to the last bit.
    """
    wanted = plan.training.devices
    devices = usable_devices(wanted)
    if devices == wanted:
        return plan
    fingerprint = hashlib.sha256(f"{plan.fingerprint} on {devices} devices".encode()).hexdigest()
    return replace(plan, training=plan.training.model_copy(update={"devices": devices}), fingerprint=fingerprint)


def make_trainer(plan: NetworkPlan, precision: str, data: Prepared, settings: TrialSettings) -> Trainer:
    """The network, made ready to be trained by the strategy's phases with any seed."""
    with building_for(plan.training.devices):
        return Trainer(plan.build(precision), strategy=plan.strategy, **trained_on(plan, data, settings))


def trained_on(plan: NetworkPlan, data: Prepared, settings: TrialSettings) -> dict[str, Any]:
    """What a trainer is given beside the network and how it is trained."""
    fraction, share = settings.splits.validation_fraction, plan.candidate.training_share
    # Groups and shares make sizes uneven. It must not be those of this run's seeds, which each trial is independent of.
    sizes = [len(split_development(data, fraction, seed, share)[0]) for seed in TYPICAL_SEEDS]
    limit_gb = settings.keep.activations_gb
    return {
        "examples": Examples(data.inputs, plan.head.targets(data.labels), data.sha256),
        "task": plan.head.task,
        "settings": plan.training,
        "store": ActivationStore(data.inputs, data.sha256, limit_gb, augmentation=plan.training.augmentation),
        "train_size": round(fmean(sizes)),
    }


def chosen_setting(plan: NetworkPlan, changes: Mapping[str, Any]) -> Setting:
    """
    Args:
        changes: of the recipe, as trial.json has them.
    """
    return make_setting("chosen", Changes(**changes), plan.strategy, plan.training.weight_decay)


def with_changes(plan: NetworkPlan, changes: Mapping[str, Any]) -> NetworkPlan:
    """The same, trained by a setting that was chosen.

    Args:
        changes: of the recipe, as trial.json has them.
    """
    setting = chosen_setting(plan, changes)
    training = plan.training.model_copy(update={"weight_decay": setting.weight_decay})
    return replace(plan, strategy=setting.strategy, training=training)
