"""One trial on several devices gives the losses and weights of one device, to floating point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.ground.processor import KERNELS

ROOT = Path(__file__).resolve().parents[2]
MEASURED = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("devices") / "result.json"
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.training.two_devices", str(file)]
    kernels = os.environ | {KERNELS: "1"}  # as stages have them; with them an empty batch ends a process
    done = subprocess.run(command, cwd=ROOT, env=kernels, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-4000:]}"
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def curves(history: list[dict[str, Any]]) -> np.ndarray:
    """(epochs, measured)."""
    return np.array([[row[name] for name in MEASURED] for row in history])


@pytest.mark.parametrize("network", ["cnn", "gradual"])
def test_two_devices_give_the_losses_and_weights_of_one(network: str, result: dict[str, Any]) -> None:
    """Of a CNN; and of a backbone by kept activations, then with its uppermost block: with dropout, trained BatchNorm,
    weights of examples, and a last batch of one, of which the second device has none."""
    one, two = result[f"{network} 1"], result[f"{network} 2"]
    assert one["history"][0]["train_loss"] > 1.05 * one["history"][-1]["train_loss"], "it learns"
    np.testing.assert_allclose(curves(two["history"]), curves(one["history"]), rtol=1e-4)
    for weight, of_two in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(np.array(of_two), np.array(weight), rtol=1e-3, atol=5e-4)


def test_a_trial_that_was_stopped_goes_on_to_the_same_bits(result: dict[str, Any]) -> None:
    assert result["resumed"] == result["gradual 2"]["history"]


def test_a_network_from_two_devices_is_saved_as_any_other(result: dict[str, Any]) -> None:
    assert result["saved"]


def test_a_machine_with_fewer_devices_takes_those_that_it_has_and_says_so(result: dict[str, Any]) -> None:
    assert result["usable"] == [1, 2, 2]
    assert result["note"].startswith("training.devices = 3: this machine has no graphics card, so networks are trained")
