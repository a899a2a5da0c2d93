"""The champion in one's own code: `load_champion().predict([Path("apple.jpg")])`."""

from __future__ import annotations

import os

from pipeline.champions.answering import Served, load
from pipeline.champions.integrity.keeping import refuse_damage
from pipeline.champions.integrity.signed_log import refuse_changed_log
from pipeline.champions.integrity.signing import VERIFYING_KEY, refuse_unsigned
from pipeline.champions.log import LOG
from pipeline.champions.versions import answering_folder, current_champion, folder_of


def load_champion() -> Served:
    """The model that is champion now, ready to answer; called in the checkout that has champions/.

    Raises:
        ChampionError: there is no champion, or it is not on disk as it was registered.
        SignatureError: signatures are demanded, and its own does not hold.
    """
    return load_version(current_champion().version)


def load_version(version: int) -> Served:
    """A registered model, ready to answer.

    Raises:
        ChampionError: it is not on disk as it was registered.
        SignatureError: signatures are demanded, and its own does not hold.
    """
    refuse_changed(version)
    return load(answering_folder(version))


def refuse_changed(version: int) -> None:
    """
    Raises:
        ChampionError: a file of the version is not as DVC keeps it.
        SignatureError: signatures are demanded, and its own does not hold, or that of the log, which says who is
            champion.
    """
    refuse_damage(within=str(version))
    refuse_unsigned(folder_of(version))
    if os.environ.get(VERIFYING_KEY):
        refuse_changed_log(LOG)
