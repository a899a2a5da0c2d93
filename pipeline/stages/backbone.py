"""backbone@{backbone}: which file a backbone of one's own is, so that a change of it runs its candidates and no others.

    python -m pipeline backbone --backbone my_backbone
    dvc repro backbone@my_backbone

dvc.yaml cannot take the name of a file from a row, so this depends on the whole of data/backbones, and `weights` on
what it writes: data/.backbones/<backbone>, the file's name and SHA-256; of a backbone of Keras' own, its constructor.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.ground.files import replacing
from pipeline.ground.fingerprints import hash_path
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.reading import ParamsError

FOLDER = Path("data/backbones")
IDENTITIES = Path("data/.backbones")


def run(backbone: str) -> None:
    """
    Raises:
        ParamsError: its row names a file that is not there.
    """
    row = load_backbone(backbone)
    if not isinstance(row, BackboneFile):
        identity = f"keras.applications.{row.constructor}"
    elif (FOLDER / row.file).is_file():
        identity = f"{row.file} {hash_path(FOLDER / row.file)}"
    else:
        raise ParamsError(
            f"pipeline/models/backbones.yaml: {backbone}.file = {row.file!r}: there is no such file in {FOLDER}; put "
            f"it there, or leave {backbone} out of finetune.backbones"
        )
    with replacing(IDENTITIES / backbone) as temporary:
        temporary.write_text(f"{identity}\n", encoding="utf-8")
