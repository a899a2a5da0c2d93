"""Which candidate to take, and which one instead where training or answers must be cheap.

What is shown and what is advised are two questions. Something has to be taken, so the advice weighs: it is the cheapest
candidate whose expected regret (by how much the truly best one is ahead of it, on average) is tolerable: within the
tolerance, or hardly more than the least where that is larger. "The cheapest that is not shown to be worse" would reward
ignorance: the less is known, the worse it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.comparison.statistics.advice import advised_place, told_apart, tolerable, tolerance_by
from pipeline.comparison.verdict.facts import Facts

MUCH_CHEAPER = 3.0  # times, before a cheaper or faster candidate is worth a sentence: work is an estimate


@dataclass(frozen=True)
class Alternative:
    """Another candidate that takes less work.

    Attributes:
        training: how many times less work it is to train; answers: likewise to answer. 1 where it is no less.
    """

    candidate: str
    training: float
    answers: float


@dataclass(frozen=True)
class Choice:
    """Which candidate to take, and what stands against it.

    Attributes:
        winner: the highest mean test score.
        equivalents: shown to be within the margin of the winner.
        contenders: those that beat the floor and are not shown to be worse than the winner, in rank order.
        recommended: None where nothing beats the floor and the floor does not compete.
        rivals: contenders that may yet be ahead of the recommended one by more than the margin.
        settled: whether the recommended one is shown to be behind by no more than is tolerated.
        alternative: None where nothing that beats the floor is much cheaper or faster.
        safest: of the least expected regret, whatever it takes; None where nothing beats the floor.
    """

    winner: str
    equivalents: list[str]
    contenders: list[str]
    recommended: str | None
    rivals: list[str]
    settled: bool
    alternative: Alternative | None
    safest: str | None

    @property
    def beats_floor(self) -> bool:
        """Whether anything is shown to beat the floor."""
        return bool(self.contenders)


def choose(facts: Facts) -> Choice:
    """The advice, among those that are shown to beat the floor."""
    rows, floor = facts.rows, facts.comparison.floor
    winner = next(iter(rows))
    beating = [name for name in rows if name in floor.beaten_by]
    equivalents = [name for name in beating if rows[name]["relation_to_best"] == "equivalent"]
    if not beating:
        return Choice(winner, [], [], floor.candidate, [], settled=False, alternative=None, safest=None)
    contenders = [name for name in beating if rows[name]["relation_to_best"] != "worse"] or beating[:1]
    recommended = advise(beating, facts)
    rivals = [name for name in contenders if name != recommended and _may_be_ahead(name, recommended, facts)]
    settled = float(rows[recommended]["at_most_behind"]) <= max(facts.margin, facts.tolerance)
    alternative = cheaper_alternative(beating, recommended, facts)
    return Choice(
        winner, equivalents, contenders, recommended, rivals, settled, alternative, _safest(beating, recommended, facts)
    )


def advise(names: Sequence[str], facts: Facts) -> str:
    """The cheapest of those whose expected regret is tolerable; of about equal cost the one of fewest parameters."""
    rows = [facts.rows[name] for name in names]
    known = [facts.known[name] for name in names]
    place = advised_place(
        regrets=[row["expected_regret"] for row in rows],
        scores=[row[facts.column] for row in rows],
        work=[(one.work.training, one.work.answer) for one in known],
        ties=[(float(one.parameters), name) for one, name in zip(known, names, strict=True)],
        prefer=facts.prefer,
        tolerance=facts.tolerance,
    )
    return names[place]


def _safest(names: Sequence[str], recommended: str, facts: Facts) -> str:
    """Of the least expected regret; among equals the recommended one, since cost decides between these in any case."""
    regrets = dict(zip(names, _regrets(names, facts), strict=True))
    return min(names, key=lambda name: (regrets[name], name != recommended, facts.rows[name]["rank"]))


def _regrets(names: Sequence[str], facts: Facts) -> list[float]:
    rows = [facts.rows[name] for name in names]
    return told_apart([row["expected_regret"] for row in rows], [row[facts.column] for row in rows])


def tolerable_regret(facts: Facts) -> float:
    """What the advice may cost on average: see `statistics.advice.tolerable`.

    Where nothing beats the floor there is no advice, and it is the tolerance.
    """
    tolerance = tolerance_by(facts.prefer, facts.tolerance)
    beating = [row for name, row in facts.rows.items() if name in facts.comparison.floor.beaten_by]
    return tolerable([float(row["expected_regret"]) for row in beating], tolerance) if beating else tolerance


def cheaper_alternative(names: Sequence[str], recommended: str, facts: Facts) -> Alternative | None:
    """The one of least expected regret among those that are much cheaper to train, or else to answer with."""
    savings = [_savings(name, recommended, facts) for name in names if name != recommended]
    cheaper = [one for one in savings if one.training >= MUCH_CHEAPER] or [
        one for one in savings if one.answers >= MUCH_CHEAPER
    ]
    return min(cheaper, key=lambda one: (facts.rows[one.candidate]["expected_regret"], one.candidate), default=None)


def _savings(name: str, recommended: str, facts: Facts) -> Alternative:
    own, other = facts.known[name].work, facts.known[recommended].work
    training, answers = (
        max(a / max(b, 1.0), 1.0) for a, b in ((other.training, own.training), (other.answer, own.answer))
    )
    return Alternative(name, training, answers)


def _may_be_ahead(rival: str, recommended: str, facts: Facts) -> bool:
    """Whether the data leave open that the rival is better by more than the margin."""
    pair = facts.pairs[rival, recommended]
    return bool(pair["relation"] != "equivalent" and pair["high"] > facts.margin)
