"""What finished runs found, kept in benchmarks/results/runs/, so that pages of docs/ are made from it and not typed.

    make results
    python -m publishing.runs CHECKOUT    # of another one

Takes the run of a checkout, if it is of the default data, and every study that is finished in its workspaces/.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.forking import ENDED
from benchmarks.record import described
from pipeline.forking.run import NOTES
from pipeline.ground.files import read_json, replacing
from publishing.paths import RESULTS, ROOT

RUNS = RESULTS / "runs"
DEFAULT, VERDICT = "groceries", Path("comparison/verdict.json")
STUDIES = [
    "iris",
    "breast_cancer",
    "diabetes",
    "randhie",
    "sunspots",
    "pneumonia",
    "cat_dog_bird",
]
RANKING = [
    "rank",
    "candidate",
    "family",
    "backbone",
    "technique",
    "low",
    "high",
    "cost_seconds",
    "p_best",
    "expected_regret",
    "at_most_behind",
    "overfit",
    "shift",
]
DIGITS = 4
# Stages that train a candidate, and what its name begins with; the rest of it are the command's values.
TRAINED = {
    "baseline": "classical",
    "probe": "classical",
    "mlp": "mlp",
    "recurrent": "recurrent",
    "cnn": "cnn",
    "finetune": "finetune",
}
BEGUN = re.compile(r"process (?P<process>\d+): (?P<command>.+)")

Run = dict[str, Any]


class NoRunError(ValueError):
    """A run that pages cannot be made from."""


def collect(root: Path) -> Run:
    """What pages tell of the finished run in a checkout or a workspace.

    Returns:
        commit, date and machine of the training that ended last; sizes; the verdict's sentences, and what other scores
        advise; the rows of ranking.csv, techniques.csv and claims.csv, the score of each candidate as `score`; what
        each fine-tuned one reached on validation examples; and processor seconds of the stages that trained and
        evaluated each candidate, where they were forked.

    Raises:
        NoRunError: when it was made by a version whose verdict lacks something.
    """
    verdict, dataset = read_json(root / VERDICT), read_json(root / "data/prepared/dataset.json")
    if "summary" not in verdict:
        raise NoRunError(f"{root / VERDICT} is of an earlier version; run it anew")
    ranking = pd.read_csv(root / "comparison/ranking.csv")
    score = next(column for column in ranking.columns if column.startswith("test_"))
    kept = ranking[[score, *RANKING]].rename(columns={score: "score"})
    trained = ranking.loc[ranking["family"] != "ensemble", "candidate"]
    return {
        **_circumstances([root / "results" / name / "cost.json" for name in trained]),
        "source": (dataset["source"] or {}).get("name"),
        "sizes": dataset["sizes"],
        "score": score.removeprefix("test_"),
        **{key: verdict[key] for key in ("summary", "shown", "recommended", "expected_regret", "at_most_behind")},
        "other_scores": _other_scores(verdict),
        "ranking": _rows(kept),
        "techniques": _rows(_table(root, "techniques"), "technique", "average_rank", score, "low", "high"),
        "claims": _rows(_table(root, "claims")),
        "validation": validation_of(root, ranking.loc[ranking["family"] == "finetune", "candidate"]),
        "stages": stage_seconds(root / NOTES),
    }


def validation_of(root: Path, candidates: Iterable[str]) -> dict[str, Run]:
    """{candidate: loss and accuracy of each seed's best epoch, and in how many seeds that lies in the first of several
    phases, so that opening blocks brought nothing}."""
    found = {}
    for name in candidates:
        trial = read_json(root / "results" / name / "trial.json")
        seeds, several = trial["seeds"], len(trial["phases"]) > 1
        found[name] = {
            **{key: [round(seed[key], DIGITS) for seed in seeds] for key in ("val_loss", "val_accuracy")},
            "opened_nothing": sum(seed["best_phase"] == 1 for seed in seeds) if several else 0,
        }
    return found


def stage_seconds(notes: Path) -> dict[str, dict[str, float]]:
    """{candidate: processor seconds of its stages, as `trained` and `evaluated`}, in the order of their trainings.

    Args:
        notes: what the process wrote that forked the stages; of a stage that ran several times the last one counts.
    """
    commands: dict[str, str] = {}
    seconds: dict[str, dict[str, float]] = {}
    for line in notes.read_text(encoding="utf-8").splitlines() if notes.is_file() else ():
        if begun := BEGUN.match(line):
            commands[begun["process"]] = begun["command"]
        elif (ended := ENDED.match(line)) and (stage := _stage(commands.get(ended["process"], ""))):
            candidate, work = stage
            seconds.setdefault(candidate, {})[work] = float(ended["seconds"])
    return {candidate: of for candidate, of in seconds.items() if of.keys() == {"trained", "evaluated"}}


def _stage(command: str) -> tuple[str, str] | None:
    """(candidate, "trained" or "evaluated") of a stage's command; None of any other."""
    words = command.split()
    if words[:2] == ["pipeline", "evaluate"]:
        return words[3], "evaluated"
    if words[:1] != ["pipeline"] or words[1] not in TRAINED:
        return None
    return "-".join([TRAINED[words[1]], *words[3::2]]), "trained"


def _other_scores(verdict: Mapping[str, Any]) -> list[Run]:
    """Each with what it advises; None where nothing is shown to beat the floor."""
    told = (verdict.get("other_scores") or {}).get("scores", [])
    kept = ("score", "recommended", "winner", "changes_the_advice")
    return [{key: row[key] for key in kept} for row in told]


def check_source(runs: Mapping[str, Run]) -> None:
    """
    Raises:
        NoRunError: when what was run in the checkout itself is other data than the default.
    """
    if DEFAULT in runs and runs[DEFAULT]["source"] != DEFAULT:
        raise NoRunError(f"the last run was not of {DEFAULT}; `git checkout params.yaml`, then `make repro`")


def read_run(name: str) -> Run:
    return dict(read_json(RUNS / f"{name}.json"))


def kept_runs() -> dict[str, Run]:
    """By their names, those of the studies that are kept, and the default comparison's at the end."""
    return {name: read_run(name) for name in (*STUDIES, DEFAULT) if (RUNS / f"{name}.json").is_file()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m publishing.runs", description="Keep what finished runs found.")
    parser.add_argument("checkout", nargs="?", type=Path, default=ROOT, help="whose runs; default: this one's")
    checkout = parser.parse_args(arguments).checkout
    places = {DEFAULT: checkout, **{name: checkout / "workspaces" / name for name in STUDIES}}
    finished = {name: place for name, place in places.items() if (place / VERDICT).is_file()}
    if not finished:
        print(f"results: no run in {checkout} is finished; `make repro` makes one", file=sys.stderr)
        return 1
    try:
        runs = {name: collect(place) for name, place in finished.items()}
        check_source(runs)
    except (NoRunError, OSError) as error:
        print(f"results: {error}", file=sys.stderr)
        return 1
    for name, run in runs.items():
        path = RUNS / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


def _circumstances(paths: Iterable[Path]) -> Run:
    """Commit, machine and day of the candidate that was trained last."""
    costs = [read_json(path) for path in paths]
    ended = [max(str(seed["ended"]) for seed in cost["seeds"].values()) for cost in costs]
    last = costs[ended.index(max(ended))]
    return {**described(last), "date": max(ended)[:10], "seeds": len(last["seeds"])}


def _table(root: Path, name: str) -> pd.DataFrame:
    path = root / f"comparison/{name}.csv"
    return pd.read_csv(path) if path.is_file() else pd.DataFrame()


def _rows(table: pd.DataFrame, *columns: str) -> list[Run]:
    if table.empty:
        return []
    chosen = (table[list(columns)] if columns else table).rename(columns=lambda name: _plain(name))
    return [
        {str(key): _value(value) for key, value in row.items()}
        for row in chosen.astype(object).to_dict(orient="records")
    ]


def _plain(column: str) -> str:
    return "score" if column.startswith("test_") else column


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return None
    return value if isinstance(value, int) else round(float(value), DIGITS)


if __name__ == "__main__":
    sys.exit(main())
