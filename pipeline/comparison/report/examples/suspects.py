"""Labels to look at again."""

from __future__ import annotations

from pipeline.comparison.report.examples.photos import data_uri, read_doubted
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import records

SHOWN = 12  # of each split


def section(material: Material) -> Section | None:
    """None where no label is suspected."""
    suspects = material.suspects
    photos = read_doubted(suspects.judges)
    rows = [
        {**row, "uri": data_uri(path) if (path := photos.get((row["split"], row["example"]))) else ""}
        for row in records(suspects.table.groupby("split", sort=False).head(SHOWN))
    ]
    sizes = material.facts.dataset["sizes"]
    data = {"suspects": suspects, "rows": rows, "sizes": sizes, "with_photos": bool(photos)}
    return Section("suspects", "Labels to look at", "examples", data) if rows else None
