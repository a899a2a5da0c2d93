"""Each pair of candidates: by how much one is ahead, and what is shown."""

from __future__ import annotations

from pipeline.comparison.report.answer.ranking import second_opinion
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import records


def section(material: Material) -> Section | None:
    """None where a single candidate competes. McNemar's tests are of every pair, others of those with the best."""
    comparison = material.facts.comparison
    pairwise = records(comparison.pairwise)
    if not pairwise:
        return None
    exact = comparison.permutation[comparison.permutation["test"] == "mcnemar"]
    data = {"pairwise": pairwise, "exact": second_opinion(exact)["permutation"]}
    return Section("pairs", "Pairs", "answer", data)
