"""Ensembles: what averaging brings over the best single model, and at what latency."""

from __future__ import annotations

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section


def section(material: Material) -> Section | None:
    """None where no ensemble competes."""
    gains = material.facts.gains
    if gains is None:
        return None
    rows = [
        {
            "row": material.facts.rows[gain.ensemble.name],
            "gain": gain,
            "members": [
                {"name": name, "share": f"{100 * share:.0f} %", "models": gain.ensemble.models_of_each}
                for name, share in gain.ensemble.members.items()
            ],
        }
        for gain in gains.rows
    ]
    data = {"gains": rows, "against": gains.against, "latency": gains.latency}
    return Section("ensembles", "Ensembles", "approaches", data)
