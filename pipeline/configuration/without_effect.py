"""Settings that are allowed and change nothing, because of another one: whoever set them expects something of them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from pipeline.configuration.whole import Params
from pipeline.params.compare import Ensembles
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.families import families
from pipeline.params.schema.rows import row_names
from pipeline.params.training.settings import Augmentation


def settings_without_effect(params: Params) -> Iterator[str]:
    """A sentence for each: the key, and why it has no effect."""
    yield from _of_finetuning(params)
    yield from _of_networks(params)
    yield from _of_tuning(params)
    yield from _of_ensembles(params)
    yield from _of_robustness(params)
    if params.compare.prefer == "accuracy" and params.compare.tolerance is not None:
        yield f"compare.tolerance: {params.compare.tolerance:g} has no effect: with prefer: accuracy none is tolerated"


def _of_robustness(params: Params) -> Iterator[str]:
    robustness, side = params.evaluation.robustness, params.data.image_size
    wide = [pixels for pixels in robustness.shifts if pixels > side // 2]
    if wide and robustness.examples and params.data.kind == "images":
        yield (
            f"evaluation.robustness.shifts: {', '.join(map(str, wide))} without effect: shifts wrap around, so photos "
            f"of {side} pixels are shifted by {side // 2} at most"
        )


def _of_finetuning(params: Params) -> Iterator[str]:
    backbones, strategies, probes = params.finetune.backbones, params.finetune.strategies, params.baseline.probes
    if not backbones:
        for key, names in (("baseline.probes", probes), ("finetune.strategies", strategies)):
            if names:
                yield f"{key}: {', '.join(names)} without effect: finetune.backbones is empty, and each needs one"
    elif not strategies and not probes:
        yield (
            f"finetune.backbones: {', '.join(backbones)} without effect: finetune.strategies and baseline.probes are "
            "both empty"
        )


def _of_networks(params: Params) -> Iterator[str]:
    augmentation = params.training.augmentation
    altered = [key for key in Augmentation.model_fields if key != "views" and _is_set(augmentation, key)]
    candidates = [candidate for candidate in params.candidates() if families()[candidate.family].network]
    if (
        altered
        and not augmentation.views
        and not any(params.training_of(candidate).augmentation.views for candidate in candidates)
    ):
        yield f"training.augmentation: {', '.join(altered)} without effect: views is 0; set it to 8, for example"
    yield from _of_devices(params)
    changed = params.training.label_smoothing or params.training.class_weights != "none" or augmentation.views
    if changed and not candidates:
        yield "training: without effect: no network competes"


def _of_devices(params: Params) -> Iterator[str]:
    """Nodes that give a stage fewer cards than each of its trainings is to share."""
    for family, needs in params.scale.families.items():
        wanted = max((params.devices_of(one) for one in params.candidates() if one.family == family), default=1)
        if 0 < needs.gpus < wanted:
            yield (
                f"training.devices: {wanted} without effect on nodes of `fanout`, where scale.families.{family}.gpus = "
                f"{needs.gpus:g}: a stage sees no other card; set both alike"
            )


def _of_tuning(params: Params) -> Iterator[str]:
    search = params.tuning.search
    if search is None:
        return
    if not any(families()[candidate.family].network for candidate in params.candidates()):
        yield "tuning.search: without effect: no network competes"
    names = [name for name in (*params.baseline.models, *params.baseline.probes) if name in row_names("classical.yaml")]
    sizes = {name: prod(map(len, load_classical(name).grid.values())) for name in dict.fromkeys(names)}
    larger = {name: size for name, size in sizes.items() if size > search.settings}
    if larger:
        listed = ", ".join(f"{name} ({size})" for name, size in larger.items())
        yield (
            f"tuning.search.settings: {search.settings} does not limit classical models, which try their whole grids: "
            f"{listed}; with {max(larger.values())} networks may try as many"
        )


def _of_ensembles(params: Params) -> Iterator[str]:
    settings = params.compare.ensembles
    if settings.of and "seeds" not in settings.kinds:
        yield f"compare.ensembles.of: {', '.join(settings.of)} without effect: kinds does not name seeds"
    if settings.soups and "soup" not in settings.kinds:
        listed = ", ".join(settings.soups)
        yield f"compare.ensembles.soups: {listed}: made, but none competes: kinds does not name soup"
    if settings.members != Ensembles.model_fields["members"].default and "greedy" not in settings.kinds:
        yield f"compare.ensembles.members: {settings.members} without effect: kinds does not name greedy"


def _is_set(augmentation: Augmentation, key: str) -> bool:
    return bool(getattr(augmentation, key) != Augmentation.model_fields[key].default)
