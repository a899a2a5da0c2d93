"""What of a proposal fits into so many minutes, by a rule that does not look at the clock again.

The rule: begin with the floor and two seeds, and add, as long as the forecast stays within the minutes,

1. the other classical models, cheapest first;
2. probes on the backbone that usually does best, then fine-tuning it by the technique that usually brings most, and by
   the one that brings most for its time;
3. networks trained from scratch;
4. the other backbones, each with what was chosen so far; then the other techniques, by what they usually bring;
5. trying settings of every network (`tuning.search`); 6. the remaining seeds;
7. larger photos, up to the photos' own size.

What does not fit is left out, and what comes after it may still fit. A backbone stands in one list for probes and for
fine-tuning, so it comes with every technique that was chosen before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.floors import FLOORS
from pipeline.operations.starting.seeing.photo_size import SIZES
from pipeline.operations.starting.seeing.start_options import StartError
from pipeline.params import study
from pipeline.params.schema.families import families

MODELS, PROBES = "baseline.models", "baseline.probes"
BACKBONES, STRATEGIES = "finetune.backbones", "finetune.strategies"
SEEDS, SIZE, SEARCH = "seeds", "data.image_size", "tuning.search"
FEWEST_SEEDS = 2  # below it nothing shows how much a training varies
# By mean test accuracy in the default comparison (docs/results/groceries.md); what is not named here comes after these.
BEST_BACKBONES = ("resnet50", "vgg16", "inceptionv3")
BEST_STRATEGIES = ("full", "gradual_unfreezing", "frozen_layers", "feature_extractor")
# Tried before other backbones: what brought most, and what brought most for its time, a fifteenth of that of the first.
FIRST_STRATEGIES = ("full", "feature_extractor")

Overlay = Mapping[str, Any]  # {key of params.yaml: value}
Cost = Callable[[Overlay], float]  # the minutes that all of it takes


@dataclass(frozen=True)
class Step:
    """One thing that more time adds.

    Attributes:
        what: in words, such as "fine-tuning resnet50 by full".
        adds: {list of params.yaml: names that join it}, or {key: the new value}.
    """

    what: str
    adds: dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """
    Attributes:
        overlay: the keys of params.yaml, with what fits.
        minutes: that it takes.
        left_out: (what, the minutes that it would add), in the order of the rule.
        settings_left_out: of these, what is no candidate: seeds, settings tried, larger photos.
    """

    overlay: dict[str, Any]
    minutes: float
    left_out: list[tuple[str, float]]
    settings_left_out: list[str]


def choose_within(minutes: float, full: Overlay, cost: Cost, largest_size: int | None = None) -> Choice:
    """The part of a proposal that fits.

    Args:
        full: the proposal: the lists of all that could compete, seeds, and the photo size to begin with.
        cost: of such an overlay.
        largest_size: up to which photos may become larger; None: they stay as proposed.

    Raises:
        StartError: the floor alone takes longer.
    """
    chosen = _floor_alone(full)
    least = cost(chosen)
    if least > minutes:
        first = f"{chosen[MODELS][0]}, the floor," if chosen[MODELS] else "nothing at all"
        raise StartError(
            f"{_minutes(minutes)} are not enough: {first} takes about {_minutes(least)} with "
            "preparation and report; give at least that (--minutes), or fewer examples (data.limit)"
        )
    left_out = []
    for step in _steps(full, cost, chosen, largest_size):
        more = _with(chosen, step, full)
        if more == chosen or _is_idle(more):
            continue
        if cost(more) <= minutes:
            chosen = more
        else:
            left_out.append(step)
    if not any(chosen[key] for key in lists_of_candidates()):
        needed = min((cost(_with(chosen, step, full)) for step in left_out), default=cost(full))
        raise StartError(
            f"{_minutes(minutes)} are not enough: the cheapest of what competes takes about {_minutes(needed)} with "
            "preparation and report; give at least that (--minutes), or fewer examples (data.limit)"
        )
    taken = cost(chosen)
    settings = [step.what for step in left_out if not step.adds.keys() & set(lists_of_candidates())]
    added = [(step.what, cost(_with(chosen, step, full)) - taken) for step in left_out]
    return Choice(chosen, taken, added, settings)


def _floor_alone(full: Overlay) -> dict[str, Any]:
    none: dict[str, Any] = {key: [] for key in lists_of_candidates()}
    untuned = {SEARCH: None} if SEARCH in full else {}
    floors = [name for name in full[MODELS] if name in {floor.model for floor in FLOORS}] or full[MODELS]
    return {**full, **none, **untuned, MODELS: floors[:1], SEEDS: full[SEEDS][:FEWEST_SEEDS]}


def lists_of_candidates() -> list[str]:
    """The lists of params.yaml that say who competes."""
    scratch = [family.section for family in families().values() if family.architectures]
    return [MODELS, PROBES, *scratch, BACKBONES, STRATEGIES]


def _steps(full: Overlay, cost: Cost, floor: Overlay, largest_size: int | None) -> Iterator[Step]:
    """All that can be added to the floor, in the order of the rule."""
    yield from _classical_steps(full, cost, floor)
    backbones = _ranked(full[BACKBONES], BEST_BACKBONES)
    best, rest = backbones[:1], backbones[1:]
    strategies = _ranked(full[STRATEGIES], BEST_STRATEGIES) if best else []
    first = [name for name in strategies if name in FIRST_STRATEGIES] or strategies
    if best and full[PROBES]:
        yield Step(f"{', '.join(full[PROBES])} on {best[0]}", {PROBES: full[PROBES], BACKBONES: best})
    for name in first:
        yield Step(f"fine-tuning {best[0]} by {name}", {STRATEGIES: [name], BACKBONES: best})
    for section in lists_of_candidates():
        if section not in (MODELS, PROBES, BACKBONES, STRATEGIES):
            for name in full[section]:
                yield Step(f"{section} {name}", {section: [name]})
    for name in rest:
        yield Step(f"{name}, as with {best[0]}", {BACKBONES: [name]})
    for name in strategies:
        if name not in first:
            yield Step(f"fine-tuning by {name}", {STRATEGIES: [name], BACKBONES: best})
    if full.get(SEARCH):
        yield Step(study.SEARCH, {SEARCH: full[SEARCH]})
    for number in range(FEWEST_SEEDS, len(full[SEEDS])):
        yield Step(f"seed {full[SEEDS][number]}", {SEEDS: full[SEEDS][: number + 1]})
    if largest_size is not None:
        for size in SIZES:
            if full[SIZE] < size <= largest_size:
                yield Step(f"photos of {size} pixels", {SIZE: size})


def _classical_steps(full: Overlay, cost: Cost, floor: Overlay) -> Iterator[Step]:
    steps = [Step(name, {MODELS: [name]}) for name in full[MODELS] if name not in floor[MODELS]]
    alone = {step.what: cost(_with(floor, step, full)) for step in steps}
    yield from sorted(steps, key=lambda step: alone[step.what])


def _with(chosen: Overlay, step: Step, full: Overlay) -> dict[str, Any]:
    """What is chosen and what a step adds, names in the order of the proposal."""
    lists = lists_of_candidates()
    joined = {
        key: [name for name in full[key] if name in chosen[key] or name in names] if key in lists else names
        for key, names in step.adds.items()
    }
    return {**chosen, **joined}


def _is_idle(chosen: Overlay) -> bool:
    """Whether there are backbones with nothing to do, neither a probe nor a technique, or no network to tune."""
    without_work = bool(chosen[BACKBONES]) and not chosen[PROBES] and not chosen[STRATEGIES]
    return without_work or (bool(chosen.get(SEARCH)) and not names_networks(chosen))


def names_networks(overlay: Overlay) -> bool:
    """Whether a network competes, other than one whose features a probe learns from."""
    return any(overlay[key] for key in lists_of_candidates() if key not in (MODELS, PROBES, BACKBONES))


def _ranked(names: Sequence[str], best: Sequence[str]) -> list[str]:
    return [*(name for name in best if name in names), *(name for name in names if name not in best)]


def _minutes(number: float) -> str:
    return f"{number:.1f} minutes" if number < 10 else f"{number:.0f} minutes"
