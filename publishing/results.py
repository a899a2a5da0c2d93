"""docs/results/groceries.md, and tables of README and docs/from-the-notes.md: what the last run of this checkout found.

    make results

Needs a finished `make repro` with the default parameters. The page says which commit was run, where and when.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.formats import duration
from pipeline.ground.files import read_json, replacing
from pipeline.trials import results_folder
from publishing import notes

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/results/groceries.md"
README = ROOT / "README.md"
NOTES = ROOT / "docs/from-the-notes.md"
BEGIN, END = "<!-- results{}: written by `make results` -->", "<!-- end of results -->"  # around what is written
COMPARISON = Path("comparison")
KINDS = {
    "the best, fine-tuned": lambda table: table[table["family"] == "finetune"],
    "the best classical model on a frozen backbone": lambda table: table[
        (table["family"] == "classical") & table["backbone"].notna()
    ],
    "the best without a pretrained network": lambda table: table[
        (table["family"] == "classical") & table["backbone"].isna()
    ],
    "the best network from scratch": lambda table: table[table["family"] == "cnn"],
}


class NoRunError(ValueError):
    """There is no finished run here, or one of other data."""


def main() -> int:
    try:
        text, table, tables = page(), readme_table(), notes.tables()
    except (NoRunError, OSError) as error:
        print(f"results: {error}", file=sys.stderr)
        return 1
    _write(PAGE, text)
    _write(README, filled(README.read_text(encoding="utf-8"), {"": table}))
    _write(NOTES, filled(NOTES.read_text(encoding="utf-8"), {f", {name}": table for name, table in tables.items()}))
    return 0


def filled(text: str, tables: Mapping[str, str]) -> str:
    """A page with these tables in their places.

    Args:
        tables: {what the mark of a place says after "results": the table}.

    Raises:
        NoRunError: the page has no such place.
    """
    for name, table in tables.items():
        begin = BEGIN.format(name)
        if begin not in text:
            raise NoRunError(f"the page has no place for results{name}: {begin}")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}\n{END}{rest.partition(END)[2]}"
    return text


def page() -> str:
    """
    Raises:
        NoRunError: see the class.
    """
    if not (COMPARISON / "verdict.json").is_file():
        raise NoRunError("comparison/verdict.json is not there; `make repro` makes it")
    verdict, dataset = read_json(COMPARISON / "verdict.json"), read_json(Path("data/prepared/dataset.json"))
    if (dataset["source"] or {}).get("name") != "groceries":
        raise NoRunError("the last run was of other data than groceries; `git checkout params.yaml`, then `make repro`")
    ranking = pd.read_csv(COMPARISON / "ranking.csv")
    sizes = dataset["sizes"]
    return f"""# Which model for 14 kinds of fruit and vegetables

Written by `make results` from the files of one run: {circumstances(list(ranking["candidate"]))}.
{sizes["development"]} photos to learn from and {sizes["test"]} to test on.

{chr(10).join(f"> {sentence}  " for sentence in verdict["summary"])}

{verdict["shown"]}

## The ranking

Overfitting is train minus validation, shift is validation minus test accuracy.

| | candidate | test accuracy | overfitting | shift | p best | costs on average | one training |
| --- | --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(_row(row) for row in ranking.to_dict("records"))}

## The techniques

Averaged over the backbones.

| technique | average rank | test accuracy |
| --- | --- | --- |
{chr(10).join(_technique(row) for row in pd.read_csv(COMPARISON / "techniques.csv").to_dict("records"))}

## What is said, and what was measured

| said of | group | value | difference to the group compared with | judged |
| --- | --- | --- | --- | --- |
{chr(10).join(_claim(row) for row in pd.read_csv(COMPARISON / "claims.csv").to_dict("records"))}
"""


def readme_table() -> str:
    """The best of each kind."""
    ranking = pd.read_csv(COMPARISON / "ranking.csv")
    rows = []
    for kind, pick in KINDS.items():
        of_kind = pick(ranking)
        if len(of_kind):
            row = of_kind.iloc[0].to_dict()
            rows.append(f"| {kind}: `{row['candidate']}` | {_score(row)} | {duration(row['cost_seconds'])} |")
    return "\n".join(["| candidate | test accuracy (95 % interval) | one training |", "| --- | --- | --- |", *rows])


def circumstances(candidates: list[str]) -> str:
    """Commit, date and machine, of the candidate that was trained last; how many candidates, with how many seeds.

    Args:
        candidates: of the current directory's results.
    """
    costs = [read_json(results_folder(name) / "cost.json") for name in candidates]
    last = max(costs, key=lambda cost: max(str(seed["ended"]) for seed in cost["seeds"].values()))
    ended = max(str(seed["ended"]) for seed in last["seeds"].values())
    changed = " with changes" if last["dirty"] else ""
    return (
        f"commit {str(last['commit'])[:10]}{changed}, {ended[:10]}, {_machine(last)}; {len(candidates)} candidates "
        f"with {len(last['seeds'])} seeds each"
    )


def _machine(cost: dict[str, Any]) -> str:
    host, versions = cost["host"], cost["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in ("python", "tensorflow-cpu", "keras") if name in versions)
    return f"{host['cores']} cores of {host['cpu']}, {host['memory_bytes'] / 1e9:.0f} GB ({named})"


def _row(row: Mapping[Any, Any]) -> str:
    numbers = f"{row['overfit']:.3f} | {row['shift']:.3f} | {row['p_best']:.2f} | {row['expected_regret']:.3f}"
    return f"| {row['rank']} | `{row['candidate']}` | {_score(row)} | {numbers} | {duration(row['cost_seconds'])} |"


def _technique(row: Mapping[Any, Any]) -> str:
    return f"| {row['technique']} | {row['average_rank']:.1f} | {_score(row)} |"


def _claim(row: Mapping[Any, Any]) -> str:
    difference = ""
    if pd.notna(row["difference"]):
        unit = " times" if row["claim"] == "cost" else ""
        interval = f"{row['difference_low']:.3f} to {row['difference_high']:.3f}"
        difference = f"{row['difference']:.3f}{unit} ({interval}), against {row['against']}"
    judged = row["verdict"] if pd.notna(row["verdict"]) else ""
    return f"| {row['claim']} | {row['group']} | {row['value']:.3f} | {difference} | {judged} |"


def _score(row: Mapping[Any, Any]) -> str:
    return f"{row['test_accuracy']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
