"""What the first download of weights turned out to be, for rows that state no hash: every later one has to be the same.

The file is versioned by git, so that a team and its machines hold each other to the same numbers. It is no dep of a
stage: what it says is checked, and changes no result.
"""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

from pipeline.ground.files import replacing
from pipeline.params.schema.reading import ParamsError, read_yaml

RECORD = Path("data/backbones.sha256.yaml")
HEAD = """\
# SHA-256 of the weights of rows of pipeline/models/backbones.yaml that state none, as they first came from Keras' own
# host: over the little-endian float32 bytes of model.weights, in order. Later downloads have to be the same. Commit it.
"""


def recorded_hash(backbone: str) -> str | None:
    """None where nobody has downloaded these weights in this checkout, or in one that it was cloned from.

    Raises:
        ParamsError: the file has something else in its place.
    """
    recorded = read_yaml(RECORD).get(backbone) if RECORD.is_file() else None
    if recorded is not None and not re.fullmatch(r"[0-9a-f]{64}", str(recorded)):
        raise ParamsError(
            f"{RECORD}: {backbone} = {recorded!r}: is no SHA-256; `git checkout {RECORD}` brings back what was recorded"
        )
    return recorded


def record_hash(backbone: str, sha256: str) -> None:
    recorded = read_yaml(RECORD) if RECORD.is_file() else {}
    content = dict(sorted({**recorded, backbone: sha256}.items()))
    with replacing(RECORD) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(HEAD)
        YAML(typ="safe", pure=True).dump(content, stream)
