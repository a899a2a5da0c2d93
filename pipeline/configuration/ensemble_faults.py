"""What may be wrong with the ensembles that are to compete, and which there can be.

`start` and studies change who competes in a params.yaml that was written about others: they leave out what there cannot
be any more (`possible_ensembles`). Where a person names it, it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.configuration.whole import Params
from pipeline.floors import FLOORS
from pipeline.params.compare import EnsembleKind
from pipeline.params.schema.reading import did_you_mean
from pipeline.params.training.candidates import FINETUNE, Candidate


def ensemble_faults(params: Params, path: Path) -> Iterator[str]:
    """Ensembles of one model, and of candidates that do not compete."""
    settings = params.compare.ensembles
    floors, names = [str(floor.candidate) for floor in FLOORS], attempts_of(params)
    for kind in dict.fromkeys(settings.kinds):
        if settings.kinds.count(kind) > 1:
            yield f"{path}: compare.ensembles.kinds: {kind!r} stands twice; name each once"
    for kind in ("seeds", "soup"):
        if kind in settings.kinds and len(params.seeds) < 2:
            yield (
                f"{path}: compare.ensembles.kinds: {kind!r} would average one model, since seeds = {params.seeds}; "
                f"name two seeds or more, or leave {kind!r} out"
            )
    if "greedy" in settings.kinds and len(names) < 2:
        yield (
            f"{path}: compare.ensembles.kinds: 'greedy' would hold one candidate, since {names or 'none'} competes; "
            "let two or more compete, or leave 'greedy' out"
        )
    if "greedy" in settings.kinds and settings.members < 2:
        yield (
            f"{path}: compare.ensembles.members = {settings.members}: would be an ensemble of one candidate; allow two "
            "or more"
        )
    yield from _faults_of_soups(params, path)
    if "seeds" in settings.kinds:  # names that have no effect may be of candidates that have left
        yield from _faults_of_names(settings.of, names, floors, path)


def _faults_of_soups(params: Params, path: Path) -> Iterator[str]:
    """dvc.yaml makes a stage of each name in the list, whatever `kinds` says, so the list has to be there and right."""
    settings = params.compare.ensembles
    souped, competing = names_with_soups(params), {candidate.name: candidate for candidate in params.candidates()}
    if "ensembles" not in params.compare.model_fields_set:
        remedy = "write `ensembles: {soups: []}` below compare"
        yield f"{path}: compare.ensembles: is missing, and dvc.yaml reads it; {remedy}"
    elif "soups" not in settings.model_fields_set:
        yield f"{path}: compare.ensembles.soups: is missing, and dvc.yaml reads it; write `soups: []` below ensembles"
    if "soup" in settings.kinds and not settings.soups:
        examples = f", such as {souped[0]}" if souped else "; none competes"
        yield (
            f"{path}: compare.ensembles.soups: is empty, though kinds names 'soup'; name fine-tuned candidates"
            f"{examples}, or leave 'soup' out"
        )
    for name in dict.fromkeys(settings.soups):
        if name not in souped:
            why = _why_no_soup(competing.get(name))
            yield f"{path}: compare.ensembles.soups: {name!r} {why}{did_you_mean(name, souped)}"
        if settings.soups.count(name) > 1:
            yield f"{path}: compare.ensembles.soups: {name!r} stands twice; name each once"
    if settings.soups and len(params.seeds) < 2 and "soup" not in settings.kinds:
        yield f"{path}: compare.ensembles.soups: are of one model each, since seeds = {params.seeds}; empty the list"


def _why_no_soup(candidate: Candidate | None) -> str:
    if candidate is None:
        return "does not compete"
    is_random = candidate.family == FINETUNE  # fine-tuned, and has no soup all the same
    how = f"begins at random weights (strategies.{candidate.technique}.weights)" if is_random else "is not fine-tuned"
    return f"{how}, so its seeds have no weights to begin at in common"


def _faults_of_names(of: list[str] | None, names: list[str], floors: list[str], path: Path) -> Iterator[str]:
    if of is None:
        return
    if not of:
        yield f"{path}: compare.ensembles.of: is empty; name candidates, or null for all"
    for name in dict.fromkeys(of):
        if name in floors:
            yield f"{path}: compare.ensembles.of: {name!r} is a floor, which is no attempt; leave it out"
        elif name not in names:
            yield f"{path}: compare.ensembles.of: {name!r} does not compete{did_you_mean(name, names)}"
        if of.count(name) > 1:
            yield f"{path}: compare.ensembles.of: {name!r} stands twice; name each once"


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
