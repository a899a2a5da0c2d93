"""The part of docs/results/ensembles.md on soups, of real networks and of small ones with a known truth."""

from __future__ import annotations

from collections.abc import Sequence

from publishing.markdown import table
from publishing.measurements.kept import Row, origin, rows_of

SIMULATED = {
    "kept": "may compete",
    "told": "told of two",
    "true_of_two": "true of two",
    "by_heart": "told by heart",
    "true": "true",
    "gain": "gain",
    "coverage": "score",
    "difference": "difference",
}
SHARES = ("kept", "coverage", "difference")
OF_SIMULATED = """
## Soups, in small networks

`python -m benchmarks.soups`: networks of one hidden layer, 200 labelled examples of which each seed validates on a
fifth, 300 test examples. `together`: all seeds begin at the same hidden weights, as fine-tuned ones do. `memorised`: so
they do, a third of all labels is wrong, and they learn until they know them by heart. `apart`: each begins at weights
of its own, as from scratch.

| column | what it says |
| --- | --- |
| may compete | share of comparisons: soups of two have no larger loss on the examples that both validated on |
| told of two, true of two | by how much their log loss is below that of the seeds' networks: there, and in truth |
| told by heart | the same of the soup of all, on each seed's own validation examples, which the others know |
| true | the same of the soup of all, in truth |
| gain | of accuracy, in truth |
| score, difference | 95 % intervals of a soup's accuracy, and of its difference to its seeds', that hold the truth |

Where seeds begin together, what two of them have in common tells about what a soup of two brings; by heart it would be
told many times too large. Where they begin apart it does not (in two of three rows it has the wrong sign): soups of two
are kept as often as not, and are less often right: log loss likes their doubt. So
candidates with `weights: random` have no soups.
"""
OF_REAL = """
## Soups of real networks

`python -m benchmarks.soups_on_runs`, by accuracy on test examples and, behind it, log loss: the mean of the seeds'
networks, the mean of their probabilities, which takes as many networks to answer, and the soup, which takes one. A soup
may compete where soups of two seeds have no larger log loss than these seeds' networks on the validation examples that
both share. In each a seed's head begins at random weights of its own.

"""


HELD = {
    "coverage": "the score of a soup of small networks",
    "difference": "by how much such a soup is better than its seeds' networks",
}


def held() -> list[tuple[str, list[float]]]:
    """What an interval is of, and the shares of the worlds of small networks."""
    worlds = rows_of("soups")
    return [(what, [row[key] for row in worlds]) for key, what in HELD.items()]


def sections() -> str:
    return f"{_real(rows_of('soups_on_runs'))}\n{_simulated(rows_of('soups'))}"


def _real(rows: Sequence[Row]) -> str:
    heads = ["data", "seeds", "soup of", "seeds' networks", "mean of probabilities", "soup", "soup better by"]
    heads += ["loss on shared validation: soups of two, networks", "may compete"]
    return f"{OF_REAL}{origin('soups_on_runs')}\n\n{table(heads, map(_real_row, rows))}\n"


def _real_row(row: Row) -> list[str]:
    return [
        f"{row['run']}, {row['development']} to learn from, {row['examples']} test examples",
        str(row["seeds"]),
        f"`{row['candidate']}`",
        *(f"{row[kind]:.3f}, {row[f'{kind}_loss']:.3f}" for kind in ("single", "ensemble", "soup")),
        f"{100 * row['difference']:.1f} points ({100 * row['low']:.1f} to {100 * row['high']:.1f})",
        f"{row['pairs_loss']:.3f}, {row['pairs_members_loss']:.3f} ({row['shared']} examples)",
        "yes" if row["competes"] else "no",
    ]


def _simulated(rows: Sequence[Row]) -> str:
    heads = ["world", "seeds", *SIMULATED.values(), "comparisons"]
    return f"{OF_SIMULATED}\n{origin('soups')}\n\n{table(heads, map(_simulated_row, rows))}\n"


def _simulated_row(row: Row) -> list[str]:
    values = [f"{row[key]:.2f}" if key in SHARES else f"{row[key]:.3f}" for key in SIMULATED]
    return [row["world"], str(row["seeds"]), *values, str(row["repeats"])]
