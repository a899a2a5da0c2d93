"""Whether another score would change the advice: a row for each that the predictions allow."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section


def section(material: Material) -> Section | None:
    """None where no other score was asked."""
    facts, verdict = material.facts, material.verdict
    if verdict["other_scores"] is None:
        return None
    advised = verdict["recommended"] if facts.comparison.floor.beaten_by else None
    value = facts.words.value(facts.rows[advised][facts.column]) if advised else "–"
    own = _row(facts.words.title, advised, value, same=True) | {"chosen": True}
    others = [
        _row(
            one.score.words.title,
            one.candidate,
            "–" if one.value is None else one.score.words.value(one.value),
            same=one.candidate == advised,
        )
        for one in facts.others
    ]
    return Section("scores", "Other scores", "background", {"by_score": [own, *others]}, folded=True)


def _row(title: str, candidate: str | None, value: str, same: bool) -> dict[str, Any]:
    return {"title": title, "candidate": candidate or "nothing", "value": value, "same": same, "chosen": False}
