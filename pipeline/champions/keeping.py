"""champions/ in DVC: the models and the log go to its cache, and champions.dvc, which git keeps, names them."""

from __future__ import annotations

from pipeline.champions.log import CHAMPIONS
from pipeline.dvc_command import keep


def keep_champions() -> None:
    """Keep champions/ as it is now; nothing where there is none yet.

    Raises:
        VersioningError: DVC failed.
    """
    if CHAMPIONS.is_dir():
        keep(CHAMPIONS)
