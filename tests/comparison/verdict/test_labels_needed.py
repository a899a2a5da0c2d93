"""What is said about more labels follows from the numbers of the data-size study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.statistics.power_law import PowerLaw
from pipeline.comparison.tables.studies.growth import COLUMNS, Gain, Growth, no_growth
from pipeline.comparison.verdict.labels_needed import describe_growth, labels_worth, ranking_changes

A, B = "finetune-resnet50-full", "classical-svm_hog"


def made(
    exponents: dict[str, float],
    ahead_at_four: str,
    relation_of_other: str,
    refused: str | None = None,
    margin: float = 0.01,
) -> Growth:
    """Candidate A leads with all the data; who leads with four times as much, and how surely, is given."""
    rows = []
    for fraction, first in ((0.1, B), (1.0, A), (2.0, A), (4.0, ahead_at_four)):
        for rank, name in enumerate([first, B if first == A else A], 1):
            if fraction > 1 and name == refused:
                continue
            word = "best" if rank == 1 else relation_of_other
            kind = "measured" if fraction <= 1 else "extrapolated"
            accuracy = 0.6 + 0.02 * np.log2(fraction) - 0.03 * rank
            values = (name, "finetune", fraction, 600 * fraction, kind, rank, accuracy, 0.5, 0.7, word, accuracy)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    laws = {name: law(exponent) for name, exponent in exponents.items()}
    doubling = {name: Gain(float(each.gains_of_doubling(600)[0]), 0.01, 0.08) for name, each in laws.items()}
    last = {A: Gain(0.049, 0.02, 0.079)}
    refusals = {refused: "more data is not shown to help it, so there is no law to follow"} if refused else {}
    worth = {name: worth_of(each, margin) for name, each in laws.items()}
    return Growth(pd.DataFrame(rows), laws, refusals, doubling, last, worth)


def law(exponent: float) -> PowerLaw:
    """One that is known."""
    return PowerLaw(600, np.array([0.4]), np.zeros(1), np.array([exponent]))


def worth_of(known: PowerLaw, margin: float) -> Gain:
    """With an interval of half and twice as much."""
    size = float(known.sizes_where_doubling_gains(margin)[0])
    return Gain(size, 600 + (size - 600) / 2, 600 + 2 * (size - 600))


def test_where_no_size_is_about_half_of_all_no_doubling_is_told_as_measured() -> None:
    growth = made({A: 0.2, B: 0.1}, A, "worse")
    table = growth.table.replace({"fraction": {0.1: 0.6}, "training_examples": {60.0: 360.0}})
    told = [describe_growth(one, 750, 0.01) for one in (growth, replace(growth, table=table))]
    assert told[0] and "The last doubling brought 4.9 points (2.0 to 7.9), as measured." in told[0]["sentence"]
    assert told[1] and "From 360 to 600 training examples it gained 4.9 points" in told[1]["sentence"]
    assert "doubling brought" not in told[1]["sentence"]


@pytest.mark.parametrize(
    ("ahead", "relation", "changes", "says"),
    [
        (A, "worse", "no", "it would still be ahead"),
        (B, "worse", "yes", f"{B} would be ahead of it"),
        (A, "indistinguishable", "unknown", f"open who would lead: {A} or {B}"),
        (B, "equivalent", "unknown", f"open who would lead: {B} or {A}"),
    ],
)
def test_the_ranking_changes_only_where_that_is_shown(ahead: str, relation: str, changes: str, says: str) -> None:
    growth = made({A: 0.2, B: 0.1}, ahead, relation)
    word, sentence = ranking_changes(growth, A)
    assert word == changes
    assert says in sentence


def test_without_a_law_for_each_nothing_is_said_about_the_ranking() -> None:
    told = describe_growth(made({A: 0.2}, A, "worse", refused=B), labels_now=732, margin=0.01)
    assert told is not None
    assert told["ranking_changes"] == "unknown"
    assert f"for want of a law for {B}" in told["sentence"]
    assert told["more_labels"] is not None


def test_a_leader_without_a_law_is_no_reason_to_label_more_or_less() -> None:
    told = describe_growth(made({B: 0.1}, B, "worse", refused=A), labels_now=732, margin=0.01)
    assert told is not None
    assert told["more_labels"] is None
    assert "What more would bring cannot be said: more data is not shown to help it" in told["sentence"]


@pytest.mark.parametrize(
    ("exponent", "margin", "more", "at_least"),
    [(0.2, 0.045, 750, False), (0.2, 0.01, 2200, True), (0.02, 0.01, 0, False)],
)
def test_labels_are_worth_having_until_a_doubling_brings_less_than_the_margin(
    exponent: float, margin: float, more: int, at_least: bool
) -> None:
    """0.4 (n / 600)^-0.2 (1 - 2^-0.2) = 0.045 at 2.02 times the size: 1.02 times 732 labels more."""
    worth = labels_worth(made({A: exponent, B: 0.1}, A, "worse", margin=margin), A, labels_now=732)
    assert worth is not None
    assert (worth.more, worth.at_least) == (more, at_least)


def test_all_is_said_in_one_paragraph_and_shortly_in_the_answer() -> None:
    told = describe_growth(made({A: 0.2, B: 0.1}, A, "worse", margin=0.045), labels_now=732, margin=0.045)
    assert told is not None
    assert told["sentence"] == (
        f"From 60 to 600 training examples {A} goes from 47.4 % to 57.0 %, the best of those studied. The last "
        "doubling brought 4.9 points (2.0 to 7.9), as measured. If its errors go on falling by a power law, towards a "
        "floor that is not known, twice the labels would bring 5.2 points (1.0 to 8.0); accuracy would then be 59.0 %. "
        "About 750 more labels (380 to 1,500) are worth having, until a doubling brings under 4.5 points. With 4 times "
        "the labels it would still be ahead of the other studied candidates."
    )
    assert told["short"] == (
        f"More data: about 750 more labels are worth having; {A} would stay ahead of the others studied."
    )


def test_a_single_candidate_stays_ahead_of_nobody() -> None:
    growth = made({A: 0.2, B: 0.1}, A, "worse", margin=0.045)
    alone = replace(growth, table=growth.table[growth.table["candidate"] == A])
    told = describe_growth(alone, labels_now=732, margin=0.045)
    assert told is not None and told["short"] == "More data: about 750 more labels are worth having."


@pytest.mark.parametrize(
    ("worth", "says", "shortly"),
    [
        (
            Gain(900, 600, 4000),
            "That more labels are worth having is not shown: 0 to 2,200 or more",
            "not shown to help",
        ),
        (Gain(600, 600, 600), "More labels are hardly worth having", "more bring little"),
        (Gain(5000, 900, 9000), "at least 370, and probably 2,200 or more", "at least 370 more labels"),
    ],
)
def test_what_is_not_shown_is_not_sold(worth: Gain, says: str, shortly: str) -> None:
    growth = made({A: 0.2, B: 0.1}, A, "worse")
    told = describe_growth(replace(growth, worth={A: worth}), labels_now=732, margin=0.01)
    assert told is not None
    assert says in told["sentence"] and shortly in told["short"]


def test_without_a_study_nothing_is_said() -> None:
    assert describe_growth(no_growth(), 732, 0.01) is None
