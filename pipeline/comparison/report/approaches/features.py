"""What a classical model gains from engineered features against raw pixels, and from a frozen backbone's features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.facts import Facts

PIXELS, ENGINEERED, POOLED = "pixels", "hog_colour", "pooled"  # `features` of classical.yaml


@dataclass(frozen=True)
class Gain:
    """Two candidates on the same test examples and seeds.

    Attributes:
        question: what is compared with what.
        with_it, without: the rows of ranking.csv.
        same_estimator: whether both are the same kind of estimator; else `without` is the best there is.
        difference, low, high: in the score, with_it minus without, paired.
        relation: what with_it is to without: better, worse, equivalent or indistinguishable.
    """

    question: str
    with_it: Row
    without: Row
    same_estimator: bool
    difference: float
    low: float
    high: float
    relation: str


def section(material: Material) -> Section | None:
    """None where no two candidates compete on features that are compared."""
    gains = feature_gains(material.measured, material.facts)
    return Section("features", "Features", "approaches", {"gains": gains}, folded=True) if gains else None


def feature_gains(measured: Sequence[Measured], facts: Facts) -> list[Gain]:
    """Every classical candidate against its counterpart on plainer features, question by question, best first.

    The counterpart has the same estimator where one competes, else it is the most accurate on those features.
    """
    ranked = sorted((one for one in measured if one.name in facts.rows), key=lambda one: facts.rows[one.name]["rank"])
    pixels, engineered, pooled = (_on(ranked, features) for features in (PIXELS, ENGINEERED, POOLED))
    questions = [
        ("Engineered features against raw pixels", engineered, _counterparts(pixels)),
        ("A frozen backbone's features against raw pixels", pooled, _counterparts(pixels)),
        ("A frozen backbone's features against engineered ones", pooled, _counterparts(engineered)),
        ("On a frozen backbone: a classical model against a trained head", pooled, _heads(ranked)),
    ]
    return [
        _gain(facts, question, one, other, same_estimator)
        for question, candidates, counterpart in questions
        for one in candidates
        for other, same_estimator in counterpart(one)
    ]


Counterpart = Callable[[Measured], Iterator[tuple[Measured, bool]]]


def _on(measured: Sequence[Measured], features: str) -> list[Measured]:
    return [one for one in measured if _described(one).get("features") == features]


def _described(one: Measured) -> dict[str, str]:
    """The row of classical.yaml that a candidate was trained by; nothing for networks."""
    return one.trial.parameters.get("model", {}) if one.candidate.family == "classical" else {}


def _counterparts(plainer: Sequence[Measured]) -> Counterpart:
    """The candidate to compare with: the best with the same estimator, else the best of all."""

    def find(one: Measured) -> Iterator[tuple[Measured, bool]]:
        alike = [other for other in plainer if _described(other)["estimator"] == _described(one)["estimator"]]
        for other in (alike or plainer)[:1]:
            yield other, bool(alike)

    return find


def _heads(measured: Sequence[Measured]) -> Counterpart:
    """The best fine-tuned candidate of the same backbone of which nothing but the head was ever trained."""

    def find(one: Measured) -> Iterator[tuple[Measured, bool]]:
        heads = [
            other
            for other in measured
            if other.candidate.family == "finetune"
            and other.candidate.backbone == one.candidate.backbone
            and all(phase["train"] == "head" for phase in other.trial.phases)
        ]
        for other in heads[:1]:
            yield other, True

    return find


def _gain(facts: Facts, question: str, one: Measured, other: Measured, same_estimator: bool) -> Gain:
    pair = facts.pairs[one.name, other.name]
    relation = str(pair["relation"])
    if relation in ("better", "worse"):
        relation = "better" if pair["difference"] > 0 else "worse"
    return Gain(
        question=question,
        with_it=facts.rows[one.name],
        without=facts.rows[other.name],
        same_estimator=same_estimator,
        difference=float(pair["difference"]),
        low=float(pair["low"]),
        high=float(pair["high"]),
        relation=relation,
    )
