"""The settings that a network tries: its recipe, known good recipes, a grid around it, then draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import chain, product, zip_longest
from math import log
from typing import Any

import numpy as np

from pipeline.params.training.search import Search
from pipeline.params.training.strategies import RISING, Phase, Schedule, Strategy

RECIPE = "recipe"


@dataclass(frozen=True)
class Changes:
    """What a setting does otherwise than the recipe; None leaves a value as it is.

    Attributes:
        learning_rate: times that of each main phase; rate: that of all of them instead.
        epochs: times those of each main phase.
        schedule: of each main phase.
        head_epochs: of a head phase before the main ones.
        layer_decay, weight_decay: see `Strategy` and `Training`.
    """

    learning_rate: float | None = None
    rate: float | None = None
    epochs: float | None = None
    schedule: Schedule | None = None
    head_epochs: int | None = None
    layer_decay: float | None = None
    weight_decay: float | None = None

    def described(self) -> dict[str, Any]:
        """Those that it makes, as trial.json has them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: value for key, value in values.items() if value is not None}


# fastai: one frozen epoch, then all with rates that fall towards the input, one cycle (fine_tune; its rate of Adam).
# ULMFiT: slanted triangles and rates that fall towards the input (Howard and Ruder 2018, §3.2).
# BiT: the rate divided by ten in steps (Kolesnikov 2020). LP-FT: the head to its end, then slowly (Kumar 2022).
KNOWN_RECIPES = {
    "fastai": Changes(rate=1e-3, schedule="one_cycle", head_epochs=1, layer_decay=2.6),
    "ulmfit": Changes(schedule="slanted", layer_decay=2.6),
    "bit": Changes(schedule="staircase"),
    "lp_ft": Changes(learning_rate=0.1, schedule="cosine", head_epochs=60),
}


@dataclass(frozen=True)
class Setting:
    """
    Attributes:
        name: recipe; the name of a known one; or what it changes.
        changes: of the recipe.
        strategy: with these changes made.
        weight_decay: of AdamW.
    """

    name: str
    changes: Changes
    strategy: Strategy
    weight_decay: float

    @property
    def plan(self) -> tuple[Any, ...]:
        """What decides how it trains: settings of one plan are the same."""
        return (*self.strategy.phases, self.strategy.layer_decay, self.weight_decay)


def settings_of(strategy: Strategy, weight_decay: float, search: Search, has_blocks: bool) -> Iterator[Setting]:
    """All settings that a search may try, each once, in the order in which they are tried; the recipe is the first.

    Args:
        strategy: the recipe's.
        weight_decay: the recipe's.
        has_blocks: whether there are blocks whose rates can differ: of a pretrained backbone, not of other networks.
    """
    seen = set()
    for name, changes in chain([(RECIPE, Changes())], _changes(strategy, search, has_blocks)):
        setting = make_setting(name, changes, strategy, weight_decay)
        if setting.plan not in seen:
            seen.add(setting.plan)
            yield setting


def make_setting(name: str, changes: Changes, strategy: Strategy, weight_decay: float) -> Setting:
    """A recipe with changes made."""
    main = main_phases(strategy)
    phases = [_changed(phase, changes, number in main) for number, phase in enumerate(strategy.phases)]
    decay = strategy.layer_decay if changes.layer_decay is None else changes.layer_decay
    changed = strategy.model_copy(update={"phases": phases, "layer_decay": decay})
    return Setting(name, changes, changed, weight_decay if changes.weight_decay is None else changes.weight_decay)


def main_phases(strategy: Strategy) -> list[int]:
    """Which phases train more than the head; all, where none does."""
    deep = [number for number, phase in enumerate(strategy.phases) if phase.train != "head"]
    return deep or list(range(len(strategy.phases)))


def _changed(phase: Phase, changes: Changes, is_main: bool) -> Phase:
    if not is_main:
        return phase if changes.head_epochs is None else phase.model_copy(update={"epochs": changes.head_epochs})
    update: dict[str, Any] = {"epochs": max(1, round(phase.epochs * (changes.epochs or 1)))}
    update["learning_rate"] = changes.rate or phase.learning_rate * (changes.learning_rate or 1)
    if changes.schedule is not None:
        update["schedule"] = changes.schedule
        update["warmup_epochs"] = 0 if changes.schedule in RISING else phase.warmup_epochs
    return phase.model_copy(update=update)


def _changes(strategy: Strategy, search: Search, has_blocks: bool) -> Iterator[tuple[str, Changes]]:
    """Rates of the grid and known recipes in turn, the rates nearest to the recipe's first; then draws from all."""
    is_head_alone = all(phase.train == "head" for phase in strategy.phases)
    has_head = any(phase.train == "head" for phase in strategy.phases) and not is_head_alone
    has_blocks = has_blocks and not is_head_alone
    rates = sorted({*search.learning_rates} - {1.0}, key=lambda rate: (round(abs(log(rate)), 9), -rate))
    grid = ((f"rate ×{rate:g}", Changes(learning_rate=rate)) for rate in rates)
    known = (
        (name, _fitting(KNOWN_RECIPES[name], has_head, has_blocks))
        for name in search.recipes
        if has_head or name != "lp_ft"
    )
    for pair in zip_longest(grid, known):
        yield from (entry for entry in pair if entry is not None)
    for number, changes in enumerate(_draws(search, has_head, has_blocks), start=1):
        yield f"draw {number}", changes


def _fitting(changes: Changes, has_head: bool, has_blocks: bool) -> Changes:
    """A known recipe without what the technique has no place for."""
    kept = changes.described()
    if not has_head:
        kept.pop("head_epochs", None)
    if not has_blocks:
        kept.pop("layer_decay", None)
    return Changes(**kept)


def _draws(search: Search, has_head: bool, has_blocks: bool) -> Iterator[Changes]:
    """Every combination of the search space once, in an order that the search's seed draws."""
    space: dict[str, Sequence[Any]] = {
        "learning_rate": search.learning_rates,
        "epochs": search.epochs,
        "schedule": search.schedules,
        "head_epochs": search.head_epochs if has_head else [],
        "layer_decay": search.layer_decays if has_blocks else [],
        "weight_decay": search.weight_decays,
    }
    grid = list(product(*([None, *values] for values in space.values())))
    for place in np.random.default_rng(search.seed).permutation(len(grid)):
        yield Changes(**dict(zip(space, grid[place], strict=True)))
