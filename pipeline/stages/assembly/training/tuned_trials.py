"""How a network's candidate is tuned: settings are tried with its first seed, and all seeds go by the chosen one."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.costs.flops import flops_per_image
from pipeline.evaluation.costs.stopwatch import Stopwatch
from pipeline.ground.locks import hold
from pipeline.network import Network
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.search import Search
from pipeline.stages.assembly.training.network_plan import (
    NetworkPlan,
    chosen_setting,
    make_recipe,
    on_this_machine,
    trained_on,
    trial_key,
)
from pipeline.stages.assembly.training.seed_trials import logged, naming_the_candidate, train_missing, write_trials
from pipeline.stages.assembly.training.trial_settings import TrialSettings
from pipeline.tracking.live.trial import follow_trial
from pipeline.training.devices import building_for
from pipeline.training.kept_trials import KeptTrials
from pipeline.training.tuning.effort import Effort
from pipeline.training.tuning.halving import choose_affordable
from pipeline.training.tuning.settings import settings_of
from pipeline.training.tuning.trainer import TunableTrainer
from pipeline.training.tuning.tuner import Tuned, Tuner
from pipeline.trials import Recipe, read_trial

log = logging.getLogger("kiyas")


def train_tuned(plan: NetworkPlan, search: Search, precision: str, data: Prepared, settings: TrialSettings) -> None:
    """Try settings with the first seed, unless that is kept, train all seeds by the chosen one, and write them."""
    first, plan = settings.seeds[0], on_this_machine(plan)
    plan = replace(plan, fingerprint=_fingerprint_of_tuned(plan.fingerprint, first))
    recipe = make_recipe(plan, precision, settings)
    kept = KeptTrials(trial_key(recipe, plan.training.precision), settings.keep.trials_gb)
    trainer: TunableTrainer | None = None
    with hold(kept.lock_path(None), f"{recipe.candidate} is being tuned by another process"):
        content = kept.read_tuning()
        if content is None:
            trainer, content = _tune(plan, search, recipe, kept, data, settings)
    tuned = Tuned(**content)
    changes = tuned.tried[tuned.chosen]["changes"]
    train_missing(
        recipe, kept, data, settings, lambda: trainer or _trainer_by(changes, plan, precision, data, settings)
    )
    write_trials(recipe, kept, settings, describe_tuning(tuned, search, first), tuned)


def _tune(
    plan: NetworkPlan, search: Search, recipe: Recipe, kept: KeptTrials, data: Prepared, settings: TrialSettings
) -> tuple[TunableTrainer, dict[str, Any]]:
    """Try settings; keep what came of it, and the first seed's trial.

    Returns:
        The trainer, which goes by the chosen setting, and the content of `Tuned`.
    """
    first = settings.seeds[0]
    with building_for(plan.training.devices):
        network = plan.build(recipe.parameters["precision"])
        effort = effort_of(network, plan.training.augmentation.views)
        every = settings_of(plan.strategy, plan.training.weight_decay, search, has_blocks=len(network.blocks) > 1)
        trainer = TunableTrainer(network, choose_affordable(every, effort, search), **trained_on(plan, data, settings))
    split = split_development(data, settings.splits.validation_fraction, first)
    tuner = Tuner(trainer, effort, first, split, kept.checkpoint_of_setting)
    log.info("%s: tuning, %d settings", recipe.candidate, len(trainer.choices))
    if len(trainer.choices) < 2:
        told = "%s: tuning.search.trainings = %g pays for no setting beside the recipe, which is trained as it stands"
        log.warning(told, recipe.candidate, search.trainings)
    with Stopwatch() as watch:
        tuned = tuner.tune()
    with naming_the_candidate(recipe.candidate):
        fit = tuner.restore(tuned.chosen)
    with follow_trial(settings.tracking, recipe, first) as follower:
        for row in fit.history:
            logged(recipe.candidate, follower)(row)
    kept.add(first, fit, network.model, _measured(watch, fit.fit_seconds / sum(tuned.seconds)))
    content = asdict(tuned)
    kept.add_tuning(content)
    return trainer, content


def _trainer_by(
    changes: Mapping[str, Any], plan: NetworkPlan, precision: str, data: Prepared, settings: TrialSettings
) -> TunableTrainer:
    """For the chosen setting alone, where an earlier run has tried them.

    A killed trial goes on with the optimizer that it was begun with, and has learning rates of its last bit: both are
    a tunable trainer's, so a plain one would not do.

    Args:
        changes: of the recipe, as trial.json has them.
    """
    choices = [chosen_setting(plan, changes)]
    with building_for(plan.training.devices):
        return TunableTrainer(plan.build(precision), choices, **trained_on(plan, data, settings))


def _measured(watch: Stopwatch, share: float) -> dict[str, Any]:
    """The stopwatch's entries of cost.json for one of the settings that it ran over.

    Args:
        share: of the seconds of all settings.
    """
    cost = watch.cost()
    joules = cost["energy_joules"]
    return cost | {
        "cpu_seconds": cost["cpu_seconds"] * share,
        "energy_joules": None if joules is None else joules * share,
    }


def effort_of(network: Network, views: int = 0) -> Effort:
    """The arithmetic of a network's parts; it must be asked for before any part is cut off.

    By floating-point operations, or where there are none to count, by numbers of weights.

    Args:
        views: altered versions of each image.
    """
    parts = [*network.blocks, network.head]
    operations = [flops_per_image(SimpleNamespace(layers=part)) for part in parts]
    if not any(operations):
        operations = [sum(layer.count_params() for layer in part) for part in parts]
    *blocks, head = [float(count or 0) for count in operations]
    return Effort(blocks, head, views)


def describe_tuning(tuned: Tuned, search: Search, first: int) -> dict[str, Any]:
    """How the setting was found, as trial.json has it; seconds stand in cost.json, since they never repeat."""
    chosen, recipe = tuned.tried[tuned.chosen], tuned.tried[0]
    return {
        "method": f"successive halving on the validation data of seed {first}",
        "settings_tried": len(tuned.tried),
        "budget": {"settings": search.settings, "trainings": search.trainings},
        "cost": round(sum(entry["cost"] for entry in tuned.tried) - chosen["cost"], 6),
        "chosen": chosen["name"],
        "changes": chosen["changes"],
        "validation": {key: value for key, value in chosen.items() if key.startswith("val_")},
        "recipe_validation": {key: value for key, value in recipe.items() if key.startswith("val_")},
        "tried": tuned.tried,
    }


def chosen_for(candidate: Candidate) -> dict[str, Any]:
    """What a point of the data-size study goes by: what the whole candidate chose, which its own stage has written."""
    return dict(read_trial(candidate.whole).tuning.get("changes", {}))


def fingerprint_by_choice(fingerprint: str, changes: Mapping[str, Any]) -> str:
    """Of a point of the data-size study, whose trials depend on what was chosen: another first seed may choose anew.

    Args:
        changes: of the recipe, as trial.json has them.
    """
    return hashlib.sha256(f"{fingerprint} changed by {json.dumps(changes, sort_keys=True)}".encode()).hexdigest()


def _fingerprint_of_tuned(fingerprint: str, first: int) -> str:
    """Every seed's trial depends on which seed settings were tried with."""
    return hashlib.sha256(f"{fingerprint} tuned with seed {first}".encode()).hexdigest()
