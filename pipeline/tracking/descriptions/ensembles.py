"""comparison/ → a run of kind `candidate` for each ensemble: `compare` puts them together, so no trials are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.champions.served.deployed import follows_from_results
from pipeline.formats import three_decimals_range
from pipeline.ground.files import read_json
from pipeline.ground.paths import RANKING, VERDICT
from pipeline.params.compare import ENSEMBLE
from pipeline.params.schema.families import family_named
from pipeline.tracking.descriptions.comparison import advice_about, ranked_by, read_ranking
from pipeline.tracking.descriptions.lineage import dvc_tags
from pipeline.tracking.descriptions.run import RunDescription
from pipeline.tracking.run_fields import (
    ADVICE,
    AGAINST,
    CANDIDATE,
    COST,
    FINGERPRINT,
    INTERVAL,
    KIND,
    NOTE,
    RELATION,
    SUPERSEDED,
    finite,
    flat_params,
    known_tags,
    source_tags,
)

AVERAGING = "averaging/"  # what it brings over the best single model


def describe_ensembles(ended: int | None) -> list[RunDescription]:
    """Those of the comparison on disk that are of the results on disk; none before there is one.

    Args:
        ended: when the last trial ended, in milliseconds; comparison/ itself holds no dates.
    """
    if not (VERDICT.is_file() and RANKING.is_file()):
        return []
    told, ranking = read_json(VERDICT).get("ensembles") or {}, read_ranking()
    records = [
        record
        for record in told.get("ensembles", [])
        if record["candidate"] in ranking and follows_from_results(record)  # after a retraining its models are gone
    ]
    return [_describe(record, str(told["against"]), ranking[record["candidate"]], ended) for record in records]


def _describe(record: Mapping[str, Any], against: str, row: Mapping[str, Any], ended: int | None) -> RunDescription:
    """
    Args:
        record: as verdict.json has it; row: of ranking.csv.
        against: the best single model.
    """
    name, score = str(record["candidate"]), ranked_by()
    who = {KIND: "candidate", CANDIDATE: name, FINGERPRINT: str(record["fingerprint"]), SUPERSEDED: "false"}
    judged = {
        "kiyas.family": ENSEMBLE,
        RELATION: row.get("relation_to_best"),
        INTERVAL: three_decimals_range(row["low"], row["high"]),
        ADVICE: advice_about(name),
    }
    interval = {"low": f"{score}_low", "high": f"{score}_high"}
    gain = {f"{AVERAGING}{key}": record[key] for key in ("difference", "low", "high")}
    made_of = {key: record[key] for key in ("kind", "members", "models")}
    members = ", ".join(record["members"])
    return RunDescription(
        name=name,
        tags={**who, AGAINST: against, **known_tags(judged), **source_tags("compare"), **dvc_tags(VERDICT)},
        params=flat_params({ENSEMBLE: made_of}),
        metrics=finite(
            {
                **{interval.get(column, column): value for column, value in row.items()},
                **gain,
                f"{COST}latency_ms_median": record["latency_ms"],
                f"{COST}models": len(record["models"]),
            }
        ),
        first_tags={NOTE: f"{family_named(ENSEMBLE).words.model}: {members}. It has no trials of its own."},
        started=ended,
        ended=ended,
    )
