"""What layers of an own file are called in a network, which has layers of its own around them."""

from __future__ import annotations

from collections.abc import Collection

TAKEN = {  # names of layers that stand before and behind a backbone
    *("image", "blue", "green", "red", "bgr", "centred", "halved", "unit", "standardised"),
    *("pool", "head", "head_dropout", "target_units"),
}


def layer_name(name: str) -> str:
    """What a layer of an own file is called in the network: as in the file, unless the network has such a one."""
    return f"own_{name}" if name in TAKEN else name


def colliding(names: Collection[str]) -> str | None:
    """The first layer whose name in the network is that of another layer of its file."""
    return next((name for name in names if layer_name(name) != name and layer_name(name) in names), None)
