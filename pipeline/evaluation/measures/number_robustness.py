"""How much numbers that are predicted from photos hang on where things are in them, and on how clean they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.measures.alterations import Alteration, Images
from pipeline.evaluation.measures.findings import Findings, measure_rows
from pipeline.evaluation.measures.robustness import answers_to_altered, corrupted_means, means

ByAlteration = Mapping[Alteration, NDArray[np.float64]]  # of each photo, in the target's units


def measure_number_robustness(
    predict: Callable[[Images], NDArray[np.floating]],
    clean: SplitPredictions,
    seed: int,
    alterations: Sequence[Alteration],
    altered: Callable[[Alteration], Images],
) -> Findings:
    """Mean absolute errors on altered photos; and for those that were only moved, by how much the answer changes.

    Args:
        predict: altered photos → (N, 1).
        clean: the same model's predictions of the same photos as they are.
        seed: of the model.
        alterations: the versions to measure.
        altered: the photos in one version, in the order of `clean`.
    """
    outputs, pixels = answers_to_altered(predict, alterations, altered)
    whole = clean.probabilities[:, 0].astype(np.float64)
    answers = {alteration: numbers[:, 0].astype(np.float64) for alteration, numbers in outputs.items()}
    errors = {alteration: np.abs(numbers - clean.labels) for alteration, numbers in answers.items()}
    changes = {alteration: np.abs(numbers - whole) for alteration, numbers in answers.items() if alteration.moves_only}
    clean_errors = np.abs(whole - clean.labels)
    section: dict[str, Any] = {
        "seed": seed,
        "examples": len(clean.labels),
        "pixels": pixels,
        "clean_mae": float(clean_errors.mean()),
        "mae": means(errors),
        "change": means(changes),
    }
    values = {"clean_error": clean_errors}
    values |= {f"{alteration.name}_error": of_photos for alteration, of_photos in errors.items()}
    values |= {f"{alteration.name}_change": of_photos for alteration, of_photos in changes.items()}
    rows = [measure_rows(name, seed, clean.examples, of_photos) for name, of_photos in values.items()]
    summary = {f"{name}_change": change for name, change in section["change"].items()}
    summary |= _of_corruptions(errors, section["clean_mae"])
    return Findings(summary, {"robustness": section}, pd.concat(rows, ignore_index=True))


def _of_corruptions(errors: ByAlteration, clean: float) -> dict[str, float]:
    """<kind>_mae of each corruption over its severities; corrupted_mae over all corruptions, and corrupted_growth, by
    which share of the error on clean photos it grows."""
    by_kind = corrupted_means(errors)
    if not by_kind:
        return {}
    of_kinds = {f"{kind}_mae": float(np.mean(values)) for kind, values in by_kind.items()}
    corrupted = float(np.mean([value for values in by_kind.values() for value in values]))
    growth = {"corrupted_growth": corrupted / clean - 1} if clean else {}
    return of_kinds | {"corrupted_mae": corrupted} | growth
