"""Use it now: the advised candidate, asked on the command line, in Python, over HTTP and from a container."""

from __future__ import annotations

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.verdict.answer import describe_deployed

SHOWN = 3  # columns of a table that an example names


def section(material: Material) -> Section | None:
    """None where nothing is registered, since nothing beats the floor."""
    facts, advised = material.facts, material.verdict["recommended"]
    if advised in (None, facts.comparison.floor.candidate):
        return None
    series = facts.kind == "series"  # its columns are values of the target: it is asked with these, or with its file
    columns = [str(column["name"]) for column in facts.dataset.get("columns") or [] if not series]
    data = {"advised": advised, "photos": facts.kind == "images", "columns": columns[:SHOWN], "more": columns[SHOWN:]}
    data["series"] = facts.dataset["target"] if series else None
    data["deployed"] = describe_deployed(facts, advised)
    data["seeds"] = facts.seeds
    return Section("use", "Use it now", "answer", data)
