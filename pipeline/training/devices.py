"""Which devices a network is trained on: several graphics cards, each with a part of every batch, or one of whatever
there is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

log = logging.getLogger("kiyas")


def usable_devices(wanted: int) -> int:
    """How many devices a network is trained on: as many as `training.devices` says, or as there are.

    A part of a batch on each gives the same losses as the whole on one, to floating point. So a machine with fewer
    devices takes those that it has, and says so.

    Args:
        wanted: `training.devices`.
    """
    if wanted == 1:
        return 1  # without a look at the machine, which would start TensorFlow
    if note := lack_of_devices(wanted):
        log.warning("%s", note)
    return min(wanted, len(device_names()))


def lack_of_devices(wanted: int) -> str | None:
    """What to tell where a machine has fewer devices than wanted; None where it has as many."""
    if wanted == 1:
        return None
    names = device_names()
    if len(names) >= wanted:
        return None
    cards = sum(name.startswith("GPU") for name in names)
    has = {0: "no graphics card", 1: "one graphics card"}.get(cards, f"{cards} graphics cards")
    on = "these" if cards > 1 else "one device"
    return (
        f"training.devices = {wanted}: this machine has {has}, so networks are trained on {on} here, with equal losses"
    )


def device_names() -> list[str]:
    """Of the graphics cards that TensorFlow sees, such as "GPU:0"; where there are none, of its processors."""
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [":".join(device.name.split(":")[-2:]) for device in devices]


@contextmanager
def building_for(devices: int) -> Iterator[None]:
    """A network that is built inside, and made ready to be trained there, is trained on so many devices at once.

    Args:
        devices: as `usable_devices` counts them.
    """
    if devices == 1:
        yield
        return
    with _strategy_of(devices).scope():
        yield


@cache
def _strategy_of(devices: int) -> Any:
    """One for all networks of a process: TensorFlow takes the sums of a second one for those of the first."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(device_names()[:devices])


def are_several() -> bool:
    """Whether what is built now is for several devices."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return bool(tf.distribute.get_strategy().num_replicas_in_sync > 1)
