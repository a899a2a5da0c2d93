"""compare: rank all candidates of params.yaml, answer which to train, and write the report.

    python -m pipeline compare
    dvc repro

Reads results/, evaluation/ and data/prepared/dataset.json. Writes comparison/.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.comparison.report.page import Material, render
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.claims import claims_table, judge_claims
from pipeline.comparison.tables.data_size import Growth, study_growth
from pipeline.comparison.tables.measurements import DATASET, Measured, read_measurements
from pipeline.comparison.tables.properties import measure_properties, properties_table
from pipeline.comparison.tables.ranking import Comparison, compare_candidates, tidy
from pipeline.comparison.tables.suspects import find_suspects
from pipeline.comparison.verdict.recommendation import Facts
from pipeline.comparison.verdict.verdict import decide
from pipeline.files import read_json, replacing, write_csv, write_json
from pipeline.params.compare import Compare
from pipeline.params.loading import load_params
from pipeline.tracking.view import sync_if_possible

FOLDER = Path("comparison")

log = logging.getLogger("kiyas")


def run() -> None:
    params = load_params()
    measured = read_measurements(params.candidates())
    outcomes = align(measured)
    log.info("comparing %d candidates on %d test examples", len(measured), len(outcomes.examples))
    comparison = compare_candidates(measured, outcomes, params.compare)
    studied = [one for one in measured if one.name in params.study.candidates]
    points = read_measurements(params.studied())
    growth = study_growth(studied, points, params.compare)
    facts = gather_facts(measured, outcomes, comparison, growth, params.compare)
    verdict = decide(facts)
    properties = measure_properties(measured, params.compare)
    suspects = find_suspects(measured, facts)
    write_tables(comparison, growth)
    on_photos = facts.kind == "images"  # which the claims of the lecture are about
    claims = judge_claims(measured, outcomes, properties, smallest_of(points), params.compare) if on_photos else []
    write_csv(FOLDER / "claims.csv", tidy(claims_table(claims)))
    write_csv(FOLDER / "label_suspects.csv", tidy(suspects.table))
    write_csv(FOLDER / "properties.csv", tidy(properties_table(properties, params.compare.confidence)))
    write_json(FOLDER / "verdict.json", verdict)
    material = Material(measured, facts, verdict, params.compare, params.tuning, properties, claims, suspects)
    with replacing(FOLDER / "report.html") as temporary:
        temporary.write_text(render(material), encoding="utf-8")
    sync_if_possible(params)
    log.info("%s", verdict["answer"])


def smallest_of(points: list[Measured]) -> list[Measured]:
    """The points of the data-size study with the smallest share of the training examples."""
    least = min((point.candidate.training_share for point in points), default=1.0)
    return [point for point in points if point.candidate.training_share == least]


def gather_facts(
    measured: list[Measured], outcomes: Outcomes, comparison: Comparison, growth: Growth, settings: Compare
) -> Facts:
    train_accuracy = outcomes.train_scores.mean(axis=1) * outcomes.unit * outcomes.score.sign  # (C,)
    return Facts(
        comparison=comparison,
        parameters={one.name: one.parameters for one in measured},
        train_accuracy=dict(zip(outcomes.candidates, map(float, train_accuracy), strict=True)),
        dataset=read_json(DATASET),
        seeds=len(outcomes.seeds),
        confidence=settings.confidence,
        margin=settings.margin * outcomes.unit,
        unit=outcomes.unit,
        growth=growth,
    )


def write_tables(comparison: Comparison, growth: Growth) -> None:
    write_csv(FOLDER / "ranking.csv", comparison.ranking)
    write_csv(FOLDER / "techniques.csv", comparison.techniques)
    write_csv(FOLDER / "paradigms.csv", comparison.paradigms)
    write_csv(FOLDER / "pairwise.csv", comparison.pairwise)
    write_csv(FOLDER / "permutation.csv", comparison.permutation)
    write_csv(FOLDER / "growth.csv", growth.table)
