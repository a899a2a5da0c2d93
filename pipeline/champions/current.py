"""The champion in one's own code: `load_champion().predict([Path("apple.jpg")])`."""

from __future__ import annotations

from pipeline.champions.answering import Served, load
from pipeline.champions.versions import answering_folder, current_champion


def load_champion() -> Served:
    """The model that is champion now, ready to answer; called in the checkout that has champions/.

    Raises:
        ChampionError: there is no champion, or it is not on disk.
    """
    return load(answering_folder(current_champion().version))
