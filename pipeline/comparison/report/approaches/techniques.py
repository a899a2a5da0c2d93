"""Fine-tuning techniques over backbones, and backbones over techniques."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import records


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
    return Section("techniques", "Techniques", "approaches", {"sides": sides})
