"""docs/results/calibration.md: what the two benchmarks of the verdict wrote, held against what is aimed at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from publishing.markdown import table
from publishing.measurements.kept import Row, origin, rows_of

MISSES = "\u202f*"  # behind a figure that misses its aim
MAYBE = "\u202f(*)"  # behind one that misses it by less than two of its standard errors
TOLERANCE, ROOM = 0.01, 0.003  # in the worlds, and what the advice may cost beyond it, or beyond the leader

MISSED: dict[str, Callable[[Row], bool]] = {
    "coverage": lambda row: not 0.93 <= row["coverage"] <= 0.97,
    "winner_coverage": lambda row: row["winner_coverage"] < 0.93,
    "false_winners": lambda row: row["false_winners"] > 0.05,
    "deployed_coverage": lambda row: row["deployed_coverage"] < 0.93,
    "told_regret": lambda row: _off(row) > row["true_regret"] / 4,
    "true_regret": lambda row: row["true_regret"] > _most(row),
    "gain_coverage": lambda row: row["gain_coverage"] < 0.93,
    "false_promotions": lambda row: row["false_promotions"] > 0.05,
}
BEYOND_CHANCE: dict[str, Callable[[Row], bool]] = {
    "told_regret": lambda row: _off(row) > row["true_regret"] / 4 + 2 * row["told_error"],
    "true_regret": lambda row: row["true_regret"] > _most(row) + 2 * row["true_error"],
}
JUDGED = {
    "coverage": "cover",
    "winner_coverage": "winner",
    "false_winners": "false",
    "told_regret": "told",
    "true_regret": "true",
    "leader_regret": "leader",
}
DEPLOYED = {"deployed_coverage": "served"}
POWER = {"told_power": "told power", "found_power": "found power"}

REPEATS = {"repeats": "comparisons"}
LAWS = {"laws": "with a law", "repeats": "studies"}
OF_REGRETS = {"regret_repeats": "for regrets"}


def page() -> str:
    simulated = rows_of("verdict_calibration")
    return f"""# Does the verdict keep its word?

`python -m publishing` writes this page from the rows in `benchmarks/results`. An asterisk marks what misses its aim,
one in brackets a regret that misses it by less than two of its standard errors; [the
reasons](../explanation/why-believe-it.md) stand elsewhere.

| column | what it says | aim |
| --- | --- | --- |
| cover | 95 % intervals of differences that hold the truth | 0.93 to 0.97 |
| winner | intervals after the selection that hold the true score of the candidate picked | at least 0.93 |
| served | the same of that candidate's one model that is served, and its own true score | at least 0.93 |
| false | comparisons of equals in which any is called worse than the best | at most 0.05 |
| told | what the advised candidate is said to cost; with one seed a range | within a quarter of `true` |
| true | what it costs beside the best | at most 0.003 more than the tolerance of 0.01, or than the leader |
| ± | the standard error of `told` less `true`, and of `true` | |
| leader | what taking the highest score costs | |
| told power, found power | share of true leads that is promised to be shown, and that is shown | |
| comparisons, for regrets | how many of each kind a row rests on; how many its regrets rest on | 200, 400 |

## In simulated worlds

`python -m benchmarks.verdict_calibration`: 20 candidates, 661 examples and 3 seeds unless the world says otherwise;
each world breaks what the statistics assume in another way. These rows and those of real data rest on 1,000 resamples
and on a version that took too small spreads of seeds with fewer than 2,000 ([shown](ensembles.md)): intervals are 1 to
3 % wider since, and in 20 comparisons each of three of these worlds held 0.003 to 0.008 more.

{origin("verdict_calibration")}

{_table("world", _with(simulated, "coverage"), JUDGED | DEPLOYED | POWER | REPEATS | OF_REGRETS)}

More labels: intervals of what twice the labels bring that hold the truth (aim: at least 0.93), of the studies whose
errors follow a law; of the others no gain is told.

{_table("law of errors", _with(simulated, "gain_coverage"), {"gain_coverage": "cover"} | LAWS)}

A year of weekly retraining among equals: share of years in which one is promoted (aim: at most 0.05).

{_table("world", _with(simulated, "false_promotions"), {"false_promotions": "false promotions"})}

## By each score

`python -m benchmarks.score_calibration`: six candidates, three seeds and 300 examples of unbalanced classes, or of
numbers. `cover` is of differences, as above; `own` of the candidates' scores themselves, of which less cancels. Where
the score has a threshold, each seed chooses it on validation examples of its own.

{origin("score_calibration")}

{_score_table(rows_of("score_calibration"))}

## On real data

`python -m benchmarks.verdict_on_real_data`: 200 small experiments each, drawn from a large data set and held against
what is left over of it.

{_of_real_data()}
"""


def on_real_data() -> dict[str, str]:
    """The table of real data alone, for another page."""
    return {", real data": _of_real_data()}


def _of_real_data() -> str:
    name = "verdict_on_real_data"
    return f"{origin(name)}\n\n{_table('data', rows_of(name), JUDGED | REPEATS)}"


def _score_table(rows: Sequence[Row]) -> str:
    """One row a score and number of classes."""
    cells = [
        [
            row["score"].replace("_", " "),
            str(row["classes"] or "numbers"),
            f"{row['coverage']:.3f}{_mark(row, 'coverage')}",
            f"{row['own']:.3f}",
            str(row["repeats"]),
        ]
        for row in rows
    ]
    return table(["score", "classes", "cover", "own", "comparisons"], cells)


def _most(row: Row) -> float:
    """What the advice may cost: no rule keeps to the tolerance where not even the leader does."""
    return max(TOLERANCE, float(row["leader_regret"])) + ROOM


def _name(row: Row) -> str:
    return str(row["world"]).replace("_", " ")


def _with(rows: Sequence[Row], key: str) -> list[Row]:
    return [row for row in rows if row[key] is not None]


def _table(first: str, rows: Sequence[Row], columns: dict[str, str]) -> str:
    cells = [[_name(row), *(f"{_number(row, key)}{_mark(row, key)}" for key in columns)] for row in rows]
    return table([first, *columns.values()], cells)


def _number(row: Row, key: str) -> str:
    if key in REPEATS | OF_REGRETS | LAWS:
        return str(row[key])
    least = f"{row['told_if_steady']:.4f} to " if key == "told_regret" and row.get("told_if_steady") else ""
    return f"{least}{row[key]:.4f}{_error(row, key)}" if key.endswith("_regret") else f"{row[key]:.3f}"


def _off(row: Row) -> float:
    """By how much the regret that is told misses the true one; a range that holds it misses it by nothing."""
    ends = [row["told_regret"], row.get("told_if_steady") or row["told_regret"]]
    return float(max(min(ends) - row["true_regret"], row["true_regret"] - max(ends), 0.0))


def _error(row: Row, key: str) -> str:
    error = row.get(key.replace("_regret", "_error"))
    return "" if error is None else f" ± {error:.4f}"


def _mark(row: Row, key: str) -> str:
    if key not in MISSED or not MISSED[key](row):
        return ""
    return MISSES if key not in BEYOND_CHANCE or BEYOND_CHANCE[key](row) else MAYBE
