"""docs/results/ensembles.md: whether the intervals of ensembles hold, and what averaging brought where it was tried."""

from __future__ import annotations

from collections.abc import Sequence

from publishing.markdown import table
from publishing.measurements import soups, who_is_best
from publishing.measurements.calibration import MISSES
from publishing.measurements.kept import Row, origin, rows_of

LEAST = 0.93
WORLD = {
    "coverage": "score",
    "difference": "difference",
    "picked": "picked",
    "greedy": "greedy",
    "greedy_difference": "its difference",
    "single": "single",
    "as_one_model": "as one model",
}
HELD = {
    "coverage": "the score of an ensemble of seeds",
    "single": "the score of a single candidate, to compare with",
    "greedy": "the score of the greedy ensemble",
    "difference": "by how much an ensemble of seeds is better than the best single model",
    "greedy_difference": "the same of the greedy ensemble",
    "picked": "the same of the best of all ensembles, widened for having been picked",
}


def page() -> str:
    return f"""# Ensembles: what averaging brings, and whether that is told truly

`python -m publishing` writes this page from the rows in `benchmarks/results`. [How ensembles are made and
judged](../how-to/ensembles.md) stands elsewhere.

## On real data

`python -m benchmarks.ensembles_on_runs` puts together the ensembles of finished runs: of each kind the best by the test
examples, against the best single model. A difference is by how much the ensemble is better, in points of accuracy, or
in the target's own unit where numbers are predicted (RMSE); its interval holds although the ensemble was picked. A
single model's score is the mean over its seeds. Milliseconds are of one answer, the sum over the models of an ensemble,
as each run measured them when it evaluated its candidates. Not tried: the studies that vary settings, sizes or how many
examples there are.

{origin("ensembles_on_runs")}

{_runs(rows_of("ensembles_on_runs"))}

## In simulated worlds

`python -m benchmarks.ensembles`: four candidates, 300 test examples, 120 validation examples for each seed; 95 %
intervals that hold the truth, which is the mean over many draws of as many seeds. Aim: at least {LEAST}; an asterisk
marks an ensemble's interval that misses it (*single* and *as one model* are there to compare with).

| column | what the interval is of |
| --- | --- |
| score | an ensemble of seeds: how good as many other seeds would be |
| difference | its difference to the best single model, which was picked |
| picked | the same of the ensemble that came out best, with the wider interval |
| greedy, its difference | the same two of the greedy ensemble, with the shares that were selected |
| single | the score of a single candidate, mean over its seeds, to compare with |
| as one model | the score, were the ensemble taken as one trained model: why its seeds have to count |
| told, true | standard deviation that other seeds cause: as the jackknife tells it (root mean square), and as it is |
| gain | what the ensemble of seeds truly brings over its own candidate; of accuracy, or in the RMSE |

{origin("ensembles")}

{_worlds(rows_of("ensembles"))}

An earlier version held 0.85 to 0.92 of scores where two or three seeds vary much, of single models too: with fewer than
2,000 resamples, as here, intervals took the smaller half of the spreads that seeds may have. The default of 10,000 took
all of them.

{who_is_best.section()}
{soups.sections()}"""


def held() -> dict[str, str]:
    """The least and the largest shares of all worlds, for another page."""
    worlds = rows_of("ensembles")
    ranges = [(what, [row[key] for row in worlds]) for key, what in HELD.items()] + soups.held()
    ends = ((what, sorted({f"{end(shares):.3f}" for end in (min, max)})) for what, shares in ranges)
    shown = table(["interval of", "held"], [[what, " to ".join(shares)] for what, shares in ends])
    return {", held": f"{shown}\n\n{origin('ensembles')}\nOf soups: {origin('soups')}"}


def _runs(rows: Sequence[Row]) -> str:
    heads = ["data", "seeds", "best single model", "", "ms", "ensemble", "models", "", "ms", "better by", "advised"]
    return table(heads, map(_run, rows))


def _run(row: Row) -> list[str]:
    return [
        f"{row['run']}, {row['examples']} test examples",
        str(row["seeds"]),
        f"`{row['single']}`",
        _value(row, "single_score"),
        f"{row['single_ms']:.3g}",
        f"`{row['ensemble']}`",
        str(row["models"]),
        _value(row, "ensemble_score"),
        f"{row['ensemble_ms']:.3g}",
        f"{_size(row, 'difference')} ({_size(row, 'safe_low')} to {_size(row, 'safe_high')})",
        "the ensemble" if row["advised"] == row["ensemble"] else f"`{row['advised']}`",
    ]


def _value(row: Row, key: str) -> str:
    return f"{row[key]:.3f}" if row["score"] == "accuracy" else f"{row[key]:.4g}"


def _size(row: Row, key: str) -> str:
    value = 100 * row[key] if row["score"] == "accuracy" else row[key]
    return f"{value:.1f}" if row["score"] == "accuracy" else f"{value:.3g}"


def _worlds(rows: Sequence[Row]) -> str:
    return table(["world", "seeds", *WORLD.values(), "told, true", "gain", "comparisons"], map(_world, rows))


def _world(row: Row) -> list[str]:
    shares = [_share(row, key) for key in WORLD]
    errors = f"{row['told']:.4f}, {row['true']:.4f}"
    return [row["world"], str(row["seeds"]), *shares, errors, f"{row['gain']:.4f}", str(row["repeats"])]


def _share(row: Row, key: str) -> str:
    missed = key not in ("single", "as_one_model") and row[key] < LEAST
    return f"{row[key]:.3f}{MISSES if missed else ''}"
