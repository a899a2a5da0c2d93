"""weights@{backbone}: a backbone's pretrained weights as a file of this project: cached, shared, checked by hash.

    python -m pipeline weights --backbone resnet50
    dvc repro weights@resnet50

Reads the backbone's row in pipeline/models/backbones.yaml, and of a row with a `file` that file in data/backbones,
whose layers come along. Writes data/weights/<backbone>.weights.h5; and data/backbones.sha256.yaml, where weights
without a hash in their row came from Keras' own host for the first time.
KIYAS_OFFLINE=1 leaves Keras' own host alone and goes straight to the row's package.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.ground.paths import WEIGHTS
from pipeline.models.backbone_files.reading import read_backbone_file
from pipeline.models.backbone_files.stored import write_stored
from pipeline.models.recorded_hashes import RECORD, record_hash, recorded_hash
from pipeline.models.weights import hash_weights, imagenet_model, save_weights
from pipeline.params.schema.backbones import Backbone, BackboneFile, load_backbone

log = logging.getLogger("kiyas")


def run(backbone: str) -> None:
    row, path = load_backbone(backbone), WEIGHTS / f"{backbone}.weights.h5"
    if isinstance(row, BackboneFile):
        _from_own_file(backbone, row, path)
    else:
        _from_imagenet(backbone, row, path)


def _from_own_file(backbone: str, row: BackboneFile, path: Path) -> None:
    read, weights = read_backbone_file(backbone, row)
    write_stored(path, read, weights)
    count = sum(array.size for arrays in weights.values() for array in arrays)
    log.info("%s: %d parameters up to %s → %s", row.file, count, row.blocks[-1], path)


def _from_imagenet(backbone: str, row: Backbone, path: Path) -> None:
    """A row that states no hash is held to the one that its first download had."""
    expected = row.weights.sha256 or recorded_hash(backbone)
    model = imagenet_model(row, expected)
    save_weights(model, path)
    if expected is None:
        expected = hash_weights(model.get_weights())
        record_hash(backbone, expected)
        log.info("%s: SHA-256 %s recorded in %s, which git keeps: commit it", row.constructor, expected, RECORD)
    log.info("%s: %d parameters, SHA-256 as expected → %s", row.constructor, row.weights.parameters, path)
