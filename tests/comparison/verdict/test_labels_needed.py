"""What is said about more labels follows from the numbers of the data-size study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.statistics.power_law import PowerLaw
from pipeline.comparison.tables.studies.growth import COLUMNS, Gain, Growth, no_growth
from pipeline.comparison.verdict.labels_needed import describe_growth, labels_worth, ranking_changes

A, B = "finetune-resnet50-full", "classical-svm_hog"


def made(exponents: dict[str, float], ahead_at_four: str, relation_of_other: str, refused: str | None = None) -> Growth:
    """Candidate A leads with all the data; who leads with four times as much, and how surely, is given."""
    rows = []
    for fraction, first in ((0.1, B), (1.0, A), (2.0, A), (4.0, ahead_at_four)):
        for rank, name in enumerate([first, B if first == A else A], 1):
            if fraction > 1 and name == refused:
                continue
            word = "best" if rank == 1 else relation_of_other
            kind = "measured" if fraction <= 1 else "extrapolated"
            accuracy = 0.6 + 0.02 * np.log2(fraction) - 0.03 * rank
            values = (name, "finetune", fraction, 600 * fraction, kind, rank, accuracy, 0.5, 0.7, word)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    laws = {name: PowerLaw(600, 0.4, exponent, np.zeros((2, 3))) for name, exponent in exponents.items()}
    doubling = {name: Gain(law.gain_of_doubling(600), 0.01, 0.08) for name, law in laws.items()}
    refusals = {refused: "more data is not shown to help it, so there is no law to follow"} if refused else {}
    return Growth(pd.DataFrame(rows), laws, refusals, doubling)


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
    worth = labels_worth(made({A: exponent, B: 0.1}, A, "worse"), A, labels_now=732, margin=margin)
    assert worth is not None
    assert (worth.more, worth.at_least) == (more, at_least)


def test_all_is_said_in_one_paragraph_and_shortly_in_the_answer() -> None:
    told = describe_growth(made({A: 0.2, B: 0.1}, A, "worse"), labels_now=732, margin=0.045)
    assert told is not None
    assert told["sentence"] == (
        f"From 60 to 600 training examples {A} goes from 47.4 % to 57.0 %, the best of those studied. If its errors go "
        "on falling by the power law that they follow so far, twice the labels would bring 5.2 points (1.0 to 8.0); "
        "the law stands at 59.0 % there. About 750 more labels are worth having; then a doubling brings under 4.5 "
        "points. With 4 times the labels it would still be ahead of the other studied candidates."
    )
    assert told["short"] == (
        f"More data: about 750 more labels are worth having; {A} would stay ahead of the others studied."
    )


def test_without_a_study_nothing_is_said() -> None:
    assert describe_growth(no_growth(), 732, 0.01) is None
