"""What the page is made of: the numbers, the verdict on them, and everything read about the candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.studies.claims import Claim
from pipeline.comparison.tables.studies.label_suspects import Suspects
from pipeline.comparison.tables.studies.properties import Property
from pipeline.comparison.verdict.facts import Facts
from pipeline.params.compare import Compare
from pipeline.params.study import Tuning


@dataclass(frozen=True)
class Material:
    """Everything that a section may show.

    Attributes:
        measured: the trained candidates, in the order of params.yaml.
        ensembles: those made of them.
        verdict: as verdict.json has it.
        settings: `compare` of params.yaml.
        tuning: how settings were found, by family or strategy.
    """

    measured: Sequence[Measured]
    facts: Facts
    verdict: Mapping[str, Any]
    settings: Compare
    tuning: Mapping[Any, Tuning]
    properties: Sequence[Property] = ()
    claims: Sequence[Claim] = ()
    suspects: Suspects = field(default_factory=Suspects)
    ensembles: Sequence[Ensemble] = ()

    @property
    def competing(self) -> list[Measured]:
        """The trained candidates, then the ensembles."""
        return [*self.measured, *self.ensembles]

    def of(self, candidate: str) -> Measured:
        """Everything measured of the candidate of this name."""
        return next(one for one in self.competing if one.name == candidate)

    def trained(self, candidate: str) -> Measured:
        """The candidate of this name; of an ensemble the member with the largest share."""
        one = self.of(candidate)
        return self.of(one.leading) if isinstance(one, Ensemble) else one

    @property
    def advised(self) -> str:
        """The candidate that the page shows closely: the one that is advised; the winner where that is the floor."""
        name = self.verdict["recommended"]
        return str(self.verdict["winner"] if name in (None, self.facts.comparison.floor.candidate) else name)

    @property
    def ranking(self) -> list[Row]:
        """The rows of ranking.csv, best first."""
        return list(self.facts.rows.values())

    @property
    def attempts(self) -> list[Row]:
        """The ranking without floors; with them where nothing else competes."""
        no_attempts = self.facts.comparison.floor.no_attempts
        return [row for row in self.ranking if row["candidate"] not in no_attempts] or self.ranking

    @property
    def shown_of_families(self) -> list[str]:
        """The advised candidate, then the best attempt of each other family, best first."""
        shown = {self.facts.rows[self.advised]["family"]: self.advised}
        for row in self.attempts:
            shown.setdefault(row["family"], row["candidate"])
        return list(shown.values())
