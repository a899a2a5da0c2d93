"""How large a saved model is."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile


def weights_bytes(path: Path) -> int:
    """Bytes of the weights in a `.keras` or `.skops` archive, uncompressed, without its descriptions in JSON.

    The size of the archive itself would differ from run to run: it holds dates and memory addresses.
    """
    with ZipFile(path) as archive:
        return sum(member.file_size for member in archive.infolist() if not member.filename.endswith(".json"))
