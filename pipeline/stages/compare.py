"""compare: rank all candidates of params.yaml, answer which to train, and write the report.

    python -m pipeline compare
    dvc repro

Reads results/, evaluation/ and data/prepared/dataset.json. Writes comparison/.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.page import render
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.tables.alignment import align, naive_place
from pipeline.comparison.tables.comparison import Comparison, compare_candidates
from pipeline.comparison.tables.costs import Work
from pipeline.comparison.tables.design import ExampleDesign, read_design
from pipeline.comparison.tables.ensembles.building import make_ensembles
from pipeline.comparison.tables.ensembles.gains import measure_gains
from pipeline.comparison.tables.ensembles.library import SPLITS
from pipeline.comparison.tables.ensembles.verdict_entry import describe_soups
from pipeline.comparison.tables.frames import tidy
from pipeline.comparison.tables.measurements import Measured, probabilities_asked, read_measurements
from pipeline.comparison.tables.studies.claim_measurements import measure_claims
from pipeline.comparison.tables.studies.claims import Claim, claims_table, judge_claims
from pipeline.comparison.tables.studies.growth import Growth, study_growth
from pipeline.comparison.tables.studies.label_suspects import find_suspects
from pipeline.comparison.tables.studies.origins import score_in_parts
from pipeline.comparison.tables.studies.other_scores import Advised, advise_by_scores
from pipeline.comparison.tables.studies.properties import Property, measure_properties, properties_table
from pipeline.comparison.verdict.facts import Facts, know_candidates, state_facts
from pipeline.comparison.verdict.summary import summarise
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import read_json, replacing, write_csv, write_json
from pipeline.ground.paths import COMPARISON, DATASET, REPORT, VERDICT
from pipeline.ownership import refuse_damaged_results
from pipeline.params.compare import Compare
from pipeline.params.competing import points_of, read_candidates
from pipeline.params.schema.reading import PARAMS_FILE, read_section
from pipeline.params.study import DataSizes, TuningSection, read_tuning
from pipeline.scores.faults import refuse_unfit_score
from pipeline.scores.score import Score
from pipeline.scores.score_for_task import score_of, scores_for
from pipeline.tracking.sync import sync_if_possible

log = logging.getLogger("kiyas")

SUMMARY = COMPARISON / "summary.json"


def run() -> None:
    settings, study, candidates = read_section("compare", Compare), read_section("study", DataSizes), read_candidates()
    dataset = read_json(DATASET)
    refuse_unfit_score(settings, dataset, PARAMS_FILE)
    of_shares = points_of(candidates, study.candidates, study.fractions)
    if "DVC_STAGE" in os.environ:  # called by hand, results may be newer than what DVC recorded
        refuse_damaged_results({one.name for one in (*candidates, *of_shares)})
    score = score_of(dataset["task"], settings, dataset["class_names"])
    asked = SPLITS if settings.ensembles.kinds else probabilities_asked(score) or ("val", "test")
    trained = read_measurements(candidates, asked)
    ensembles = make_ensembles(trained, settings.ensembles, score)
    measured = [*trained, *ensembles]
    points = read_measurements(of_shares, probabilities_asked(score))
    design = read_design(measured, dataset.get("kind", "images"))
    outcomes = align(measured, design.groups, design.order, score)
    log.info("comparing %d candidates on %d test examples", len(measured), len(outcomes.examples))
    comparison = compare_candidates(measured, outcomes, settings)
    studied, place = [one for one in trained if one.name in study.candidates], naive_place(trained)
    floor = None if place is None else trained[place]
    growth = study_growth(studied, points, settings, score, design.order, floor)
    facts = gather_facts(measured, dataset, design, outcomes, comparison, growth, settings)
    trials = {one.name: one.trial.fingerprint for one in trained}
    searches = read_section("tuning", TuningSection).search is not None
    names, size = [one.name for one in trained], dataset.get("image_size")
    left_out = study.still_left_out(names, outcomes.seeds, size, searches)
    verdict = {**decide(facts, left_out), "soups": describe_soups(trained, settings.ensembles), "trials": trials}
    properties = measure_properties(trained, settings)
    of_accuracy = outcomes if score.is_share and not ensembles else align(trained, design.groups, design.order)
    claims = claims_of_lectures(trained, of_accuracy, properties, points, facts, settings)
    suspects = find_suspects(trained, comparison, dataset["class_names"])
    write_tables(
        ranking=comparison.ranking,
        techniques=comparison.techniques,
        paradigms=comparison.paradigms,
        pairwise=comparison.pairwise,
        permutation=comparison.permutation,
        growth=growth.table,
        claims=tidy(claims_table(claims)),
        label_suspects=tidy(suspects.table),
        properties=tidy(properties_table(properties, settings.confidence)),
        plots=drawn_by_dvc(comparison.ranking, facts.column),
    )
    write_json(VERDICT, verdict)
    write_json(SUMMARY, summarise(facts, verdict))
    write_report(Material(trained, facts, verdict, settings, read_tuning(), properties, claims, suspects, ensembles))
    sync_if_possible()
    log.info("%s %s", verdict["answer"], verdict["shown"])


def gather_facts(
    measured: list[Measured],
    dataset: Mapping[str, Any],
    design: ExampleDesign,
    outcomes: Outcomes,
    comparison: Comparison,
    growth: Growth,
    settings: Compare,
) -> Facts:
    """What the verdict and the report are made of.

    Args:
        dataset: dataset.json.
    """
    known = know_candidates(measured, outcomes, dataset)
    work = [known[one.name].work for one in measured]
    return state_facts(
        comparison=comparison,
        known=known,
        dataset=dataset,
        seeds=len(outcomes.seeds),
        settings=settings,
        unit=outcomes.unit,
        design=design,
        growth=growth,
        others=advise_by_others(measured, work, dataset, design, outcomes.score, settings),
        parts=score_in_parts(measured, design, outcomes.score),
        gains=measure_gains(measured, outcomes, comparison, settings),
    )


def advise_by_others(
    measured: list[Measured],
    work: list[Work],
    dataset: Mapping[str, Any],
    design: ExampleDesign,
    score: Score,
    settings: Compare,
) -> list[Advised]:
    """What the scores advise that candidates are not ranked by; those that cannot be told here are left out.

    Args:
        work: of each candidate.
    """
    names, tested = dataset["class_names"], dataset["counts"].get("test", {}) if dataset["class_names"] else {}
    complete = all(tested.get(name, 0) for name in names)
    scores = [
        other
        for other in scores_for(dataset["task"], settings, names)
        if other.name != score.name and (complete or not other.every_class)
    ]
    return advise_by_scores(measured, design, scores, work, settings)


def claims_of_lectures(
    measured: list[Measured],
    outcomes: Outcomes,
    properties: list[Property],
    points: list[Measured],
    facts: Facts,
    settings: Compare,
) -> list[Claim]:
    """The claims are about classes of photos, and about accuracy whatever the score; of other data there are none.

    Args:
        outcomes: of accuracy.
    """
    if facts.kind != "images" or not facts.score.of_classes:
        return []
    measurements = measure_claims(measured, outcomes, properties, smallest_of(points), settings)
    return judge_claims(measured, measurements, settings.confidence)


def smallest_of(points: list[Measured]) -> list[Measured]:
    """The points of the data-size study with the smallest share of the training examples."""
    least = min((point.candidate.training_share for point in points), default=1.0)
    return [point for point in points if point.candidate.training_share == least]


def drawn_by_dvc(ranking: pd.DataFrame, score: str) -> pd.DataFrame:
    """What `dvc plots` draws. dvc.yaml names its columns once for all, and so the score has no name of its own here."""
    return ranking[["candidate", score, "gap", "cost_seconds"]].rename(columns={score: "score"})


def write_tables(**tables: pd.DataFrame) -> None:
    """comparison/<name>.csv of each."""
    for name, table in tables.items():
        write_csv(COMPARISON / f"{name}.csv", table)


def write_report(material: Material) -> None:
    with replacing(REPORT) as temporary:
        temporary.write_text(render(material), encoding="utf-8")
