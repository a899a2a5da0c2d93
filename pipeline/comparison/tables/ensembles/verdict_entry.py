"""What verdict.json says of ensembles: which models each holds, and what averaging brings over a single one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipeline.comparison.tables.ensembles.ensemble import Ensemble, Validated
from pipeline.comparison.tables.ensembles.gains import Gain, Gains
from pipeline.comparison.tables.ensembles.library import library_of
from pipeline.comparison.tables.ensembles.soups import left_out_sentence, validate_soup
from pipeline.comparison.tables.measurements import Measured
from pipeline.formats import count_of, significant
from pipeline.params.compare import Ensembles, soup_of
from pipeline.scores.score import ScoreWords


def describe_ensembles(gains: Gains | None, words: ScoreWords) -> dict[str, Any] | None:
    """None where no ensemble competes."""
    if gains is None:
        return None
    return {
        "sentence": describe_gain(gains, words),
        "against": gains.against,
        "latency_ms": significant(gains.latency),
        "ensembles": [_described(row) for row in gains.rows],
    }


def describe_gain(gains: Gains, words: ScoreWords) -> str:
    """Of the ensemble with the largest difference, with the interval that holds although it was picked."""
    best = gains.rows[0]
    size = f"{words.difference(abs(best.difference))} {'better' if best.difference >= 0 else 'worse'}"
    interval = words.difference_span(best.safe_low, best.safe_high)
    judged = "shown to bring something" if best.safe_low > 0 else "not shown to bring anything"
    models = count_of(len(best.ensemble.parts), "model")
    picked = f", the best of {len(gains.rows)} ensembles," if len(gains.rows) > 1 else ""
    return (
        f"Averaging is {judged} here: {best.ensemble.name}{picked} is {size} than {gains.against}, the best single "
        f"model ({interval}), and takes {best.latency:.3g} ms an answer with {models} in place of "
        f"{gains.latency:.3g} ms."
    )


def record_of(one: Ensemble) -> dict[str, Any]:
    """What it takes to put the ensemble together again; `models` are those that answer when it is served."""
    return {
        "candidate": one.name,
        "kind": one.kind,
        "members": dict(one.members),
        "models": [asdict(part) for part in one.parts],
        "fingerprint": one.trial.fingerprint,
    }


def describe_soups(measured: Sequence[Measured], settings: Ensembles) -> list[dict[str, Any]]:
    """Of each soup that params.yaml names whether it competes, and what its seeds' validation examples say.

    Args:
        measured: as for `make_ensembles`.
    """
    if "soup" not in settings.kinds or not settings.soups:
        return []
    library = library_of([one for one in measured if one.name in settings.soups])
    return [_described_soup(name, validate_soup(library, name)) for name in settings.soups]


def _described_soup(name: str, validated: Validated) -> dict[str, Any]:
    seen = validated.examples > 0
    return {
        "candidate": soup_of(name).name,
        "competes": validated.holds,
        "examples": validated.examples,
        "loss": significant(validated.loss) if seen else None,
        "members_loss": significant(validated.members_loss) if seen else None,
        "sentence": None if validated.holds else left_out_sentence(name, validated),
    }


def _described(row: Gain) -> dict[str, Any]:
    return {
        **record_of(row.ensemble),
        "difference": significant(row.difference),
        "low": significant(row.low),
        "high": significant(row.high),
        "latency_ms": significant(row.latency),
    }
