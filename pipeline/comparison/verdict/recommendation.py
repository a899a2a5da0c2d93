"""Which candidate to take: decided from the tables alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.comparison.tables.data_size import Growth, no_growth
from pipeline.comparison.tables.ranking import Comparison
from pipeline.comparison.verdict.overfitting import fit_word
from pipeline.comparison.verdict.wording import ScoreWords, words_for
from pipeline.scores import RMSE, Score, score_of

CHEAPER = 0.75  # "cheaper" is at most this share of the other's cost

Row = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """All that the verdict is made of.

    Attributes:
        comparison: the tables.
        parameters: model parameters of each candidate.
        train_accuracy: mean over seeds, of each candidate (or its RMSE).
        dataset: dataset.json.
        seeds: how many.
        confidence, margin: of params.yaml's `compare`; the margin in the score's own units.
        unit: what the margin and other shares are of: 1, or the RMSE of the floor.
        growth: the data-size study, if there was one.
    """

    comparison: Comparison
    parameters: Mapping[str, int]
    train_accuracy: Mapping[str, float]
    dataset: Mapping[str, Any]
    seeds: int
    confidence: float
    margin: float
    unit: float = 1.0
    growth: Growth = field(default_factory=no_growth)

    @property
    def score(self) -> Score:
        return score_of(self.dataset["task"])

    @property
    def column(self) -> str:
        """Where the tables have the score: test_accuracy or test_rmse."""
        return f"test_{self.score.name}"

    @property
    def kind(self) -> str:
        return str(self.dataset.get("kind", "images"))

    @property
    def words(self) -> ScoreWords:
        return words_for(self.dataset["task"], self.kind)

    @property
    def rows(self) -> dict[str, Row]:
        """The rows of ranking.csv by candidate, in rank order."""
        return {row["candidate"]: row for row in records(self.comparison.ranking)}

    @property
    def costs(self) -> dict[str, float]:
        return {name: row["cost_seconds"] for name, row in self.rows.items()}

    @property
    def examples(self) -> int:
        return int(self.dataset["sizes"]["test"])

    @property
    def floor_name(self) -> str:
        """What the floor does, as a noun."""
        if self.score is RMSE:
            return "repeating the last value" if self.kind == "series" else "always saying the mean"
        return "always guessing the most common class"

    @property
    def majority_class(self) -> str:
        return str(self.dataset["class_names"][self.comparison.floor.label])

    @property
    def fit_words(self) -> dict[str, str]:
        """underfits, sound or overfits, for each candidate."""
        rows, sign = self.rows, self.score.sign
        best = sign * next(iter(rows.values()))[self.column]
        return {
            name: fit_word(sign * self.train_accuracy[name], row["gap_low"], best, self.unit)
            for name, row in rows.items()
        }

    def pair(self, first: str, second: str) -> Row:
        """The row of pairwise.csv about two candidates, with the difference as first minus second."""
        for row in records(self.comparison.pairs):
            if (row["a"], row["b"]) == (first, second):
                return row
            if (row["b"], row["a"]) == (first, second):
                return row | {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
        raise KeyError(f"comparison/pairwise.csv has no row for {first} and {second}")


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
    pair = facts.pair(rival, recommended)
    if pair["relation"] == "equivalent":
        return False
    return bool(pair["high"] > facts.margin or facts.costs[rival] <= CHEAPER * facts.costs[recommended])


def records(table: Any) -> list[Row]:
    """The rows of a data frame as plain dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
