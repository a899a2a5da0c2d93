"""Sign a registered version that was registered without a key, or with another one.

KIYAS_SIGNING_KEY=champion.key python -m pipeline sign 3
"""

from __future__ import annotations

import os

from pipeline.champions.integrity.keeping import keep_champions, refuse_damage
from pipeline.champions.integrity.signing import SIGNATURE, SIGNING_KEY, SignatureError, sign
from pipeline.champions.log import LOCK
from pipeline.champions.versions import current_champion, folder_of, read_champion
from pipeline.ground.locks import hold_at_once


def run(version: int | None = None) -> None:
    """
    Args:
        version: its number; None: the champion's.

    Raises:
        ChampionError: it is not on disk as it was registered.
        SignatureError: no key is named, it cannot be used, or the version is signed already.
        LockError: a retraining runs.
        VersioningError: DVC failed.
    """
    if not os.environ.get(SIGNING_KEY):
        raise SignatureError(f"{SIGNING_KEY}: names no key; set it to the file of the private key, in PEM")
    with hold_at_once(LOCK, "sign"):
        champion = current_champion() if version is None else read_champion(version)
        folder = folder_of(champion.version)
        if (folder / SIGNATURE).is_file():
            raise SignatureError(
                f"{folder / SIGNATURE}: is there already; what was registered once never changes, so delete it, "
                "`dvc add champions`, and sign it anew"
            )
        refuse_damage(within=str(champion.version))
        sign(folder)
        keep_champions()
    print(f"{champion.title}: signed")
