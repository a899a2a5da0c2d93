"""docs/results/recipes.md: how the recipes of params.yaml's strategies were found."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from statistics import mean
from typing import Any

from benchmarks.recipes import recipes
from pipeline.configuration.loading import load_params
from pipeline.ground.files import read_json
from pipeline.params.training.strategies import Strategy
from publishing.markdown import table
from publishing.measurements.kept import origin
from publishing.paths import RESULTS

Seeds = Mapping[str, Mapping[str, Any]]  # what came of a recipe, by seed
Cells = dict[tuple[str, str], Mapping[str, Seeds]]  # of a technique: (source, backbone) → recipe → what came of it
EARLIER, LARGER = "earlier", "recipes_2000"


def page() -> str:
    results = read_json(RESULTS / "recipes.json")
    return f"""# Which recipe of a technique does well

`python -m benchmarks.recipes` trains recipes of a technique, which stand in `benchmarks/recipes.yaml`, on the same
photos of several sources: {results["limit"]} of each, {results["size"]} pixels a side, half of them held back as
validation data. A place is a source with a backbone: for each the table has the lowest validation loss
and, in brackets, the accuracy of that epoch. Recipes of the file without a row, and empty cells, were not trained.
**Against `earlier`** is the loss divided by that of the recipe that params.yaml had before (below 1 is better), the
geometric mean over the places where both were trained; it decides. **Opened nothing** says in how many trainings the
best epoch lay in the phase of the head: opening blocks brought nothing there. Test accuracy, the mean over the places,
chose nothing.

One seed a place and {results["limit"] // 2} validation photos: differences of a few per cent are luck. What the table
shows: once a head is trained to its end, gradual unfreezing has little left to learn; after three epochs of the head
it has. A longer and faster phase along a cosine helps a top block wherever opening that block helps at all, in three
of seven places. Neither of these two recipes has a higher validation loss than `earlier` anywhere, though accuracy
falls in some places, so both stand in params.yaml. A run of the default grid takes 1.13 times as long with them, as
`plan` has it.

Training all of it for twice as many epochs (`full`, `longer`) gains on groceries and pneumonia and loses on cifar10,
whose photos are small and enlarged: there the best of its epochs, too, is behind that of the shorter schedule. It
doubles the most expensive trainings, so four epochs stay. With the budget that `start` proposes, tuning does not reach
more epochs of `full` either: whoever has the time raises `strategies.full.phases`.

{origin("recipes")}

{_tables(results, "##")}{_larger()}"""


def _larger() -> str:
    """The same on more photos, where that was measured."""
    file = RESULTS / f"{LARGER}.json"
    if not file.exists():
        return ""
    results = read_json(file)
    return f"""
## On {results["limit"]:,} photos of a source

The recipes that params.yaml had and has, on four times the photos, half of them held back.

{origin(LARGER)}

{_tables(results, "###")}"""


def _tables(results: Mapping[str, Any], level: str) -> str:
    """Of each technique, under a heading of a level."""
    by_technique = _by_technique(results["measured"]).items()
    return "\n".join(f"{level} {name}\n\n{_table(name, cells)}\n" for name, cells in by_technique)


def _by_technique(results: Mapping[str, Any]) -> dict[str, Cells]:
    techniques: dict[str, Cells] = {name: {} for name in recipes()}
    for source, backbones in results.items():
        for backbone, of in backbones.items():
            for technique, tried in of.items():
                techniques[technique][source, backbone] = tried
    return {name: cells for name, cells in techniques.items() if cells}


def _table(technique: str, cells: Cells) -> str:
    tried = {name for recipes_there in cells.values() for name in recipes_there}
    names = [name for name in recipes()[technique] if name in tried]
    places = [f"{source}, {backbone}" for source, backbone in cells]
    heads = ["recipe", "against `earlier`", "opened nothing", "test accuracy, `earlier` there", *places]
    return table(heads, [_row(name, technique, cells) for name in names])


def _row(name: str, technique: str, cells: Cells) -> list[str]:
    there = [tried for tried in cells.values() if name in tried and EARLIER in tried]
    entries = [entry for tried in cells.values() for entry in tried.get(name, {}).values()]
    deep = [entry for entry in entries if entry["phases"] > 1]
    idle = f"{sum(entry['best_phase'] == 1 for entry in deep)} of {len(deep)}" if deep else ""
    ratio = exp(mean(log(_mean(tried[name], "val_loss") / _mean(tried[EARLIER], "val_loss")) for tried in there))
    tested = [mean(_mean(tried[one], "test_accuracy") for tried in there) for one in (name, EARLIER)]
    return [
        name + (", in params.yaml" if _stands_in_params(name, technique) else ""),
        "" if name == EARLIER else f"{ratio:.2f}",
        idle,
        f"{tested[0]:.3f}" if name == EARLIER else f"{tested[0]:.3f}, {tested[1]:.3f}",
        *(_losses(tried.get(name, {})) for tried in cells.values()),
    ]


def _stands_in_params(name: str, technique: str) -> bool:
    return Strategy.model_validate(recipes()[technique][name]) == load_params().strategies[technique]


def _losses(seeds: Seeds) -> str:
    return f"{_mean(seeds, 'val_loss'):.3f} ({_mean(seeds, 'val_accuracy'):.3f})" if seeds else ""


def _mean(seeds: Seeds, key: str) -> float:
    return mean(float(entry[key]) for entry in seeds.values())
