"""A trial that was killed goes on from its last finished epoch and ends as if it had never been killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.network import hash_weights
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.progress import Fit, Row, TrialState
from pipeline.training.trainer import Trainer
from tests.starts import ended, forked

TRAIN, VAL = np.arange(48), np.arange(48, 70)
PHASES = [
    Phase(train="head", epochs=3, learning_rate=1e-2),
    Phase(train="top 1", epochs=2, learning_rate=1e-2, schedule="cosine", warmup_epochs=1),
    Phase(train="all", epochs=3, learning_rate=1e-3),
]
# The second phase loses what the first had; the third, which trains less, does not win it all back.
SETBACK = [
    Phase(train="head", epochs=3, learning_rate=1e-2),
    Phase(train="block 1", epochs=2, learning_rate=30.0),
    Phase(train="head", epochs=3, learning_rate=1e-3),
]
TRIALS = {"upwards": PHASES, "setback": SETBACK}


class Killed(BaseException):
    """Stands for a kill: nothing in training may catch it."""


def killing(after: int) -> Callable[[Row], None]:
    def tell(row: Row) -> None:
        if row["epoch"] == after:
            raise Killed

    return tell


@dataclass
class Whole:
    """A trial that nothing disturbed, its trainer, and one that knows nothing of it: both can be used again."""

    trainer: Trainer
    later: Trainer
    fit: Fit
    weights: str


@pytest.fixture(scope="module")
def whole_of(trainer_in: Callable[..., Trainer], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """Trials by name. They are made once, and whichever test comes first finds a fresh `later`."""

    @cache
    def make(name: str) -> Whole:
        strategy = Strategy(phases=TRIALS[name], layer_decay=2.6)
        trainer, later = (trainer_in(tmp_path_factory.mktemp(name), strategy) for _ in range(2))
        fit = trainer.run(3, TRAIN, VAL)
        return Whole(trainer, later, fit, hash_weights(trainer.network.model.layers))

    return make


@pytest.mark.parametrize(
    ("name", "after"), [*(("upwards", n) for n in range(1, 9)), *(("setback", n) for n in (4, 5, 7))]
)
def test_a_trial_killed_after_any_epoch_ends_bit_identical(
    whole_of: Callable[[str], Whole], tmp_path: Path, name: str, after: int
) -> None:
    whole, checkpoint = whole_of(name), Checkpoint(tmp_path / "unfinished")
    expected, later = whole.fit, whole.later
    with pytest.raises(Killed):
        whole.trainer.run(3, TRAIN, VAL, killing(after), checkpoint)
    told: list[Row] = []
    fit = later.run(3, TRAIN, VAL, told.append, checkpoint)
    assert fit.history == expected.history == told
    assert fit.best == expected.best
    assert fit.phases == expected.phases
    assert fit.images_seen == expected.images_seen
    assert hash_weights(later.network.model.layers) == whole.weights


def test_a_phase_that_had_stopped_early_is_not_taken_up_again(
    trainer_of: Callable[..., Trainer], tmp_path: Path
) -> None:
    phases = [
        Phase(train="all", epochs=60, learning_rate=5.0),
        Phase(train="head", epochs=2, learning_rate=1e-3),
    ]
    trainer, later = (trainer_of(Strategy(phases=phases), patience=2) for _ in range(2))
    expected = trainer.run(0, TRAIN, VAL).history
    last = sum(row["phase"] == 1 for row in expected)
    assert last < 60
    checkpoint = Checkpoint(tmp_path / "unfinished")
    with pytest.raises(Killed):
        trainer.run(0, TRAIN, VAL, killing(last), checkpoint)
    assert later.run(0, TRAIN, VAL, checkpoint=checkpoint).history == expected


def test_the_optimizer_is_kept_only_as_long_as_its_phase_goes_on(
    trainer_of: Callable[..., Trainer], tmp_path: Path
) -> None:
    phases = [Phase(train=train, epochs=2, learning_rate=1e-2) for train in ("head", "top 1")]
    trainer, checkpoint, kept = trainer_of(Strategy(phases=phases)), Checkpoint(tmp_path / "unfinished"), []

    def look(row: Row) -> None:
        state = checkpoint.load()
        assert state
        kept.append(bool(state.optimizer))

    trainer.run(0, TRAIN, VAL, look, checkpoint)
    assert kept == [True, False, True, False]


def test_seconds_of_both_parts_are_summed(whole_of: Callable[[str], Whole], tmp_path: Path) -> None:
    whole, checkpoint = whole_of("upwards"), Checkpoint(tmp_path / "unfinished")
    with pytest.raises(Killed):
        whole.trainer.run(0, TRAIN, VAL, killing(8), checkpoint)
    state = checkpoint.load()
    assert state is not None
    assert state.fit.fit_seconds > 0
    fit = whole.later.run(0, TRAIN, VAL, checkpoint=checkpoint)
    assert fit.fit_seconds > state.fit.fit_seconds


def test_activations_that_an_earlier_run_read_are_charged_and_none_is_charged_twice(
    trainer_of: Callable[..., Trainer], tmp_path: Path
) -> None:
    """The last phase reads what the head stands on anew, since the phase before it has trained a block below."""
    checkpoint, charged = Checkpoint(tmp_path / "unfinished"), []

    def look(row: Row) -> None:
        state = checkpoint.load()
        assert state is not None
        charged.append(state.charged)
        if row["epoch"] == 6 and len(charged) == 6:
            raise Killed

    with pytest.raises(Killed):
        trainer_of(Strategy(phases=SETBACK)).run(3, TRAIN, VAL, look, checkpoint)
    fit = trainer_of(Strategy(phases=SETBACK)).run(3, TRAIN, VAL, look, checkpoint)
    assert [len(seconds) for seconds in charged[:6]] == [2, 2, 2, 2, 2, 3], "the images count as one of them"
    assert charged[-1] == charged[5]
    assert fit.activation_seconds == pytest.approx(sum(charged[5].values()))


def test_a_process_that_is_killed_by_the_system_leaves_its_last_epoch(
    trainer_of: Callable[..., Trainer], tmp_path: Path
) -> None:
    """kill -9 in the middle of a write: what was there before stays, whole."""

    class Weight:  # all that is asked of a variable: a forked process cannot use TensorFlow
        def __init__(self) -> None:
            self.value = np.ones(3)

        def numpy(self) -> np.ndarray:
            return self.value

    def die(path: Any, **arrays: Any) -> None:
        Path(path).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    def save_twice() -> None:
        checkpoint, weight = Checkpoint(tmp_path / "unfinished"), Weight()
        state = TrialState(seed=0, fit=Fit())
        state.begin_phase(1, {0: weight}, [0], [])  # type: ignore[dict-item]
        checkpoint.save(state)
        assert checkpoint.load() is not None
        np.savez = die  # type: ignore[assignment]
        weight.value = np.zeros(3)
        checkpoint.save(state)
        checkpoint.load()

    assert ended(forked(save_twice)) == -signal.SIGKILL
    state = Checkpoint(tmp_path / "unfinished").load()
    assert state is not None
    assert (state.variables[0] == 1).all()


def test_a_damaged_checkpoint_is_named_and_its_trial_begins_anew(
    whole_of: Callable[[str], Whole], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, checkpoint = whole_of("upwards"), Checkpoint(tmp_path / "unfinished")
    with pytest.raises(Killed):
        whole.trainer.run(3, TRAIN, VAL, killing(2), checkpoint)
    assert checkpoint.load() is not None
    content = bytearray(checkpoint.path.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.path.write_bytes(content)
    assert whole.later.run(3, TRAIN, VAL, checkpoint=checkpoint).history == whole.fit.history
    assert "epoch.npz: is cut off or damaged" in caplog.text and "its training begins anew" in caplog.text


@pytest.mark.parametrize("content", [b"", b"half", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_whatever_a_damaged_checkpoint_holds_it_is_removed(tmp_path: Path, content: bytes) -> None:
    checkpoint = Checkpoint(tmp_path / "unfinished")
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(content)
    assert checkpoint.load() is None and not checkpoint.path.exists()
