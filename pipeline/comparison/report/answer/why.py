"""Why: the evidence, how sure it is, what would change it, and what to try next."""

from __future__ import annotations

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.verdict.next_steps import next_steps


def section(material: Material) -> Section:
    verdict = material.verdict
    subject = material.of(verdict["recommended"] or verdict["winner"])
    steps = next_steps(material.facts, verdict, subject)
    return Section("why", "Why", "answer", {"candidates": len(material.measured), "next_steps": steps})
