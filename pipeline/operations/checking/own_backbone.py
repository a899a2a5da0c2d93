"""What the file of an own backbone turns out to be: built at the photos' size, and asked about noise once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np

from pipeline.models.backbone_files.stored import with_architecture
from pipeline.models.networks.backbones import build_pooled, load_pretrained_weights
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.reading import ParamsError

PHOTOS, SEED = 2, 0


def described_file(name: str, weights: Path, image_size: int) -> Iterator[str]:
    """Lines about the file, what it gives and each block; none for a backbone of Keras' own.

    Args:
        name: of the row.
        weights: what the weights stage makes of the file.

    Raises:
        ParamsError: it cannot be built at this size, or answers noise with what is no number.
    """
    stated = load_backbone(name)
    if not isinstance(stated, BackboneFile):
        return
    row = with_architecture(stated, weights)
    body, blocks = build_pooled(row, image_size)
    load_pretrained_weights(row, body, weights)
    noise = np.random.default_rng(SEED).uniform(0, 255, (PHOTOS, image_size, image_size, 3)).astype(np.float32)
    started = perf_counter()
    try:
        features = np.asarray(body(noise, training=False))
    except Exception as error:  # what a layer says of photos that it was not made for
        raise ParamsError(
            f"pipeline/models/backbones.yaml: {name}.file = {stated.file!r}: does not answer photos of {image_size} "
            f"pixels ({type(error).__name__}); set data.image_size to what it was made for"
        ) from error
    seconds = perf_counter() - started
    if not np.isfinite(features).all():
        raise ParamsError(
            f"pipeline/models/backbones.yaml: {name}.file = {stated.file!r}: answers noise with numbers that are not "
            "finite; see that `preprocessing` is what it was trained with, and that its weights are whole"
        )
    yield f"{stated.file}: loads in safe mode, {body.count_params():,} parameters in {len(body.layers)} layers"
    for number, block in enumerate(blocks, start=1):
        end = block[-2] if number == len(blocks) else block[-1]  # above the last block stands the pooling
        counted = sum(layer.count_params() for layer in block)
        yield f"  block {number}: ends with {end.name}, {_shape(end.output.shape)}, {counted:,} parameters"
    yield (
        f"  photos of {image_size}×{image_size} pixels become {features.shape[1]} features; {PHOTOS} of noise took "
        f"{seconds:.1f} s, and gave {features.min():.3g} to {features.max():.3g}"
    )


def _shape(shape: tuple[int | None, ...]) -> str:
    """Without the batch."""
    return "×".join(map(str, shape[1:]))
