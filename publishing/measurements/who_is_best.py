"""The part of docs/results/ensembles.md on who is said to be best, by draws with shared and with independent luck."""

from __future__ import annotations

from publishing.markdown import table
from publishing.measurements.kept import Row, origin, rows_of

INTRODUCTION = """
## Who is said to be best

An ensemble shares its seeds' luck with its members, and the draws that say who is best take all luck as independent.
`python -m benchmarks.who_is_best` weighs each comparison twice: so, and jointly, with the correlation between ensembles
and their candidates that the jackknife tells. Four candidates and the ensemble of each one's seeds, 300 test examples.
In `unsteady` seeds differ in skill, in `uneven` in skill and in noise. Joint draws bring the largest probability nearer
to how often it came true in three of four rows, and tell smaller regrets than the true ones in all of them, so luck is
taken as independent. They hold the limits of all eight at once less often, too; independent ones least where three
seeds differ in noise.

| column | what it says |
| --- | --- |
| correlation | of the luck of a candidate and of its ensemble: in truth, and as it is told |
| said, was | the largest probability of being best, on average, and how often that one was the best |
| log score, Brier | of the probabilities of all: a higher log score is better, a lower Brier score is |
| told, true | expected regret of the one where it is the least, and its true one, in points |
| limits | share of comparisons in which the limits of all regrets held; 0.95 are asked |
"""


def section() -> str:
    heads = ["world", "seeds", "draws", "correlation", "said, was", "log score", "Brier", "told, true", "limits"]
    shown = table([*heads, "comparisons"], map(_row, rows_of("who_is_best")))
    return f"{INTRODUCTION}\n{origin('who_is_best')}\n\n{shown}\n"


def _row(row: Row) -> list[str]:
    return [
        row["world"],
        str(row["seeds"]),
        row["draws"],
        f"{row['correlation']:.2f}, {row['correlation_told']:.2f}",
        f"{row['said']:.2f}, {row['was']:.2f}",
        f"{row['log_score']:.3f}",
        f"{row['brier']:.3f}",
        f"{100 * row['told']:.2f}, {100 * row['true']:.2f}",
        f"{row['limits']:.2f}",
        str(row["repeats"]),
    ]
