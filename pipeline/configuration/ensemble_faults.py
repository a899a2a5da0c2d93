"""What may be wrong with the ensembles that are to compete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.floors import FLOORS
from pipeline.params.schema.reading import did_you_mean


def ensemble_faults(params: Params, path: Path) -> Iterator[str]:
    """Ensembles of one model, and of candidates that do not compete."""
    settings = params.compare.ensembles
    floors = [floor.candidate for floor in FLOORS]
    names = [candidate.name for candidate in params.candidates() if candidate.name not in floors]
    for kind in dict.fromkeys(settings.kinds):
        if settings.kinds.count(kind) > 1:
            yield f"{path}: compare.ensembles.kinds: {kind!r} stands twice; name each once"
    if "seeds" in settings.kinds and len(params.seeds) < 2:
        yield (
            f"{path}: compare.ensembles.kinds: 'seeds' would average one model, since seeds = {params.seeds}; name two "
            "seeds or more, or leave 'seeds' out"
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
    if "seeds" in settings.kinds:  # names that have no effect may be of candidates that have left
        yield from _faults_of_names(settings.of, names, floors, path)


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
