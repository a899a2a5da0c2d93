"""What is wrong with the score of params.yaml, before anything is computed: a sentence each, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.scores.classes import OTHERS, row_of_costs
from pipeline.scores.probabilities import AUROC, AVERAGE_PRECISION
from pipeline.scores.score_for_task import COST, PINBALL, ScoreError, Wanted, unfit_score
from pipeline.tasks import task_named

NEED_EVERY_CLASS = tuple(score.name for score in (AUROC, AVERAGE_PRECISION))


def refuse_unfit_score(wanted: Wanted, dataset: Mapping[str, Any], path: Path) -> None:
    """
    Args:
        wanted: `compare` of params.yaml.
        dataset: dataset.json.
        path: of params.yaml, as the message names it.

    Raises:
        ScoreError: the score does not fit the examples that there are.
    """
    tested = dataset["counts"]["test"] if dataset["class_names"] else None
    faults = [
        *faults_of_score(wanted, task_named(dataset["task"]).has_classes),
        *faults_of_classes(wanted, dataset["class_names"], tested),
    ]
    if faults:
        raise ScoreError("\n".join(f"{path}: {fault}" for fault in faults))


def faults_of_score(wanted: Wanted, has_classes: bool) -> Iterator[str]:
    """What params.yaml alone tells.

    Args:
        has_classes: whether classes are told apart; else a number is predicted.
    """
    if reason := unfit_score(wanted.score, has_classes):
        yield reason
    if wanted.score == COST and not wanted.costs:
        yield "compare.costs: is empty, which the score cost needs; write {true class: {said class: cost}}"
    if wanted.costs and not has_classes:
        yield f"compare.costs = {dict(wanted.costs)}: a number is predicted, which has no classes; set it to {{}}"
    if wanted.score == PINBALL and wanted.quantile is None:
        yield "compare.quantile: is null, which the score pinball needs; name the quantile, such as 0.9"
    if wanted.quantile is not None and has_classes:
        yield f"compare.quantile = {wanted.quantile:g}: is for numbers, and classes are told apart; set it to null"


def faults_of_classes(
    wanted: Wanted, class_names: Sequence[str], tested: Mapping[str, int] | None = None
) -> Iterator[str]:
    """What only the classes of the data tell.

    Args:
        class_names: all of them; empty for numbers.
        tested: how many test examples each class has; None where it is not known yet.
    """
    if not class_names:
        return
    if wanted.costs:
        yield from _faults_of_costs(wanted.costs, class_names)
    if tested is not None and wanted.score in NEED_EVERY_CLASS:
        for name in class_names:
            if not tested.get(name, 0):
                yield (
                    f"compare.score = {wanted.score}: no test example is of class {name!r}, so nothing can be told "
                    f"from it; add some, leave the class out, or name another score, such as balanced_accuracy"
                )


def _faults_of_costs(costs: Mapping[str, Mapping[str, float]], class_names: Sequence[str]) -> Iterator[str]:
    known = ", ".join(class_names)
    for true, row in costs.items():
        for name in dict.fromkeys([true, *row]):
            if name not in class_names and name != OTHERS:
                yield f"compare.costs: {name!r} is no class of the data; name one of {known}"
    yield from unnamed_costs(costs, class_names)
    if all(not any(row.values()) for row in costs.values()):
        yield "compare.costs: no mistake costs anything, so all candidates are equal; name a cost above 0"


def unnamed_costs(costs: Mapping[str, Mapping[str, float]], class_names: Sequence[str]) -> Iterator[str]:
    """A sentence for each of these classes whose mistakes `costs` does not name; what it says of others is left out."""
    for true in class_names:
        if true not in costs and OTHERS not in costs:
            added = f"add `{true!r}: {{…}}`, or `{OTHERS!r}` for all others"
            yield f"compare.costs: says nothing of class {true!r}; {added}"
            continue
        row = row_of_costs(costs, true)
        missing = [said for said in class_names if said != true and said not in row and OTHERS not in row]
        if missing:
            yield (
                f"compare.costs.{true}: does not say what it costs to say {missing[0]!r} of it; add it, or "
                f'`"{OTHERS}"` for all others'
            )
