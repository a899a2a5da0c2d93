"""How long measuring a machine may take, what it gives, and what becomes of networks that it cannot measure."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from pipeline.configuration.loading import load_params
from pipeline.operations.planning import measuring
from pipeline.operations.planning.speeds import NetworkSpeed

SPEED = NetworkSpeed(96, 0.1, 0.3, 0.2, 1.0, measured=True)


@pytest.fixture
def patiences(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Of each network that was measured, in seconds."""
    asked: list[float] = []

    def measured(*arguments: Any) -> NetworkSpeed:
        asked.append(arguments[-1])
        return SPEED

    monkeypatch.setattr(measuring, "_in_own_process", measured)
    monkeypatch.setattr(measuring, "_classical_seconds", lambda: measuring.REFERENCE_SECONDS)
    return asked


def test_without_a_budget_every_network_is_measured(
    checkout: Path, tmp_path: Path, patiences: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    params = load_params(checkout / "params.yaml")
    with caplog.at_level(logging.INFO, "kiyas"):
        speeds = measuring.measure_speeds(params, tmp_path)
    assert patiences == [measuring.PATIENCE] * 4
    assert set(speeds.networks) >= {f"{name}@96" for name in (*params.finetune.backbones, "cnn-lecture")}
    assert (
        "measuring vgg16 at 96 pixels, once for this machine (half a minute mostly, 4 min at most)" in caplog.messages
    )


def test_measuring_takes_a_fifth_of_the_minutes_at_most(
    checkout: Path, tmp_path: Path, patiences: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    params = load_params(checkout / "params.yaml")
    clock = iter([0.0, 1.0, 50.0, 60.0, 61.0])  # the start, then before each of four networks
    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.INFO, "kiyas"):
        patch.setattr(measuring.time, "monotonic", lambda: next(clock))
        measuring.measure_speeds(params, tmp_path, budget_minutes=5)
    assert patiences == [59.0, 10.0]
    left = [message for message in caplog.messages if "was not measured" in message]
    assert left == [
        f"{name} was not measured: that may take a fifth of the minutes at most; its time is forecast as on another "
        "machine"
        for name in ("inceptionv3", "cnn-lecture")
    ]


def test_a_network_is_built_and_timed_in_a_process_of_its_own(checkout: Path) -> None:
    speed = measuring._in_own_process("cnn-lecture", 32, "float32", checkout, measuring.PATIENCE)
    assert speed is not None and (speed.side, speed.top, speed.measured) == (32, 0.0, True)
    assert 0 < speed.forward < speed.train < 1 and speed.start > 0


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo Traceback >&2; echo 'ValueError: no such kernel' >&2; exit 1", "ValueError: no such kernel"),
        ("exit 1", "no reason given"),
        ("exec sleep 60", "it took more than 1 seconds"),
    ],
)
def test_a_measurement_that_fails_is_told_with_its_reason_and_the_usual_speed_counts(
    script: str,
    reason: str,
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(measuring.sys, "executable", str(program))
    monkeypatch.setattr(measuring, "PATIENCE", 1)
    monkeypatch.setattr(measuring, "_names", lambda params: ["cnn-lecture"])
    speeds = measuring.measure_speeds(load_params(checkout / "params.yaml"), tmp_path)
    assert not speeds.has("cnn-lecture") and speeds.of("cnn-lecture", 96).forward > 0
    assert caplog.messages[-1] == f"cnn-lecture was not measured: {reason}; its time is forecast as on another machine"
