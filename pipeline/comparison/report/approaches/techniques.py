"""Fine-tuning techniques over backbones, and backbones over techniques."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import records


def section(material: Material) -> Section | None:
    """None where nothing was fine-tuned."""
    comparison = material.facts.comparison
    if comparison.techniques.empty:
        return None
    sides = [
        _side("Fine-tuning techniques", "technique", "backbone", comparison.techniques),
        _side("Backbones", "backbone", "technique", comparison.backbones),
    ]
    return Section("techniques", "Techniques", "approaches", {"sides": sides})


def _side(title: str, what: str, across: str, table: pd.DataFrame) -> dict[str, Any]:
    """One side of the grid and its table, with average ranks."""
    return {"title": title, "what": what, "across": across, "rows": records(table)}
