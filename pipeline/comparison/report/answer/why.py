"""Why: the evidence, how sure it is, what would change it, and what to try next."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.verdict.next_steps import next_steps


def section(material: Material) -> Section:
    verdict = material.verdict
    attempts = [str(row["candidate"]) for row in material.attempts]
    subject = material.trained(verdict["recommended"] if verdict["recommended"] in attempts else attempts[0])
    steps = [(step.sentence, as_yaml(step.change)) for step in next_steps(material.facts, verdict, subject)]
    return Section("why", "Why", "answer", {"candidates": len(material.facts.rows), "next_steps": steps})


def as_yaml(change: Mapping[str, Any] | None) -> str:
    """What to change in params.yaml, as it stands there; empty where there is nothing."""
    if change is None:
        return ""
    text, yaml = io.StringIO(), YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # the innermost lists and mappings on one line, as params.yaml has them
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(change, text)
    return text.getvalue().strip()
