"""Fine-tuning techniques over backbones, and backbones over techniques."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import records
from pipeline.comparison.tables.measurements import Measured
from pipeline.formats import count_of, listed
from pipeline.ground.files import read_parquet
from pipeline.trials import evaluation_folder


def section(material: Material) -> Section | None:
    """None where nothing was fine-tuned."""
    comparison = material.facts.comparison
    if comparison.techniques.empty:
        return None
    sides: list[dict[str, Any]] = [
        {
            "title": "Fine-tuning techniques",
            "what": "technique",
            "across": "backbone",
            "rows": records(comparison.techniques),
            "blocks": comparison.ranks["techniques"].blocks,
        },
        {
            "title": "Backbones",
            "what": "backbone",
            "across": "technique",
            "rows": records(comparison.backbones),
            "blocks": comparison.ranks["backbones"].blocks,
        },
    ]
    remarks = [*unopened(material.measured), *same_networks(material.measured)]
    return Section("techniques", "Techniques", "approaches", {"sides": sides, "remarks": remarks})


def unopened(measured: Sequence[Measured]) -> list[str]:
    """A sentence for each candidate of which opening blocks made nothing better than its first phase had."""
    sentences = []
    for one in measured:
        phases = [phase["train"] for phase in one.trial.phases]
        if len(set(phases)) < 2:
            continue  # no later phase trains anything else
        count, seeds = sum(seed["best_phase"] == 1 for seed in one.trial.seeds), count_of(len(one.trial.seeds), "seed")
        more = "" if phases[0] == "head" else "more "
        if count:
            sentences.append(
                f"{one.name}: in {count} of {seeds} the best epoch lies in the first phase, so opening {more}blocks "
                "brought nothing there."
            )
    return sentences


def same_networks(measured: Sequence[Measured]) -> list[str]:
    """A sentence for each group of networks that answer alike to the last bit with their first seed.

    What is measured of the first seed alone (robustness, explanations) is the same for them.
    """
    groups: dict[bytes, list[str]] = {}
    for one in measured:
        if one.candidate.family != "classical":
            groups.setdefault(_answers(one), []).append(one.name)
    return [
        f"{listed(names)} are the same network with the first seed: their answers agree to the last bit."
        for names in groups.values()
        if len(names) > 1
    ]


def _answers(one: Measured) -> bytes:
    """Of the first seed's model, about the test examples: with their probabilities, since labels alone often agree."""
    wanted = [("split", "==", "test"), ("seed", "==", one.seeds[0])]
    test = read_parquet(evaluation_folder(one.name) / "predictions.parquet", filters=wanted).sort_values("example")
    return pd.util.hash_pandas_object(test.filter(regex=r"^(predicted|p_\d+)$"), index=False).to_numpy().tobytes()
