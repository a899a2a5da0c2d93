"""docs/results/groceries.md, docs/results/studies.md and the table of README: what kept runs found (see runs.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.comparison.verdict.words import LEAST
from pipeline.formats import duration
from publishing import depths
from publishing.markdown import table
from publishing.runs import DEFAULT, STUDIES, Run, kept_runs, read_run

Row = Mapping[Any, Any]
BEGIN, END = "<!-- results{}: written by `make results` -->", "<!-- end of results -->"  # around what is written
KINDS: dict[str, Callable[[Row], bool]] = {
    "the best, fine-tuned": lambda row: row["family"] == "finetune",
    "the best classical model on a frozen backbone": lambda row: row["family"] == "classical" and bool(row["backbone"]),
    "the best without a pretrained network": lambda row: row["family"] == "classical" and not row["backbone"],
    "the best network from scratch": lambda row: row["family"] == "cnn",
}
RANKING = ["", "candidate", "test accuracy", "overfitting", "shift", "p best", "costs on average", "one training"]
CLAIMS = ["said of", "group", "value", "difference to the group compared with", "judged"]
FIRST_SCREEN = (
    "The first screen of the report{}: the answer, what choosing it costs, how sure that is, and that the test photos "
    "are of another kind"
)
BEST = ["best classical", "best network"]
NETWORKS = {"finetune", "cnn", "mlp", "recurrent"}


def groceries_page() -> str:
    run = read_run(DEFAULT)
    sizes = run["sizes"]
    return f"""# Which model for 14 kinds of fruit and vegetables

`make results` wrote this from the files of one run: {circumstances(run)}.
{sizes["development"]} photos to learn from and {sizes["test"]} to test on.

{chr(10).join(f"> {sentence}  " for sentence in run["summary"])}

{run["shown"]}

What its report shows first, on a desk, and on a phone in the dark:

![{FIRST_SCREEN.format("")}](../pictures/report.png)

![{FIRST_SCREEN.format(" on a phone, light letters on a dark ground")}](../pictures/report-phone.png)

## The ranking

Overfitting is train minus validation, shift is validation minus test accuracy. The answer's interval above is
wider than that of its row: it still holds after this candidate was picked as the best.

{table(RANKING, map(_row, run["ranking"]))}

## The techniques

Averaged over the backbones.

{table(["technique", "average rank", "test accuracy"], map(_technique, run["techniques"]))}

## Whether opening more blocks pays, on validation photos

Mean over the seeds of the loss and the accuracy of the best epoch; the difference with its 95 % interval, in pairs over
the seeds. Below 0 the technique is better than all above it, which train less of the backbone. **Opened nothing**
counts seeds whose best epoch lay in the phase of the head.

{depths.tables(run)}

## What is said, and what was measured

What each key means: [beyond accuracy](../explanation/beyond-accuracy.md); `cost` is in seconds.

{table(CLAIMS, map(_claim, run["claims"]))}
"""


def studies_page() -> str:
    all_runs = kept_runs()
    runs = {name: run for name, run in all_runs.items() if name != DEFAULT}
    told = {name: run for name, run in all_runs.items() if run.get("other_scores")}
    missing = [f"`{name}`" for name in STUDIES if name not in runs]
    left = f"Not run anew with this version: {', '.join(missing)}. " if missing else ""
    silent = [f"`{name}`" for name in all_runs if name not in told]
    untold = f" Not told, since their runs are older than that: {', '.join(silent)}." if silent else ""
    return f"""# Where classical machine learning is enough

Each is a parameter file in `studies/`, run by `python -m pipeline study NAME` in a workspace of its own; `groceries` is
`make repro`. `make results` wrote the table from the files of these runs: score on test examples (95 % interval), mean
over the seeds. {left}`expected` in each file says what an earlier version found.

{table(["study", *BEST, "advised", "which costs on average"], [_study(name, run) for name, run in all_runs.items()])}

What choosing costs is the expected regret: by how much the truly best candidate is ahead. Of RMSE less is better.
On tables and the series nothing shown speaks for a network. On photos of things a pretrained backbone leads, and a
good part of its lead is had by a classical model on its frozen features; the CNN from scratch does not lead.

## Whether another score changes the advice

What `compare.score` could be in place of accuracy, or of the RMSE, on the same predictions: the report of every run
says it. "Nobody" is advised where nothing is shown to beat the floor.{untold}

{table(["study", "advised", "by these scores too", "by others"], [_by_score(name, run) for name, run in told.items()])}

## What trained them

What trained the candidates of each; the verdict is of the version that wrote this page:

{table(["study", "trained by"], [[f"`{name}`", circumstances(run)] for name, run in runs.items()])}
"""


def readme_table() -> str:
    """The first sentence of the answer, what it advises, and the best of each kind; each candidate once."""
    run = read_run(DEFAULT)
    chosen: dict[str, list[str]] = {}
    for kind, belongs in {"advised": lambda row: row["candidate"] == run["recommended"], **KINDS}.items():
        row = next((row for row in run["ranking"] if belongs(row)), None)
        if row is not None:
            chosen.setdefault(row["candidate"], []).append(kind)
    rows: dict[str, Row] = {row["candidate"]: row for row in run["ranking"]}
    cells = [
        [f"{', and '.join(kinds)}: `{name}`", score_text(rows[name]), duration(rows[name]["cost_seconds"])]
        for name, kinds in chosen.items()
    ]
    return f"> {run['summary'][0]}\n\n{table(['candidate', 'test accuracy (95 % interval)', 'one training'], cells)}"


def filled(text: str, tables: Mapping[str, str]) -> str:
    """A page with these tables in their places.

    Args:
        tables: {what the mark of a place says after "results": the table}.

    Raises:
        ValueError: the page has no such place.
    """
    for name, content in tables.items():
        begin = BEGIN.format(name)
        if begin not in text:
            raise ValueError(f"the page has no place for results{name}: {begin}")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{content}\n{END}{rest.partition(END)[2]}"
    return text


def circumstances(run: Run) -> str:
    """Commit, date and machine, of the candidate that was trained last; how many candidates, with how many seeds."""
    return f"{ran(run)}; {len(run['ranking'])} candidates with {run['seeds']} seeds each"


def ran(run: Run) -> str:
    """Commit, date and machine of what was measured; of what was kept without them, the commit that keeps it."""
    if "kept_at" in run:
        return f"kept at commit {run['kept_at']}, {run['date']}; {run.get('machine', 'the machine was not noted')}"
    changed = " with changes" if run["changed"] else ""
    return f"commit {run['commit']}{changed}, {run['date']}, {run['machine']}"


def score_text(row: Row) -> str:
    return f"{number(row['score'])} ({number(row['low'])} to {number(row['high'])})"


def number(value: float) -> str:
    """Three digits that count of what is below ten, as scores between 0 and 1 have them; four of what is above."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def _study(name: str, run: Run) -> list[str]:
    examples = f"{run['sizes']['test']:,} test examples"
    measure = "" if run["score"] == "accuracy" else f" ({run['score'].upper()})"
    return [
        f"`{name}`, {examples}{measure}",
        _best(run, lambda row: row["family"] == "classical"),
        _best(run, lambda row: row["family"] in NETWORKS),
        named(run["recommended"]),
        "" if run["expected_regret"] is None else price(run["score"], run["expected_regret"], run["at_most_behind"]),
    ]


def _by_score(name: str, run: Run) -> list[str]:
    rows = run["other_scores"]
    same = [row["score"] for row in rows if not row["changes_the_advice"]]
    others = [f"{row['score']}: {named(row['recommended'])}" for row in rows if row["changes_the_advice"]]
    return [f"`{name}`", named(run["recommended"]), ", ".join(same) or "none", "; ".join(others)]


def named(candidate: str | None) -> str:
    return f"`{candidate}`" if candidate else "nobody"


def _best(run: Run, belongs: Callable[[Row], bool]) -> str:
    row = next((row for row in run["ranking"] if belongs(row)), None)
    return "" if row is None else f"`{row['candidate']}` {score_text(row)}"


def price(score: str, expected: float, at_most: float) -> str:
    """What taking a candidate costs: its expected regret, and the limit of it."""
    if score != "accuracy":
        return f"{expected:.3g}, at most {at_most:.3g}"
    points = f"{100 * expected:.1f}" if expected >= LEAST / 2 else "under 0.1"
    return f"{points} points, at most {100 * at_most:.1f}"


def _row(row: Row) -> list[str]:
    numbers = [f"{row['overfit']:.3f}", f"{row['shift']:.3f}", f"{row['p_best']:.2f}", f"{row['expected_regret']:.3f}"]
    return [str(row["rank"]), f"`{row['candidate']}`", score_text(row), *numbers, duration(row["cost_seconds"])]


def _technique(row: Row) -> list[str]:
    return [row["technique"], f"{row['average_rank']:.1f}", score_text(row)]


def _claim(row: Row) -> list[str]:
    difference = ""
    if row["difference"] is not None:
        unit = " times" if row["claim"] == "cost" else ""
        interval = f"{row['difference_low']:.3f} to {row['difference_high']:.3f}"
        difference = f"{row['difference']:.3f}{unit} ({interval}), against {row['against']}"
    return [row["claim"], row["group"], f"{row['value']:.3f}", difference, row["verdict"] or ""]
