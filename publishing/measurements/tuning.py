"""docs/results/tuning.md: what trying settings brought each network where it was measured, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.comparison.report.answer.tuning import changes_text
from pipeline.ground.files import read_json
from publishing.markdown import table
from publishing.paths import RESULTS

HEADS = ["candidate", "settings", "chosen", "validation loss", "validation accuracy", "test accuracy"]
HEADS += ["of its training"]


def page() -> str:
    tables = "\n".join(_table(source, of) for source, of in read_json(RESULTS / "tuning.json").items())
    return f"""# What trying settings brings

`python -m benchmarks.tuning` trains every network by its recipe, then with `tuning.search` ([how that
works](../how-to/tuning.md)). Each pair of figures is before → after. Validation is of the first seed's split, on
which the setting was chosen by loss: the loss cannot become worse, the accuracy can. Test data chose nothing, and its
figure is the mean over the seeds. The share is of the seconds of the whole training, all seeds and what trying settings
took.

{tables}

With so few photos and seeds a difference of a few points of test accuracy is luck. What the table shows is what the
search takes.
"""


def _table(source: str, of: Mapping[str, Any]) -> str:
    asked = of["asked"]
    photos = f"at most {asked['limit']} photos a split" if asked["limit"] else "all photos"
    rows = [_row(name, entry) for name, entry in of["candidates"].items()]
    return f"""## {source}: {photos}, {asked["size"]} pixels, seeds {", ".join(map(str, asked["seeds"]))}

Budget: {asked["settings"]} settings, {asked["trainings"]:g} trainings of one seed.

{table(HEADS, rows)}
"""


def _row(name: str, entry: Mapping[str, Any]) -> list[str]:
    before, after = (sum(accuracies) / len(accuracies) for accuracies in entry["test_accuracy"])
    losses, accuracies = entry["validation_loss"], entry["validation_accuracy"]
    what = changes_text(entry["changes"])
    return [
        name,
        str(entry["settings_tried"]),
        entry["chosen"] + (f" ({what})" if what and what != entry["chosen"] else ""),
        f"{losses[0]:.3f} → {losses[1]:.3f}",
        f"{accuracies[0]:.3f} → {accuracies[1]:.3f}",
        f"{before:.3f} → {after:.3f}",
        f"{entry['share']:.0%}".replace("%", " %"),
    ]
