"""How examples belong together: in groups, such as photos of one patient, or one after the other in a series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from pipeline.comparison.tables.measurements import GROUP, Measured
from pipeline.tasks import task_named


@dataclass(frozen=True)
class ExampleDesign:
    """By example id; None where examples do not belong together in that way.

    Attributes:
        groups: of test and development examples, equal for those that belong together.
        order: of test and development examples, the place in time.
        test_examples: their ids, in the order in which they were written.
        groups_of_class: how many groups of test examples hold a class, by its label, where each group holds one class
            only; else empty.
    """

    groups: dict[str, int] | None = None
    order: dict[str, int] | None = None
    test_examples: tuple[str, ...] = ()
    groups_of_class: Mapping[int, int] = field(default_factory=dict)

    @property
    def test_groups(self) -> int | None:
        """How many groups the test examples are of."""
        return None if self.groups is None else len({self.groups[example] for example in self.test_examples})


SINGLE_EXAMPLES = ExampleDesign()


def read_design(measured: Sequence[Measured], kind: str) -> ExampleDesign:
    """As evaluation wrote it beside the predictions, the same for all candidates.

    Args:
        kind: images, table or series; of a series each split is written in the order of time.
    """
    rows = measured[0].predictions
    test = tuple(rows.loc[rows["split"] == "test", "example"].drop_duplicates())
    order = _order_of(rows) if kind == "series" else None
    return ExampleDesign(groups_of(measured), order, test, _groups_of_class(measured[0]))


def _order_of(rows: pd.DataFrame) -> dict[str, int]:
    """Of a series: what a seed learns from, what it validates on, and the test stretch follow one another."""
    stretches = [rows.loc[rows["split"] == split, "example"].drop_duplicates() for split in ("train", "val", "test")]
    return {example: place for place, example in enumerate(pd.concat(stretches).drop_duplicates())}


def groups_of(measured: Sequence[Measured]) -> dict[str, int] | None:
    """The group of every example that any of them was trained or tested on, by its id; None where there are none."""
    if GROUP not in measured[0].predictions:
        return None
    rows = pd.concat([one.predictions[["example", GROUP]].drop_duplicates("example") for one in measured])
    each = rows.drop_duplicates("example")
    return dict(zip(each["example"], map(int, each[GROUP]), strict=True))


def _groups_of_class(one: Measured) -> dict[int, int]:
    if GROUP not in one.predictions or not task_named(one.trial.task).has_classes:
        return {}
    pairs = one.predictions.loc[one.predictions["split"] == "test", [GROUP, "label"]].drop_duplicates()
    if pairs[GROUP].duplicated().any():
        return {}
    return dict(Counter(map(int, pairs["label"])))
