"""Classical machine learning or deep learning: each family by its best and by its typical candidate."""

from __future__ import annotations

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import records
from pipeline.comparison.verdict.words import capitalised


def section(material: Material) -> Section:
    facts = material.facts
    guess = f" ({facts.majority_class})" if facts.majority_class else ""
    attained = facts.words.attained.format(value=facts.words.value(facts.comparison.floor.score))
    data = {
        "paradigms": records(facts.comparison.paradigms),
        "floor": f"{capitalised(facts.floor.name)}{guess} is {attained}",
    }
    return Section("paradigms", "Classical or deep", "approaches", data)
