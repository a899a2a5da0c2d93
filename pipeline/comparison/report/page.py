"""comparison/report.html: one self-contained page, answer first, readable without scripts, colour or a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from pipeline import formats
from pipeline.comparison.report.answer import cost, pairs, ranking, tradeoff, use, why
from pipeline.comparison.report.approaches import claims, ensembles, features, paradigms, techniques
from pipeline.comparison.report.background import data, making, scores
from pipeline.comparison.report.environment import strict_environment
from pipeline.comparison.report.examples import mistakes, properties, suspects
from pipeline.comparison.report.learning import curves, growth, overfitting
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import MakeSection
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.verdict import words
from pipeline.comparison.verdict.shown import warn_of_groups
from pipeline.params.schema.families import families

SECTIONS: tuple[MakeSection, ...] = (
    use.section,
    why.section,
    tradeoff.section,
    ranking.section,
    pairs.section,
    scores.section,
    ensembles.section,
    paradigms.section,
    features.section,
    techniques.section,
    overfitting.section,
    curves.section,
    growth.section,
    mistakes.section,
    suspects.section,
    properties.section,
    cost.section,
    claims.section,
    data.section,
    making.section,
)
TEMPLATES = Path(__file__).parent
WITH_PERCENT = re.compile(r"(\S+ %\S*)")
FORMATS = (
    *(formats.percent, formats.percent_range, formats.points, formats.bare_points, formats.points_range),
    *(formats.number, formats.duration, formats.count_of, formats.p_value, formats.chance),
    *(words.measured_text, words.measured_range, words.difference_text),
)


def render(material: Material) -> str:
    """The page as text. Everything that comes from data is escaped; figures are inline SVG."""
    environment = _environment()
    sections = [section for make in SECTIONS if (section := make(material)) is not None]
    common = shared(material)
    bodies = [Markup(environment.get_template(one.template).render(common | dict(one.data))) for one in sections]
    page = environment.get_template("page.html.j2")
    return page.render(common | {"sections": list(zip(sections, bodies, strict=True)), **_header(material)}) + "\n"


def shared(material: Material) -> dict[str, Any]:
    """The names that every template may use."""
    facts = material.facts
    return {
        "facts": facts,
        "verdict": material.verdict,
        "words": facts.words,
        "column": facts.column,
        "confidence": formats.level(facts.confidence),
        "example": words.example_words(facts.kind),
        "families": {name: family.words for name, family in families().items()},
    }


def together(text: str) -> str:
    """Numbers stay on one line with their percent sign."""
    return text.replace(" %", "\u00a0%")


def unbroken(text: str) -> Markup:
    """The same for text that is to stay the very characters of verdict.json."""
    return Markup(WITH_PERCENT.sub(r'<span class="together">\1</span>', str(escape(text))))


def short(row: Row) -> Markup:
    """A candidate's name without its family; it may be broken after its underscores."""
    return escape(words.short_name(row["candidate"], row["family"])).replace("_", Markup("_<wbr>"))


def _header(material: Material) -> dict[str, Any]:
    """What stands above the sections."""
    dataset = material.facts.dataset
    return {
        "candidates": len(material.facts.rows),
        "sizes": dataset["sizes"],
        "classes": len(dataset["class_names"]),
        "few_groups": warn_of_groups(material.facts),
    }


def _environment() -> jinja2.Environment:
    environment = strict_environment(TEMPLATES)
    environment.globals |= {function.__name__: function for function in (*FORMATS, short)}
    environment.filters |= {"together": together, "unbroken": unbroken, "capitalised": words.capitalised}
    return environment
