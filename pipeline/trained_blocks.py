"""Which of a network's blocks a phase trains, by its word in params.yaml; no network is needed to say so."""

from __future__ import annotations


def trained_blocks(train: str, blocks: int) -> list[int]:
    """The numbers (from 0, at the input) of a network's blocks that a phase trains beside the head.

    Args:
        train: "head", "top n" (the n uppermost blocks), "block n" (the n-th from the input alone), or "all".
        blocks: how many the network has.
    """
    if train == "head":
        return []
    if train == "all":
        return list(range(blocks))
    kind, number = train.split()
    return list(range(blocks - int(number), blocks)) if kind == "top" else [int(number) - 1]


def prefix_length(train: str, blocks: int) -> int:
    """How many of a network's blocks lie below the lowest one that a phase trains; all where it trains the head alone.

    Args:
        train: as in `trained_blocks`.
        blocks: how many the network has.
    """
    return min(trained_blocks(train, blocks), default=blocks)
