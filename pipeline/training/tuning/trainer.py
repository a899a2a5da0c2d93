"""One network made ready once for all settings that it tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from pipeline.network import Network
from pipeline.params.training.strategies import Phase
from pipeline.training.trainer import Trainer
from pipeline.training.tuning.optimizers import tunable_optimizer
from pipeline.training.tuning.settings import Setting


class TunableTrainer(Trainer):
    """A trainer that goes by one of several settings; it begins with the first. What each trains is the same."""

    def __init__(self, network: Network, choices: Sequence[Setting], **rest: Any) -> None:
        """
        Args:
            rest: as of `Trainer`, by name, without the strategy.
        """
        self.choices = choices
        super().__init__(network, strategy=choices[0].strategy, **rest)
        self.use(choices[0])

    def use(self, setting: Setting) -> None:
        """Go by this setting from now on."""
        strategy = setting.strategy
        self.phases = [replace(ready, plan=plan) for ready, plan in zip(self.phases, strategy.phases, strict=True)]
        for ready in self.phases:
            ready.model.optimizer.use(ready.plan, strategy.layer_decay, setting.weight_decay, self.steps_per_epoch)

    def _make_optimizer(self, number: int, plan: Phase) -> keras.optimizers.Optimizer:
        plans = [setting.strategy.phases[number - 1] for setting in self.choices]
        return tunable_optimizer(self.network, plans, self.steps_per_epoch)
