"""Which candidates are proposed for a kind of data, as the lists of params.yaml that name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from pipeline.configuration.model_faults import fits
from pipeline.floors import FLOORS, floor_of
from pipeline.models.backbone_files.archive import FOLDER, input_shape, read_description
from pipeline.params.data import Data
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.families import families
from pipeline.params.schema.reading import ParamsError
from pipeline.params.schema.rows import row_names

USUAL_SEEDS = (0, 1, 2)
USUAL_SEARCH = {"settings": 12, "trainings": 1.5}  # no fewer than the largest grid of a classical model has
MANY = 10_000  # examples, from which on the time of kernel machines, which grows with their square, is too long
SLOW_WITH_MANY = ("SVC", "SVR")

MODELS = {
    "images": ("logistic_pixels", "forest_pixels", "logistic_hog", "svm_hog", "knn_hog", "boosting_hog"),
    "numbers of photos": ("ridge_pixels", "ridge_hog", "svm_hog_regression", "boosting_hog_regression"),
    "classes": ("logistic_table", "forest_table", "boosting_table", "svm_table", "knn_table"),
    "numbers": ("ridge", "forest_regression", "boosting_regression", "svm_regression", "knn_regression"),
    "series": ("ridge", "forest_regression", "boosting_regression"),
}
SCRATCH: dict[str, dict[str, tuple[str, ...]]] = {
    "images": {"cnn": ("lecture",)},
    "numbers of photos": {"cnn": ("lecture",)},
    "classes": {"mlp": ("lecture", "wide")},
    "numbers": {"mlp": ("lecture", "wide")},
    "series": {"mlp": ("lecture",), "recurrent": ("lecture",)},
}
USUAL_MODELS = {floor.model for floor in FLOORS if floor.model}.union(*MODELS.values())
USUAL_NETWORKS = {name for families_of in SCRATCH.values() for names in families_of.values() for name in names}
PROBES, NUMBER_PROBES, BACKBONES = ("logistic",), ("ridge_pooled",), ("vgg16", "resnet50", "inceptionv3")
STRATEGIES = ("feature_extractor", "full", "frozen_layers", "gradual_unfreezing")


@dataclass(frozen=True)
class Competitors:
    """
    Attributes:
        lists: {list of params.yaml: names in it}, such as {"baseline.models": ["majority", …]}.
        lines: what was left out of the usual ones, and why.
    """

    lists: dict[str, list[str]]
    lines: list[str]


def propose_competitors(content: Mapping[str, Any], data: Data, examples: int | None) -> Competitors:
    """The usual candidates for such data, and what params.yaml names besides, which somebody has added, where it fits.

    Args:
        content: params.yaml as it is, which says what architectures and strategies there are.
        data: what was seen.
        examples: how many photos or rows there are, where that is known.
    """
    question = _question(data)
    models, lines = _without_slow_ones([floor_for(data), *MODELS[question]], examples)
    rows = row_names("classical.yaml")
    own = [name for name in _added(content["baseline"]["models"], USUAL_MODELS) if name in rows and fits(name, data)]
    lists = {"baseline.models": _joined(models, [name for name in own if not _is_slow(name, examples)])}
    for name, family in families().items():
        if family.architectures:
            known = content[family.architectures]
            usual = SCRATCH[question].get(name, ())
            also = _added(content[family.section], USUAL_NETWORKS) if data.kind in family.kinds else []
            lists[family.section] = [each for each in _joined(usual, also) if each in known]
    backbones, about_backbones = _backbones(content, data)
    probes = [name for name in content["baseline"]["probes"] if name not in rows or fits(name, data)]
    usual_probes = PROBES if data.has_classes else NUMBER_PROBES
    lists["baseline.probes"] = _joined(usual_probes, probes) if backbones else []
    strategies = _joined(STRATEGIES, content["finetune"]["strategies"]) if backbones else []
    lists["finetune.backbones"] = backbones
    lists["finetune.strategies"] = [name for name in strategies if name in content["strategies"]]
    return Competitors(lists, [*lines, *about_backbones])


def _question(data: Data) -> str:
    """The key of MODELS and SCRATCH."""
    if data.kind == "images":
        return "images" if data.has_classes else "numbers of photos"
    return "series" if data.kind == "series" else "classes" if data.has_classes else "numbers"


def floor_for(data: Data) -> str:
    """The row of classical.yaml that every candidate must beat."""
    return str(floor_of("multiclass" if data.has_classes else "regression", data.kind).model)


def _added(names: Iterable[str], usual: Set[str]) -> list[str]:
    """Those that are usual with no data: earlier data of another kind may have left usual ones there."""
    return [name for name in names if name not in usual]


def _joined(usual: Iterable[str], also: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*usual, *also]))


def _without_slow_ones(models: list[str], examples: int | None) -> tuple[list[str], list[str]]:
    slow = [name for name in models if _is_slow(name, examples)]
    why = f"{', '.join(slow)}: not proposed for {examples} examples; their time grows with the square of the number"
    return [name for name in models if name not in slow], [why] if slow else []


def _is_slow(name: str, examples: int | None) -> bool:
    return examples is not None and examples > MANY and load_classical(name).estimator in SLOW_WITH_MANY


def _backbones(content: Mapping[str, Any], data: Data) -> tuple[list[str], list[str]]:
    """Those that take photos of that size, and which do not."""
    if data.kind != "images":
        return [], []
    rows = row_names("backbones.yaml")
    named = [name for name in _joined(BACKBONES, content["finetune"]["backbones"]) if name in rows]
    reasons = {name: _why_not(name, data.image_size) for name in named}
    lines = [f"{name}: not proposed, since {reason}" for name, reason in reasons.items() if reason]
    return [name for name in named if not reasons[name]], lines


def _why_not(backbone: str, side: int) -> str | None:
    """Why a backbone is not proposed for photos of `side` pixels; None where it is."""
    if (smallest := load_backbone(backbone).smallest_input) > side:
        return f"it takes no photo smaller than {smallest} pixels"
    saved = own_size(backbone)
    if saved is None or saved == side:
        return None
    return (
        f"its file was saved for photos of {saved} pixels: --image-size {saved} takes that size, and smallest_input in "
        "its row of backbones.yaml says that it takes other ones too"
    )


def own_size(backbone: str) -> int | None:
    """The only size of photos that a backbone of one's own is known to take, in pixels a side.

    Whether its layers take other sizes shows when it is built; `smallest_input` of its row says so beforehand.

    Returns:
        None where it takes several, or nobody can tell: `check` says what is wrong with a file.
    """
    row = load_backbone(backbone)
    if not isinstance(row, BackboneFile) or "smallest_input" in row.model_fields_set:
        return None
    try:
        sides = input_shape(read_description(FOLDER / row.file))[1:3]
    except ParamsError:
        return None
    return next((side for side in sides if isinstance(side, int)), None)
