"""What may be wrong with `tuning.search`, for the networks that compete."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.params.schema.families import family_named
from pipeline.params.training.candidates import FINETUNE, Candidate
from pipeline.params.training.search import Search
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.tuning.effort import Effort
from pipeline.training.tuning.halving import choose_affordable
from pipeline.training.tuning.settings import KNOWN_RECIPES, Setting, settings_of

# Where every phase trains all of a network, an epoch costs the same whatever the network. What other strategies cost
# depends on its parts, which only training knows; it says so where nothing beside the recipe is paid for.
WHOLE = Effort([1.0], 0.0)
LARGEST_RATE = 1.0  # AdamW moves every weight by about the rate in each step, and weights are mostly smaller


def tuning_faults(params: Params, path: Path) -> Iterator[str]:
    """A candidate that has nothing to try, and settings that AdamW cannot take; one line for each name."""
    search = params.tuning.search
    if search is None:
        return
    seen: set[str] = set()
    for candidate in params.candidates():
        if not family_named(candidate.family).network:
            continue
        for line in _faults_of(candidate, params, search):
            if line not in seen:
                seen.add(line)
                yield f"{path}: {line}"


def _faults_of(candidate: Candidate, params: Params, search: Search) -> Iterator[str]:
    if candidate.family == FINETUNE and candidate.technique not in params.strategies:
        return  # said of finetune.strategies
    place, strategy, training = recipe_of(candidate, params)
    every = partial(settings_of, strategy, training.weight_decay, search, has_blocks=candidate.backbone is not None)
    # Rates and known recipes come before what is drawn, which combines them and is never faster.
    tried = list(islice(every(), len(search.learning_rates) + len(search.recipes) + 2))
    if len(tried) < 2:
        yield (
            f"tuning.search: leaves {place} no setting beside its recipe; give learning_rates other than 1, or name "
            f"recipes: {', '.join(KNOWN_RECIPES)}"
        )
    elif all(phase.train == "all" for phase in strategy.phases) and len(choose_affordable(every(), WHOLE, search)) < 2:
        yield (
            f"tuning.search.trainings = {search.trainings:g}: pays for no setting of {place} beside its recipe; raise "
            "it, or give settings that are no longer than the recipe (epochs, recipes, learning_rates)"
        )
    for setting in tried[1:]:
        if fault := _optimizer_fault(setting):
            yield f"tuning.search: {setting.name} of {place} has {fault}"
            return


def _optimizer_fault(setting: Setting) -> str | None:
    """Why AdamW cannot take it."""
    fastest = max(phase.learning_rate for phase in setting.strategy.phases)
    if fastest >= LARGEST_RATE:
        return f"a learning rate of {fastest:g}, and AdamW takes less than {LARGEST_RATE:g}; lower learning_rates"
    return None


def recipe_of(candidate: Candidate, params: Params) -> tuple[str, Strategy, Training]:
    """Where in params.yaml a network's recipe stands, its phases, and what it shares with all networks.

    Args:
        candidate: one of a family of networks.
    """
    training = params.training_of(candidate)
    if candidate.technique is not None:
        return f"strategies.{candidate.technique}", params.strategies[candidate.technique], training
    family = family_named(candidate.family)
    scratch = params.architectures_of(family)[candidate.model]
    phases = [Phase(train="all", epochs=scratch.epochs, learning_rate=scratch.learning_rate)]
    return f"{family.architectures}.{candidate.model}", Strategy(phases=phases), training
