"""Sign a version that was registered without a key, and the log of decisions as it stands.

KIYAS_SIGNING_KEY=champion.key python -m pipeline sign 3
"""

from __future__ import annotations

import os

from pipeline.champions.integrity.keeping import keep_champions, refuse_damage
from pipeline.champions.integrity.signed_log import sign_log
from pipeline.champions.integrity.signing import SIGNATURE, SIGNING_KEY, SignatureError, sign
from pipeline.champions.log import LOCK, LOG
from pipeline.champions.versions import current_champion, folder_of, read_champion
from pipeline.ground.locks import hold_at_once

# What was registered once never changes, and a signature is part of that.
AGAIN = f"to sign it anew, delete its {SIGNATURE} and `dvc add champions` first"


def run(version: int | None = None) -> None:
    """
    Args:
        version: its number; None: the champion's.

    Raises:
        ChampionError: it is not on disk as it was registered.
        SignatureError: no key is named, or it cannot be used.
        LockError: a retraining runs.
        VersioningError: DVC failed.
    """
    if not os.environ.get(SIGNING_KEY):
        raise SignatureError(f"{SIGNING_KEY}: names no key; set it to the file of the private key, in PEM")
    with hold_at_once(LOCK, "sign"):
        champion = current_champion() if version is None else read_champion(version)
        folder = folder_of(champion.version)
        before = (folder / SIGNATURE).is_file()
        refuse_damage(within=str(champion.version))
        if not before:
            sign(folder)
        sign_log(LOG)
        keep_champions()
    print(f"{champion.title}: {f'was signed before; {AGAIN}' if before else 'signed'}\n{LOG}: signed")
