"""How every stage that trains a network does it: one trial for each seed that is not kept yet, then their results.

No stage of its own: `finetune`, `cnn`, `mlp` and `recurrent` say which network, and how it is trained.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.datasets.store.prepared import Prepared
from pipeline.params.training.search import read_search
from pipeline.stages.assembly.training.network_plan import (
    NetworkPlan,
    make_recipe,
    make_trainer,
    on_this_machine,
    trial_key,
    with_changes,
)
from pipeline.stages.assembly.training.seed_trials import train_missing, write_trials
from pipeline.stages.assembly.training.trial_settings import TrialSettings, read_trial_settings
from pipeline.stages.assembly.training.tuned_trials import chosen_for, fingerprint_by_choice, train_tuned
from pipeline.training.kept_trials import KeptTrials
from pipeline.training.precision import choose_precision
from pipeline.trials import Recipe


def train_trials(plan: NetworkPlan, data: Prepared) -> None:
    """Train the seeds that are not kept yet, then write results/<candidate>/."""
    settings, search = read_trial_settings(), read_search()
    precision = choose_precision(plan.training.precision, data.kind)
    if search is None:
        train_as_planned(plan, precision, data, settings)
    elif plan.candidate.training_share == 1:
        train_tuned(plan, search, precision, data, settings)
    else:
        changes = chosen_for(plan.candidate)
        tuning = {"method": f"as {plan.candidate.whole} was tuned", "settings_tried": 1, "changes": changes}
        by_choice = replace(with_changes(plan, changes), fingerprint=fingerprint_by_choice(plan.fingerprint, changes))
        train_as_planned(by_choice, precision, data, settings, tuning)


def train_as_planned(
    plan: NetworkPlan, precision: str, data: Prepared, settings: TrialSettings, tuning: dict[str, Any] | None = None
) -> None:
    """
    Args:
        tuning: see `Trial`.
    """
    recipe, kept = train_and_keep(plan, precision, data, settings)
    write_trials(recipe, kept, settings, tuning)


def train_and_keep(
    plan: NetworkPlan, precision: str, data: Prepared, settings: TrialSettings
) -> tuple[Recipe, KeptTrials]:
    """Train the seeds that are not kept yet.

    Returns:
        What they were trained by, and where they are kept.
    """
    plan = on_this_machine(plan)
    recipe = make_recipe(plan, precision, settings)
    kept = KeptTrials(trial_key(recipe, plan.training.precision), settings.keep.trials_gb)
    train_missing(recipe, kept, data, settings, lambda: make_trainer(plan, precision, data, settings))
    return recipe, kept
