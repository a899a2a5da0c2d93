"""Beyond the score: robustness, calibration and explanations, a table each, with their figures."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.report.drawing import Picture
from pipeline.comparison.report.examples.number_robustness_plots import number_robustness_pictures
from pipeline.comparison.report.examples.panel_plots import patches_picture, reliability_picture
from pipeline.comparison.report.examples.photos import read_explained
from pipeline.comparison.report.examples.robustness_plots import robustness_pictures
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.frames import records
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.studies.properties import CALIBRATION, EXPLANATIONS, ROBUSTNESS
from pipeline.formats import percent


def section(material: Material) -> Section | None:
    """None where nothing beyond accuracy was measured."""
    if not material.properties:
        return None
    shown = [one.name for one in _shown(material)]
    data = {
        "ranking": material.ranking,
        "tables": property_tables(material),
        "pictures": property_pictures(material),
        "explained": read_explained(shown, list(material.facts.dataset["class_names"])),
        "of_classes": material.facts.score.of_classes,
    }
    link = "Beyond accuracy" if material.facts.score.of_classes else "Beyond errors"
    return Section("properties", link, "examples", data, folded=True)


def property_tables(material: Material) -> dict[str, list[dict[str, Any]]]:
    """What was measured, by the table that it stands in: each property with its row for each candidate.

    A share is written as accuracies are; where errors are compared, in per cent all the same.
    """
    share = None if material.facts.score.of_classes else percent
    tables: dict[str, list[dict[str, Any]]] = {}
    for one in material.properties:
        table = one.table(material.settings.confidence)
        table["value"] = table["value"].clip(*one.bounds)  # an estimate may leave them by what noise took from it
        rows = {row["candidate"]: row for row in records(table)}
        tables.setdefault(one.group, []).append({"title": one.title, "write": one.write or share, "rows": rows})
    return tables


def property_pictures(material: Material) -> dict[str, list[Picture]]:
    """What there is to draw, by the table that it stands beneath."""
    shown = _shown(material)
    draw_robustness = robustness_pictures if material.facts.score.of_classes else number_robustness_pictures
    return {
        ROBUSTNESS: draw_robustness(material.measured),
        CALIBRATION: reliability_picture(shown),
        EXPLANATIONS: patches_picture(shown, material.facts.score.of_classes),
    }


def _shown(material: Material) -> list[Measured]:
    """One of each family; of an ensemble nothing beyond accuracy is measured."""
    return [one for name in material.shown_of_families if not isinstance(one := material.of(name), Ensemble)]
