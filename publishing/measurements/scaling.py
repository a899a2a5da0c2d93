"""The table of docs/how-to/several-machines.md: how near a run came to its own schedule."""

from __future__ import annotations

from publishing.markdown import table
from publishing.measurements.kept import origin, rows_of

HEADS = ["places", "share of the ideal schedule", "overhead a stage", "the driver's own processor time a stage"]


def tables() -> dict[str, str]:
    """{what the mark of a place in the page says: the table}."""
    cells = [
        [
            str(row["places"]),
            f"{row['share_of_ideal']:.2f}",
            f"{row['overhead_seconds']:.2f} s",
            f"{row['driver_processor_seconds']:.3f} s",
        ]
        for row in rows_of("scaling")
    ]
    return {", scaling": f"{table(HEADS, cells)}\n\n{origin('scaling')}"}
