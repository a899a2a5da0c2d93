"""`check` says where a machine has fewer graphics cards than a training is to share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.configuration.loading import load_params
from pipeline.operations.checking.surroundings import notes
from pipeline.training import devices


@pytest.mark.parametrize(
    ("cards", "note"),
    [
        (["CPU:0"], "this machine has no graphics card, so networks are trained on one device here"),
        (["GPU:0", "GPU:1"], "this machine has 2 graphics cards, so networks are trained on these here"),
        (["GPU:0", "GPU:1", "GPU:2"], None),
    ],
)
def test_fewer_cards_than_wanted_are_a_note(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, cards: list[str], note: str | None
) -> None:
    monkeypatch.setattr(devices, "device_names", lambda: cards)
    params = load_params()
    told = [one for one in notes(params, None) if one.startswith("training.devices")]
    assert not told, "one device is always there"
    wanted = params.model_copy(update={"training": params.training.model_copy(update={"devices": 3})})
    told = [one for one in notes(wanted, None) if one.startswith("training.devices")]
    assert told == ([f"training.devices = 3: {note}, with equal losses"] if note else [])
