"""Say which unlabelled photos, or rows of a table, are worth a person's time first.

    python -m pipeline label-next shelf/ --number 50
    python -m pipeline label-next unlabelled.csv --number 50      # where the champion learned from a table

The champion and the other contenders that are on disk are asked about all of them. Those that they are least sure of
are proposed, spread out so that fifty photos of one thing are not. label-next/label-next.csv has a column to fill in;
`python -m pipeline retrain --from label-next/label-next.csv` takes the labels in. Nothing is trained here, and nothing
but these files is written.
"""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from pipeline.champions.integrity.signing import VERIFYING_KEY
from pipeline.champions.versions import current_champion
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.datasets.photos.decoding import WHITE
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, Prepared, load_prepared
from pipeline.formats import count_of
from pipeline.ground.files import read_json
from pipeline.ground.locks import hold_at_once
from pipeline.ground.paths import DATASET, PREPARED
from pipeline.operations.labelling.choice import choose, weigh
from pipeline.operations.labelling.committee import ask_all, gather_contenders
from pipeline.operations.labelling.contact_sheet import write_sheet
from pipeline.operations.labelling.photo_pool import KEEP, look_at_photos
from pipeline.operations.labelling.pool import LabelNextError, Pool
from pipeline.operations.labelling.proposal import Proposal, refuse_filled_in, write_proposal
from pipeline.operations.labelling.row_pool import look_at_rows
from pipeline.operations.labelling.seen_features import features_of
from pipeline.operations.predicting.files import list_files, photos_among
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.labelled_photos import LABEL

LOCK = Path(".kiyas/label-next.lock")


def run(files: list[str], number: int, output: str) -> int:
    """Write the proposal and say where it is.

    Raises:
        ChampionError: there is no champion, or it is not on disk as it was registered.
        PredictError: a file or folder that is not there, or a folder without files.
        LabelNextError: nothing can be proposed, or labels that somebody filled in would be written over.
        TableError: a table that lacks what the champion learned from.
    """
    params, named, folder = load_params(), [Path(file).expanduser() for file in files], Path(output)
    list_files(named)
    champion, column = ReigningChampion(current_champion()), params.data.target or LABEL
    refuse_filled_in(folder, column)
    known = [load_prepared(DEVELOPMENT), load_prepared(TEST)]
    _refuse_unfit(champion, known[0])
    with hold_at_once(LOCK, "label-next"):
        pool = _pool(named, known, params, champion)
        proposal = _propose(pool, champion, known[0], number)
        refuse_filled_in(folder, column)  # reading takes its time, and somebody may have typed meanwhile
        _write(proposal, folder, column, champion)
        shutil.rmtree(KEEP, ignore_errors=True)  # what ends before goes on from what is read
    return 0


def _refuse_unfit(champion: ReigningChampion, today: Prepared) -> None:
    version = f"version {champion.champion.version}"
    if champion.champion.series is not None:
        raise LabelNextError(
            f"{version} predicts a series, whose next values come by themselves, so there is nothing to label: put new "
            "steps into data/incoming and run `python -m pipeline retrain`"
        )
    same_kind = (champion.champion.columns is None) == (today.columns is None)
    if not same_kind or bool(champion.champion.class_names) != bool(today.class_names):
        raise LabelNextError(
            f"{version} learned from other data than those in {PREPARED}: bring back what it learned from, or promote "
            "another version"
        )


def _pool(named: list[Path], known: list[Prepared], params: Params, champion: ReigningChampion) -> Pool:
    paths = list_files(named)
    if champion.champion.columns is not None:
        pool = look_at_rows(paths, known, params.data)
    else:
        white = read_json(DATASET).get("white", WHITE)
        pool = look_at_photos(photos_among(paths, named), known, params.data.near_duplicates != "keep", white)
    print(pool.described())
    if not pool.names:
        raise LabelNextError(f"{paths[0] if len(paths) == 1 else paths[0].parent}: holds nothing that needs a label")
    return pool


def _propose(pool: Pool, champion: ReigningChampion, today: Prepared, number: int) -> Proposal:
    contenders = gather_contenders(champion, today)
    print(f"asked: {'; '.join(contender.name for contender in contenders)}")
    if demanded := os.environ.get(VERIFYING_KEY):
        print(f"{VERIFYING_KEY} = {demanded} demands signatures, which registered versions alone have")
    elif len(contenders) == 1:
        print("no other trained model is here, so nothing is known of disagreement; `dvc pull` brings what there is")
    if len(pool.names) < number:
        print(f"--number {number}: there are no more than {len(pool.names)}, so all of them are proposed")
    answers = ask_all(contenders, pool)
    choice = choose(partial(features_of, champion, pool, today), weigh(answers), number)
    return Proposal(pool, choice, answers[:, choice.rows], today.class_names)


def _write(proposal: Proposal, folder: Path, column: str, champion: ReigningChampion) -> None:
    table = write_proposal(folder, proposal, column)
    if proposal.pool.cells is None:
        print(f"{write_sheet(folder, proposal, champion.served.white)}: the photos, to look at")
    afterwards = f"then: python -m pipeline retrain --from {table}"
    if proposal.pool.cells is None and not proposal.class_names:
        afterwards = "then put the photos and a table of their numbers into one folder for `retrain --from`"
    count = count_of(len(proposal.names), proposal.pool.noun)
    print(f"{table}: {count}, the most informative first; fill in its column {column}, {afterwards}")
