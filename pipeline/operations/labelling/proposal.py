"""What a person gets: a table in the order in which to label, with a reason for each example in words.

label-next.csv         of photos: file, label (to be filled in), rank, predicted, probability, disagreement, reason
label-next-rows.csv    of a table: the chosen rows with their columns, of which the target is to be filled in; its
                       label-next.csv has row in place of file, and no label

What is to be filled in is what `python -m pipeline retrain --from` takes afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.accepted import CHOSEN
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells
from pipeline.formats import chance, count_of, listed, number
from pipeline.ground.files import write_csv
from pipeline.operations.labelling.choice import Choice, Floats, consensus, disagreement
from pipeline.operations.labelling.pool import LabelNextError, Pool
from pipeline.operations.retraining.intake.labelled_photos import FILE, LABEL

TABLE, ROWS = f"{CHOSEN}.csv", f"{CHOSEN}-rows.csv"
SURE = 0.5  # a margin above which the contenders together are called sure


@dataclass(frozen=True)
class Proposal:
    """The chosen examples, in the order of their rank.

    Attributes:
        pool: where they come from.
        choice: which they are.
        answers: (M, n, K) what the contenders say of the chosen ones.
        class_names: empty where a number is predicted.
    """

    pool: Pool
    choice: Choice
    answers: Floats
    class_names: Sequence[str]

    @property
    def names(self) -> list[str]:
        return [self.pool.names[row] for row in self.choice.rows]

    def table(self) -> pd.DataFrame:
        """One row an example. `disagreement` is as choice.py has it, `predicted` what the contenders say together."""
        together = consensus(self.answers)
        said: dict[str, object] = {"predicted": together[:, 0]}
        if self.class_names:
            predicted = [self.class_names[place] for place in together.argmax(axis=1)]
            said = {"predicted": predicted, "probability": together.max(axis=1).round(4)}
        first = {FILE: self.names, LABEL: ""} if self.pool.cells is None else {"row": self.names}
        ranks = {"rank": range(1, len(self.names) + 1)}
        of_contenders = {"disagreement": disagreement(self.answers).round(4), "reason": self.reasons()}
        return pd.DataFrame({**first, **ranks, **said, **of_contenders})

    def reasons(self) -> list[str]:
        """Why each was chosen, as half a sentence."""
        why = _of_classes(self.answers, self.class_names) if self.class_names else _of_numbers(self.answers)
        return [f"{one}{_stands_for(size)}" for one, size in zip(why, self.choice.stands_for.tolist(), strict=True)]


def write_proposal(folder: Path, proposal: Proposal, target: str) -> Path:
    """Write the tables; returns the one that is to be filled in.

    Args:
        target: the column to fill in, of rows.
    """
    write_csv(folder / TABLE, proposal.table())
    if proposal.pool.cells is None:
        return folder / TABLE
    rows = proposal.pool.cells.iloc[proposal.choice.rows].assign(**{target: ""})
    write_csv(folder / ROWS, rows, read_back=True)
    return folder / ROWS


def refuse_filled_in(folder: Path, target: str) -> None:
    """Labels that somebody has filled in are work, and are not written over.

    Raises:
        LabelNextError: naming the table that holds some.
    """
    for name, column in ((TABLE, LABEL), (ROWS, target)):
        if not (folder / name).is_file():
            continue
        try:
            cells = read_cells(folder / name, rows_needed=False)
        except TableError as error:
            raise LabelNextError(f"{error}; move it, or name another folder (--output)") from None
        if column in cells and (filled := int(cells[column].notna().sum())):
            raise LabelNextError(
                f"{folder / name}: has {count_of(filled, 'label')} that somebody filled in: pass it to `python -m "
                "pipeline retrain --from` first, move it, or name another folder (--output)"
            )


def _of_classes(answers: Floats, class_names: Sequence[str]) -> list[str]:
    together, votes = consensus(answers), answers.argmax(axis=2).T
    return [_of_vote(together[row], votes[row].tolist(), class_names) for row in range(len(together))]


def _of_vote(probabilities: Floats, votes: list[int], class_names: Sequence[str]) -> str:
    second, first = np.argsort(probabilities, kind="stable")[-2:].tolist()
    counted = Counter(votes).most_common()
    if len(counted) > 1:
        return "contenders disagree: " + listed([f"{count} say {class_names[place]}" for place, count in counted])
    if probabilities[first] - probabilities[second] < SURE:
        shares = [f"{class_names[place]} {chance(float(probabilities[place]))}" for place in (first, second)]
        return "unsure: " + listed(shares, "or")
    return f"sure of {class_names[first]}, and unlike the others"


def _of_numbers(answers: Floats) -> list[str]:
    if len(answers) == 1:
        return ["unlike the others"] * answers.shape[1]
    return [f"contenders say {number(low)} to {number(high)}" for low, high in zip(*_ends(answers), strict=True)]


def _ends(answers: Floats) -> tuple[Floats, Floats]:
    return answers[:, :, 0].min(axis=0), answers[:, :, 0].max(axis=0)


def _stands_for(size: int) -> str:
    return "" if size == 1 else f"; {count_of(size - 1, 'other')} like it"
