"""Views are altered images, the same every time, and training takes them in turn without validating on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.params.training.settings import Augmentation
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.batches import Examples, batches_of_epochs
from pipeline.training.kept import augmentation
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.kept.augmentation import make_view
from pipeline.training.trainer import Trainer

TRAIN, VAL = np.arange(48), np.arange(48, 70)
KINDS: list[dict[str, Any]] = [
    {"flip": "horizontal"},
    {"flip": "vertical"},
    {"shift": 0.2},
    {"rotate": 15.0},
    {"zoom": 0.2},
    {"colour": 0.3},
    {"randaugment": 0.5},
]


def view_of(images: np.ndarray, view: int = 1, **alterations: Any) -> np.ndarray:
    out = np.zeros_like(images)
    make_view(images, Augmentation(views=2, **alterations), view, out)
    return out


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: next(iter(kind)))
def test_each_kind_alters_and_repeats_and_differs_between_views(kind: dict[str, Any], examples: Examples) -> None:
    first = view_of(examples.images, **kind)
    assert (first != examples.images).any(axis=(1, 2, 3)).mean() > 0.3
    assert np.array_equal(first, view_of(examples.images, **kind))
    assert not np.array_equal(first, view_of(examples.images, view=2, **kind))


def test_a_kept_view_is_not_found_again_once_its_layers_are_told_something_else(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store() -> ActivationStore:
        settings = Augmentation(views=1, colour=0.3)
        return ActivationStore(examples.images, "data", 1.0, tmp_path, augmentation=settings)

    first = np.array(store().view(1).values)
    again = store()
    assert np.array_equal(again.view(1).values, first) and again.seconds_spent == 0
    jitter = augmentation._jitter
    monkeypatch.setattr(augmentation, "_jitter", lambda share, seed: jitter(share / 2, seed))
    assert not np.array_equal(store().view(1).values, first)


def test_a_horizontal_flip_is_one(examples: Examples) -> None:
    flipped = view_of(examples.images, flip="horizontal")
    mirrored = (flipped == examples.images[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (flipped == examples.images).all(axis=(1, 2, 3))
    assert (mirrored | same).all()
    assert 0.2 < mirrored.mean() < 0.8


def test_colours_change_both_ways_by_the_share_and_no_further() -> None:
    rng = np.random.default_rng(0)
    images = np.repeat(rng.integers(90, 160, (1, 16, 16, 3), np.uint8), 300, axis=0)  # nothing reaches 0 or 255
    altered = view_of(images, colour=0.2).astype(float)
    brightness = altered.mean(axis=(1, 2, 3)) - images.mean()
    assert -60 < brightness.min() < -30 and 30 < brightness.max() < 60
    contrast, saturation = spread_between(altered) / spread_between(images), chroma(altered) / chroma(images)
    for ratio in (contrast, saturation):
        assert 0.6 < ratio.min() < 0.9 and 1.1 < ratio.max() < 1.5


def spread_between(images: np.ndarray) -> np.ndarray:
    """Standard deviation of the brightest channel over each picture; saturation leaves that channel alone."""
    return images.max(axis=-1).std(axis=(1, 2))


def chroma(images: np.ndarray) -> np.ndarray:
    """How far the channels lie apart; a grey picture has 0."""
    return (images.max(axis=-1) - images.min(axis=-1).astype(float)).mean(axis=(1, 2))


def test_views_that_alter_nothing_are_refused() -> None:
    with pytest.raises(ValidationError, match="switch something on"):
        Augmentation(views=4)


def test_kept_activations_of_views_give_the_losses_of_training_on_the_views(trainer_of: Callable[..., Trainer]) -> None:
    strategy = Strategy(phases=[Phase(train=train, epochs=3, learning_rate=1e-2) for train in ("head", "top 1", "all")])
    augmentation = {"views": 2, "flip": "horizontal", "colour": 0.3}
    kept = trainer_of(strategy, augmentation=augmentation).run(0, TRAIN, VAL).history
    plain = trainer_of(strategy, limit_gb=0, augmentation=augmentation).run(0, TRAIN, VAL).history
    assert len(kept) == 9
    for key in ("train_loss", "val_loss"):
        np.testing.assert_allclose([row[key] for row in kept], [row[key] for row in plain], rtol=1e-3)
    first = Strategy(phases=[Phase(train="head", epochs=1, learning_rate=1e-2)])
    unaltered = trainer_of(first).run(0, TRAIN, VAL).history
    assert kept[0]["train_loss"] != unaltered[0]["train_loss"]


def test_epochs_take_the_views_in_turn_and_validation_takes_the_images(
    trainer_of: Callable[..., Trainer], examples: Examples
) -> None:
    strategy = Strategy(phases=[Phase(train="all", epochs=1, learning_rate=1e-2)])
    trainer = trainer_of(strategy, augmentation={"views": 2, "flip": "horizontal"})
    views = [view.values for view in trainer._views(trainer.phases[0].prefix_length)]
    training, validation = batches_of_epochs(examples, trainer.settings, views, (TRAIN, VAL), seed=0, epoch=0)
    for epoch, view in ((1, 1), (2, 2), (3, 1)):
        training.on_epoch_end()
        expected = view_of(examples.images, view, flip="horizontal")[training.order[:16]]
        assert np.array_equal(training[0][0], expected), epoch
    assert np.array_equal(validation[0][0], examples.images[VAL[:16]])
