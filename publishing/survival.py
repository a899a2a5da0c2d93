"""docs/results/survival.md: how many damaged inputs were tried, and what became of them."""

from __future__ import annotations

from pipeline.ground.files import read_json
from publishing.calibration import RESULTS


def page() -> str:
    cells = "\n".join(
        f"| {row['input']} | {row['tried']:,} | {row['read']:,} | {row['refused']:,} | {row['fault']:,} |"
        for row in read_json(RESULTS / "survive.json")
    )
    return f"""# Damaged inputs

`python -m benchmarks.survive` changes, takes out and puts in bytes of sound files at drawn places, and gives them to
the code that reads them. Each is either read (the damage did not matter, or made another file that can be read), or
refused in a sentence that names it. A fault is an error without a name, or an input that takes longer than five
seconds. The tests run sixty of each kind.

| input | tried | read | refused by name | faults |
| --- | --- | --- | --- | --- |
{cells}

Kills, a full disk and faults of the machine are not part of this table. The end-to-end tests kill trainings,
retrainings and writers at single moments, and compare what comes after with an undisturbed run.
"""
