"""A ranking of the candidates that are evaluated so far, while the others are still to come.

    python -m pipeline.operations.following.preliminary classical-svm_hog     # the one that has just been evaluated

`python -m pipeline evaluate` starts it at its end where DVC runs it, so a bare `dvc repro` has it too. It is a process
of its own, for two reasons: whatever happens to it, the stage has succeeded; and the code of the comparison does not
become part of the stage `evaluate`, where a change of the report would evaluate every candidate again. It reads what
`compare` reads with the same code, and writes comparison/preliminary.html, which is no stage's out.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import psutil
from jinja2 import Environment, PackageLoader, select_autoescape

from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.comparison import compare_candidates
from pipeline.comparison.tables.design import read_design
from pipeline.comparison.tables.measurements import probabilities_asked, read_measurements
from pipeline.formats import three_decimals, three_decimals_range
from pipeline.ground.files import read_json, replacing, write_json
from pipeline.ground.paths import DATASET
from pipeline.operations.following.answer import PRELIMINARY, score_column, told
from pipeline.operations.following.running import run_of
from pipeline.operations.planning.due import graph_state
from pipeline.params.compare import Compare
from pipeline.params.competing import read_candidates
from pipeline.params.schema.reading import read_section
from pipeline.params.training.candidates import Candidate
from pipeline.scores.score_for_task import score_of
from pipeline.trials import evaluation_folder

NOTE = Path(".kiyas/preliminary.json")  # which evaluations were up to date when the run that goes on began
RESAMPLES = 1000  # at most: an interval's ends move by up to 7 % of its width, for a third of the time of 10,000
FEWEST = 2  # candidates that make a ranking

log = logging.getLogger("kiyas")


def update_preliminary(just_evaluated: str) -> None:
    """Write the page anew, or remove it where nothing is still to come.

    Args:
        just_evaluated: its stage runs still, so DVC does not count it as done.
    """
    candidates = read_candidates()
    done = _evaluated(candidates, just_evaluated)
    waiting = [candidate for candidate in candidates if candidate not in done]
    if len(done) < FEWEST or not waiting:
        PRELIMINARY.unlink(missing_ok=True)
        return
    settings = read_section("compare", Compare)
    settings = settings.model_copy(update={"resamples": min(settings.resamples, RESAMPLES)})
    dataset = read_json(DATASET)
    score = score_of(dataset["task"], settings, dataset["class_names"])
    measured = read_measurements(done, probabilities_asked(score))
    design = read_design(measured, dataset.get("kind", "images"))
    outcomes = align(measured, design.groups, design.order, score)
    ranking = compare_candidates(measured, outcomes, settings).ranking
    with replacing(PRELIMINARY) as temporary:
        temporary.write_text(_page(ranking, outcomes, waiting, settings), encoding="utf-8")
    log.info("%s", summary(ranking, len(candidates)))


def summary(ranking: pd.DataFrame, competing: int) -> str:
    """One line for the log."""
    score = score_column(ranking)
    best = ranking.iloc[0]
    return (
        f"so far {best['candidate']} leads, with {len(ranking)} of {competing} evaluated: {score.replace('_', ' ')} "
        f"{three_decimals(best[score])} ({three_decimals_range(best['low'], best['high'])}); {PRELIMINARY}"
    )


def _evaluated(candidates: Sequence[Candidate], just_evaluated: str) -> list[Candidate]:
    """Those whose evaluation is up to date, and the one that has just ended.

    DVC's comparison takes seconds, so it is asked once in a run. What it called unchanged then stays so, and the rest
    is up to date once its files came into their place in this run: written, or linked to DVC's cache.
    """
    since = run_of(psutil.Process()).since
    unchanged = set(_unchanged_at_first(candidates, since))
    return [
        candidate
        for candidate in candidates
        if candidate.name in {just_evaluated, *unchanged} or _placed_since(since, candidate)
    ]


def _unchanged_at_first(candidates: Sequence[Candidate], since: float) -> list[str]:
    with suppress(OSError, ValueError):
        note = read_json(NOTE)
        if note["run"] == since:
            return list(note["unchanged"])
    states = graph_state([candidate.evaluation_stage for candidate in candidates]).stages
    unchanged = [one.name for one in candidates if states.get(one.evaluation_stage) == "unchanged"]
    write_json(NOTE, {"run": since, "unchanged": unchanged})
    return unchanged


def _placed_since(since: float, candidate: Candidate) -> bool:
    with suppress(FileNotFoundError):
        return (evaluation_folder(candidate.name) / "metrics.json").stat().st_ctime >= since
    return False


def _page(ranking: pd.DataFrame, outcomes: Outcomes, waiting: Sequence[Candidate], settings: Compare) -> str:
    environment = Environment(
        loader=PackageLoader("pipeline.operations.following", ""), autoescape=select_autoescape(default=True)
    )
    environment.globals |= {"three_decimals": three_decimals, "three_decimals_range": three_decimals_range}
    return environment.get_template("preliminary.html.j2").render(
        rows=ranking.assign(relation_to_best=ranking["relation_to_best"].map(told)).to_dict("records"),
        score=score_column(ranking),
        waiting=[candidate.name for candidate in waiting],
        examples=len(outcomes.examples),
        seeds=len(outcomes.seeds),
        confidence=settings.confidence,
        resamples=settings.resamples,
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("kiyas").setLevel(logging.INFO)
    update_preliminary(sys.argv[1])
