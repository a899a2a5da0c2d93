"""docs/results/tuning.md: what trying settings brought each network where it was measured, and what it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmarks.tuning import GRID, RECIPE, STRATEGIES
from pipeline.comparison.report.answer.tuning import changes_text
from pipeline.formats import bare_points, points, points_range
from pipeline.ground.files import read_json
from publishing.markdown import table
from publishing.paths import RESULTS
from publishing.results import ran

HEADS = ["candidate", "settings", "chosen", "validation loss", "validation accuracy", "test accuracy", "difference"]
HEADS += ["of its training"]
AIM = 1 / 3  # of the seconds of training, what trying settings may take besides


def page() -> str:
    tables = "\n".join(_section(source, of) for source, of in read_json(RESULTS / "tuning.json").items())
    return f"""# What trying settings brings

`python -m benchmarks.tuning` trains every network by its recipe, then with `tuning.search` ([how that
works](../how-to/tuning.md)), and fits every classical model with the values that scikit-learn gives the arguments of
its grid, then with the grid. Each pair of figures is before → after. Validation is of the first seed's split. A
network's setting was chosen there, by loss: the loss cannot become worse, the accuracy can. A grid is searched by
cross-validation within the training part, so a classical model's loss can become worse, too. Test data chose nothing;
its figure is the mean over the seeds, and the difference in points has its 95 % interval, in pairs over seeds and
examples. The share is of the seconds of the whole training, all seeds and what trying settings took. Where the recipe
won, all stays as it was.

{tables}

With so few photos and seeds a difference of a few points of test accuracy is luck.
"""


def _section(source: str, of: Mapping[str, Any]) -> str:
    asked, entries = of["asked"], of["candidates"]
    photos = f"at most {asked['limit']} photos a split" if asked["limit"] else "all photos"
    return f"""## {source}: {photos}, {asked["size"]} pixels, seeds {", ".join(map(str, asked["seeds"]))}

Budget of a network: {asked["settings"]} settings, {asked["trainings"]:g} trainings of one seed. Measured at
{ran(of["ran"])}.{" " + of["note"] if of.get("note") else ""}

{_summary(list(entries.values()))}

{table(HEADS, [_row(name, entry) for name, entry in entries.items()])}
{_ranking(entries)}"""


def _ranking(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Of the techniques, over the backbones on which all of them were measured; empty where there is none."""
    rows = _techniques(entries)
    if not rows:
        return ""
    heads = ["technique", "mean rank", "test accuracy"]
    return f"""
The ranking of the techniques, over the backbones on which all of them were trained:

{table(heads, rows)}
"""


def _techniques(entries: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Of each technique its mean rank among those of a backbone, and its mean test accuracy."""
    accuracies = pd.DataFrame(
        [
            (*name.split("-", 2)[1:], *(sum(of_seeds) / len(of_seeds) for of_seeds in entry["test_accuracy"]))
            for name, entry in entries.items()
            if name.startswith("finetune-")
        ],
        columns=["backbone", "technique", "before", "after"],
    )
    counts = accuracies.groupby("backbone")["technique"].transform("size")
    accuracies = accuracies[counts == len(STRATEGIES)]
    ranks = (
        accuracies.groupby("backbone")[["before", "after"]]
        .rank(ascending=False)
        .assign(technique=accuracies["technique"])
    )
    rank, accuracy = (frame.groupby("technique")[["before", "after"]].mean() for frame in (ranks, accuracies))
    return [
        [
            technique,
            f"{rank.before[technique]:.1f} → {rank.after[technique]:.1f}",
            f"{accuracy.before[technique]:.3f} → {accuracy.after[technique]:.3f}",
        ]
        for technique in rank.sort_values("after").index
    ]


def _summary(entries: Sequence[Mapping[str, Any]]) -> str:
    """How many changed, how many are shown to be better or worse on test examples, and the share of the time."""
    networks = [entry for entry in entries if entry["chosen"] != GRID]
    changed = [entry for entry in networks if entry["chosen"] != RECIPE]
    mean = sum(entry["difference"][0] for entry in networks) / len(networks)
    spent = sum(entry["tuning_seconds"] for entry in networks)
    seconds = sum(entry["tuning_seconds"] / entry["share"] for entry in networks if entry["share"])
    more = spent / (seconds - spent)
    grids = [entry for entry in entries if entry["chosen"] == GRID]
    return (
        f"Of {len(networks)} networks {len(changed)} go by another setting than their recipe: {_shown(changed)}. Over "
        f"all networks test accuracy changes by {points(mean)}, and trying took {spent / seconds:.0%} of their "
        f"training: {more:.0%} more than training them by the settings that were chosen. The aim is a third more at "
        f"most: {'met' if more <= AIM else 'not met'} here. Of {len(grids)} classical models with a grid: "
        f"{_shown(grids)}.".replace("%", " %")
    )


def _shown(entries: Sequence[Mapping[str, Any]]) -> str:
    """By each one's own interval."""
    better = sum(entry["difference"][1] > 0 for entry in entries)
    worse = sum(entry["difference"][2] < 0 for entry in entries)
    return f"{better} shown to be better on test examples, {worse} to be worse"


def _row(name: str, entry: Mapping[str, Any]) -> list[str]:
    before, after = (sum(accuracies) / len(accuracies) for accuracies in entry["test_accuracy"])
    losses, accuracies = entry["validation_loss"], entry["validation_accuracy"]
    return [
        name,
        str(entry["settings_tried"]),
        _chosen(entry),
        f"{losses[0]:.3f} → {losses[1]:.3f}",
        f"{accuracies[0]:.3f} → {accuracies[1]:.3f}",
        f"{before:.3f} → {after:.3f}",
        ""
        if entry["chosen"] == RECIPE
        else f"{bare_points(entry['difference'][0])} ({points_range(*entry['difference'][1:])})",
        f"{entry['share']:.0%}".replace("%", " %"),
    ]


def _chosen(entry: Mapping[str, Any]) -> str:
    if entry["chosen"] == GRID:
        return "; ".join(dict.fromkeys(_values(chosen) for chosen in entry["changes"].values()))
    what = changes_text(entry["changes"])
    return entry["chosen"] + (f" ({what})" if what and what != entry["chosen"] else "")


def _values(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{argument} {value}" for argument, value in chosen.items())
