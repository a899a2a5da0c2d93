"""Ensembles: what averaging brings over the best single model, and at what latency; and soups that do not compete."""

from __future__ import annotations

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section


def section(material: Material) -> Section | None:
    """None where no ensemble competes, and no soup was made either."""
    gains, soups = material.facts.gains, material.verdict.get("soups", [])
    left_out = [soup["sentence"] for soup in soups if not soup["competes"]]
    if gains is None:
        return Section("ensembles", "Ensembles", "approaches", {"gains": [], "left_out": left_out}) if soups else None
    rows = [
        {
            "row": material.facts.rows[gain.ensemble.name],
            "gain": gain,
            "members": [
                {"name": name, "share": f"{100 * share:.0f} %", "models": gain.ensemble.trainings_of_each}
                for name, share in gain.ensemble.members.items()
            ],
        }
        for gain in gains.rows
    ]
    data = {
        "gains": rows,
        "against": gains.against,
        "latency": gains.latency,
        "left_out": left_out,
        "soups": [soup for soup in soups if soup["competes"]],
    }
    return Section("ensembles", "Ensembles", "approaches", data)
