"""Whether a registered version is as it was registered: by DVC's digests, and by its signature where one is demanded.

    python -m pipeline verify                                      # the champion
    KIYAS_VERIFYING_KEY=champion.pub python -m pipeline verify 3 && mlflow models serve -m champions/3/model …

`predict` and `retrain` do this by themselves. A server runs the code that lies in the version: ask before it starts.
"""

from __future__ import annotations

import os

from pipeline.champions.current import refuse_changed
from pipeline.champions.integrity.keeping import is_known
from pipeline.champions.integrity.signing import VERIFYING_KEY
from pipeline.champions.log import ChampionError
from pipeline.champions.versions import current_champion, folder_of, read_champion


def run(version: int | None = None) -> None:
    """
    Args:
        version: its number; None: the champion's.

    Raises:
        ChampionError: it is not on disk as it was registered, or there is nothing to compare it with.
        SignatureError: signatures are demanded, and its own does not hold.
    """
    champion = current_champion() if version is None else read_champion(version)
    refuse_changed(champion.version)
    compared = ["as it was registered"] if is_known(champion.version) else []
    compared += [f"signed with the key of {VERIFYING_KEY}"] if os.environ.get(VERIFYING_KEY) else []
    if not compared:
        raise ChampionError(
            f"{folder_of(champion.version)}: there is nothing to compare it with: DVC has no digests of it here, and "
            f"{VERIFYING_KEY} names no key; `dvc fetch champions` brings them from the DVC remote, and `python -m "
            "pipeline track` adds what was never added"
        )
    print(f"{champion.title}: {', and '.join(compared)}")
