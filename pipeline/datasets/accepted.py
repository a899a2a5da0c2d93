"""data/accepted/: batches of examples, of whatever kind, that were taken in after the first preparation."""

from __future__ import annotations

from pathlib import Path

ACCEPTED = Path("data/accepted")
# What `label-next` proposed is known by this: photos by the sub-folder of their class, rows by how their file's name
# begins. It is never sealed as test, since models chose it for being unsure of it.
CHOSEN = "label-next"


def absent_batch(accepted: Path = ACCEPTED) -> str | None:
    """A sentence about the first batch that only its .dvc file is here of; None where all are here."""
    absent = [pointer for pointer in sorted(accepted.glob("*.dvc")) if not pointer.with_suffix("").is_dir()]
    if not absent:
        return None
    return (
        f"{absent[0]}: the batch that it names is not here; `dvc checkout {absent[0]}` brings it from this "
        f"machine's cache, `dvc pull {absent[0]}` from the DVC remote (`dvc remote add --default NAME URL`)"
    )
