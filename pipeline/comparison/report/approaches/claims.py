"""What lectures say of machine learning and deep learning, beside what was measured here."""

from __future__ import annotations

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.verdict.words import GROUPS


def section(material: Material) -> Section | None:
    """None where no claim could be judged."""
    if not material.claims:
        return None
    return Section("claims", "What is said", "approaches", {"claims": material.claims, "groups": GROUPS}, folded=True)
