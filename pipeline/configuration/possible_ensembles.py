"""Which ensembles there can be of the candidates that compete.

`start` and studies change who competes in a params.yaml that was written about others: they leave out what there cannot
be any more. Where a person names it, `ensemble_faults` refuses it.
"""

from __future__ import annotations

from typing import Any

from pipeline.configuration.whole import Params
from pipeline.floors import FLOORS
from pipeline.params.compare import EnsembleKind
from pipeline.params.training.candidates import FINETUNE


def attempts_of(params: Params) -> list[str]:
    """All candidates but the floors."""
    floors = [floor.candidate for floor in FLOORS]
    return [candidate.name for candidate in params.candidates() if candidate.name not in floors]


def names_with_soups(params: Params) -> list[str]:
    """The candidates whose seeds begin at weights in common."""
    random = [name for name, strategy in params.strategies.items() if strategy.weights == "random"]
    finetuned = [candidate for candidate in params.candidates() if candidate.family == FINETUNE]
    return [candidate.name for candidate in finetuned if candidate.technique not in random]


def possible_ensembles(params: Params) -> dict[str, Any]:
    """The keys of `compare.ensembles` that name what there cannot be, without it: of candidates that do not compete, or
    of one model each. Other faults stay for `ensemble_faults` to tell."""
    settings, names, several = params.compare.ensembles, attempts_of(params), len(params.seeds) > 1
    souped = names_with_soups(params) if several else []
    soups = [name for name in settings.soups if name in souped]
    of = settings.of and [name for name in settings.of if name in names]
    possible: dict[EnsembleKind, bool] = {
        "seeds": several and (of == settings.of or bool(of)),
        "greedy": len(names) > 1,
        "soup": bool(soups),
    }
    kinds = [kind for kind in settings.kinds if possible[kind]]
    left = {"kinds": kinds, "soups": soups, "of": of if of or not settings.of else None}
    return {key: value for key, value in left.items() if value != getattr(settings, key)}
