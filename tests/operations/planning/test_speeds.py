"""What is known of this machine's speed holds for one precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.ground.processor import AMX, AVX512, KERNELS
from pipeline.operations.planning import speeds
from pipeline.operations.planning.speeds import NetworkSpeed, Speeds, keep_speeds, known_speeds, made_of


@pytest.mark.parametrize(
    ("precision", "instructions", "faster"),
    [
        ("float32", AMX, False),
        ("auto", None, False),
        ("auto", AMX, True),
        ("auto", AVX512, True),
        ("mixed_bfloat16", AMX, True),
    ],
)
def test_bfloat16_counts_as_faster_where_the_processor_is_made_for_it(
    monkeypatch: pytest.MonkeyPatch, precision: str, instructions: str | None, faster: bool
) -> None:
    monkeypatch.setattr(speeds, "bfloat16_instructions", lambda: instructions)
    plain, asked = Speeds(), Speeds(precision=precision)
    for network in ("vgg16", "resnet50", "mobilenetv2", "cnn-lecture"):
        assert (asked.of(network, 96).train < 0.8 * plain.of(network, 96).train) is faster
        assert asked.of(network, 96).start == plain.of(network, 96).start
    assert asked.of("mlp-lecture", None) == plain.of("mlp-lecture", None)


def test_a_network_that_was_measured_is_as_fast_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "bfloat16_instructions", lambda: AMX)
    measured = NetworkSpeed(96, forward=0.002, train=0.016, top=0.005, start=1.0, measured=True)
    assert Speeds(networks={"vgg16@96": measured}, measured=True, precision="auto").of("vgg16", 96) == measured


@pytest.fixture
def params(checkout: Path) -> Params:
    """Of the checkout, with `training.precision: auto`."""
    return load_params()


def with_training(params: Params, **keys: Any) -> Params:
    return params.model_copy(update={"training": params.training.model_copy(update=keys)})


def test_speeds_of_one_precision_are_not_taken_for_those_of_another(tmp_path: Path, params: Params) -> None:
    measured = NetworkSpeed(96, forward=0.002, train=0.016, top=0.005, start=1.0, measured=True)
    kept = Speeds(1.5, {"vgg16@96": measured}, measured=True, precision="auto")
    keep_speeds(kept, tmp_path)
    assert known_speeds(params, tmp_path) == kept
    assert known_speeds(with_training(params, precision="float32"), tmp_path) == Speeds(precision="float32")


def test_speeds_of_some_kernels_are_not_taken_for_those_of_others(
    tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KERNELS, "0")
    keep_speeds(Speeds(1.5, measured=True, precision="auto"), tmp_path)
    assert known_speeds(params, tmp_path).measured
    monkeypatch.setenv(KERNELS, "1")
    assert not known_speeds(params, tmp_path).measured


def test_the_speed_of_an_architecture_that_was_changed_is_forgotten(tmp_path: Path, params: Params) -> None:
    name = "cnn-lecture"
    measured = NetworkSpeed(96, forward=0.002, train=0.016, top=0.0, start=1.0, made_of=made_of(name, params))
    keep_speeds(Speeds(1.5, {f"{name}@96": measured}, measured=True, precision="auto"), tmp_path)
    assert known_speeds(params, tmp_path).has(name)
    lecture = params.architectures["lecture"]
    for changes, same in (({"epochs": lecture.epochs + 1}, True), ({"blocks": lecture.blocks[:-1]}, False)):
        changed = params.model_copy(update={"architectures": {"lecture": lecture.model_copy(update=changes)}})
        assert known_speeds(changed, tmp_path).has(name) is same
