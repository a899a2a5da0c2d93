"""Which candidate to take: decided from the tables alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.comparison.verdict.facts import Facts

CHEAPER = 0.75  # "cheaper" is at most this share of the other's cost


@dataclass(frozen=True)
class Choice:
    """Which candidate to take, and what stands against it.

    Attributes:
        winner: the highest mean test accuracy.
        equivalents: shown to be within the margin of the winner.
        contenders: those that beat the floor and are not shown to be worse than the winner, in rank order.
        recommended: None where nothing beats the floor and the floor does not compete.
        rivals: contenders that may yet overturn the recommendation.
    """

    winner: str
    equivalents: list[str]
    contenders: list[str]
    recommended: str | None
    rivals: list[str]

    @property
    def beats_floor(self) -> bool:
        return bool(self.contenders)

    @property
    def settled(self) -> bool:
        return self.beats_floor and not self.rivals


def choose(facts: Facts) -> Choice:
    """The cheapest among the winner's equivalents; failing any, the cheapest that cannot be told from the winner."""
    rows, floor = facts.rows, facts.comparison.floor
    winner = next(iter(rows))
    relation = {name: rows[name]["relation_to_best"] for name in rows if name in floor.beaten_by}
    contenders = [name for name, word in relation.items() if word != "worse"]
    equivalents = [name for name, word in relation.items() if word == "equivalent"]
    if not contenders:
        return Choice(winner, equivalents, [], floor.candidate, [])
    alike = [name for name in contenders if name == winner or name in equivalents]
    recommended = cheapest(alike if equivalents else contenders, facts.costs, facts.parameters)
    rivals = [name for name in contenders if name != recommended and _may_overturn(name, recommended, facts)]
    return Choice(winner, equivalents, contenders, recommended, rivals)


def cheapest(names: Sequence[str], costs: Mapping[str, float], parameters: Mapping[str, int]) -> str:
    """The one that costs least; among those that it does not undercut by a quarter, fewest parameters, then name."""
    least = min(costs[name] for name in names)
    close = [name for name in names if costs[name] == least or least > CHEAPER * costs[name]]
    return min(close, key=lambda name: (parameters[name], name))


def _may_overturn(rival: str, recommended: str, facts: Facts) -> bool:
    """Whether the data leave open that the rival is better by more than the margin, or suffices at a lower cost."""
    pair = facts.pairs[rival, recommended]
    if pair["relation"] == "equivalent":
        return False
    return bool(pair["high"] > facts.margin or facts.costs[rival] <= CHEAPER * facts.costs[recommended])
