"""The names that params.yaml may use, and those that it uses and that point nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params, trained_families
from pipeline.datasets.sources.photos import SOURCES
from pipeline.datasets.sources.tables import TABLE_SOURCES
from pipeline.evaluation.measures.corruptions import corruption_faults
from pipeline.params.schema.families import families
from pipeline.params.schema.reading import did_you_mean
from pipeline.params.schema.rows import row_names


def known_sources() -> list[str]:
    """What `data.fetch` may name."""
    return [*SOURCES, *TABLE_SOURCES]


def name_faults(params: Params, path: Path) -> Iterator[str]:
    """Names that are not known, and names that stand twice."""
    for key, names, known, home in _lists(params):
        for name in names:
            if name not in known:
                yield f"{path}: {key}: {name!r} is not in {home}{did_you_mean(name, known)}"
            if names.count(name) > 1:
                yield f"{path}: {key}: {name!r} stands twice; name each once"
    for name in params.data.fetch:
        if name not in known_sources():
            yield f"{path}: data.fetch[0] = {name!r}: there is no such source{did_you_mean(name, known_sources())}"
    yield from corruption_faults(params.evaluation.robustness.corruptions, path)
    for name in params.tuning.found:
        if name not in (known := ["search", *trained_families(), *params.strategies]):
            yield f"{path}: tuning.{name}: there is no such family or strategy{did_you_mean(name, known)}"
    for family in params.scale.families:
        if family not in families():
            yield f"{path}: scale.families.{family}: there is no such family{did_you_mean(family, list(families()))}"


def _lists(params: Params) -> Iterator[tuple[str, list[str], list[str], str]]:
    """Of each list of names: its key, the names, those that are known, and where these stand."""
    classical, backbones = row_names("classical.yaml"), row_names("backbones.yaml")
    yield "baseline.models", params.baseline.models, classical, "pipeline/models/classical.yaml"
    yield "baseline.probes", params.baseline.probes, classical, "pipeline/models/classical.yaml"
    for family in families().values():
        if family.architectures:
            known = list(params.architectures_of(family))
            yield family.section, params.named_in(family.section), known, family.architectures
    yield "finetune.backbones", params.finetune.backbones, backbones, "pipeline/models/backbones.yaml"
    yield "finetune.strategies", params.finetune.strategies, list(params.strategies), "strategies"
