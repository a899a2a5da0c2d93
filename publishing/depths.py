"""docs/results/groceries.md: whether techniques that train more of a backbone do better on validation photos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy import stats

from publishing.markdown import table
from publishing.runs import Run

TECHNIQUES = ["feature_extractor", "frozen_layers", "gradual_unfreezing", "full"]  # the later, the more they train
HEADS = ["technique", "validation loss", "less that of the best one above", "validation accuracy", "opened nothing"]
PHASED = {"frozen_layers", "gradual_unfreezing"}  # which begin with the head alone
CONFIDENCE = 0.95
WHY = {  # of techniques that were behind, why
    "`resnet50-full`": """\
Epochs are chosen by loss. By it ResNet50 trained in full is behind frozen_layers, and by nothing else: its accuracy on
validation photos is no lower, on test photos it is ahead, and it overfits less. Its four epochs end while it is still
less sure of its answers, right ones and wrong ones. More epochs help on this source and harm on another
([recipes](recipes.md)), so the recipe stays."""
}


def tables(run: Run) -> str:
    """A table of each backbone on which all techniques were trained, and which differences are no luck of the seeds."""
    parts, behind = [], []
    for backbone in dict.fromkeys(row["backbone"] for row in run["ranking"] if row["family"] == "finetune"):
        names = {technique: f"finetune-{backbone}-{technique}" for technique in TECHNIQUES}
        if not set(names.values()) <= run["validation"].keys():
            continue
        rows = {technique: run["validation"][name] for technique, name in names.items()}
        differences = _differences(rows)
        parts.append(f"`{backbone}`:\n\n{table(HEADS, _rows(rows, differences))}")
        behind += [f"`{backbone}-{technique}`" for technique, (low, _) in differences.items() if low > 0]
    worse = f"Behind one that trains less, by loss and by more than the luck of seeds: {', '.join(behind) or 'none'}."
    return "\n\n".join([*parts, worse, *(text for name, text in WHY.items() if name in behind)])


def _rows(rows: Mapping[str, Run], differences: Mapping[str, tuple[float, float]]) -> Iterator[list[str]]:
    for technique, row in rows.items():
        low, high = differences.get(technique, (np.nan, np.nan))
        yield [
            technique,
            f"{np.mean(row['val_loss']):.3f}",
            f"{(low + high) / 2:.3f} ({low:.3f} to {high:.3f})".replace("-", "−") if technique in differences else "",
            f"{np.mean(row['val_accuracy']):.3f}",
            f"{row['opened_nothing']} of {len(row['val_loss'])} seeds" if technique in PHASED else "",
        ]


def _differences(rows: Mapping[str, Run]) -> dict[str, tuple[float, float]]:
    """{technique: Student's interval of how much higher its loss is than the lowest of those above it, in pairs}."""
    losses = {technique: np.array(row["val_loss"]) for technique, row in rows.items()}
    found = {}
    for place, technique in enumerate(TECHNIQUES[1:], start=1):
        above = min(TECHNIQUES[:place], key=lambda one: losses[one].mean())
        difference = losses[technique] - losses[above]
        half = stats.t.ppf((1 + CONFIDENCE) / 2, len(difference) - 1) * stats.sem(difference)
        found[technique] = (float(difference.mean() - half), float(difference.mean() + half))
    return found
