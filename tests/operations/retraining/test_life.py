"""The life of a model, through the commands that a scheduler and a person call: every week is a test, in this order."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import dvc_command
from pipeline.configuration.loading import load_params
from pipeline.forking.run import fork_server
from pipeline.operations.planning.expansion import stages_of
from pipeline.tracking.store import open_store
from tests.operations.retraining.life import CLASSES, Checkout, Painter
from tests.starts import forked_dvc

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def one_server() -> Iterator[None]:
    """Stages of all weeks are forked from one process, as those of one run are; by itself a week has too few. DVC's
    commands are forked from this one."""
    with contextlib.ExitStack() as servers, pytest.MonkeyPatch.context() as patch:
        given: dict[str, dict[str, str]] = {}

        @contextlib.contextmanager
        def shared(environment: dict[str, str], *_: Any) -> Iterator[dict[str, str]]:
            around = repr((os.getcwd(), sorted(environment.items())))
            if around not in given:
                stages = [stage.name for stage in stages_of(load_params())]
                given[around] = servers.enter_context(fork_server(environment, stages, ()))
            yield given[around]

        def run_dvc(
            command: Sequence[str], stdout: Any, env: Mapping[str, str] = os.environ, **_: Any
        ) -> tuple[subprocess.CompletedProcess[str], bool]:
            done = forked_dvc(Path.cwd(), command[3:], env)  # python -m dvc
            if stdout is not subprocess.PIPE:
                stdout.write(done.stdout + done.stderr)
                stdout.flush()
            return done, False

        patch.setattr(dvc_command, "fork_server", shared)
        patch.setattr(dvc_command, "run_on_any_disk", run_dvc)
        yield


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, painter: Painter) -> Checkout:
    """The first week: a few photos of one's own, compared."""
    made = Checkout(tmp_path_factory.mktemp("life") / "kiyas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{made.folder}/mlflow.db")
        open_store("life")
    painter.draw(made.folder / "photos", each=40)
    made.compare()
    made.succeed("pipeline", "track")
    return made


def test_the_first_comparison_makes_the_first_champion_and_there_is_nothing_to_do(checkout: Checkout) -> None:
    assert [(entry["event"], entry["champion"]) for entry in checkout.log()] == [("promoted", 1)]
    assert (checkout.folder / "champions.dvc").is_file()
    ended = checkout.retrain()
    assert (ended.code, ended.summary["ending"]) == (0, "nothing")
    assert (checkout.alias("champion"), checkout.decisions()) == ("1", ["promoted"])


def test_new_photos_that_teach_little_are_kept_and_the_champion_stays(checkout: Checkout, painter: Painter) -> None:
    painter.draw(checkout.folder / "data/incoming", each=8)
    ended = checkout.retrain()
    assert (ended.code, ended.summary["ending"]) == (0, "kept"), ended
    assert checkout.alias("champion") == "1"
    assert not list((checkout.folder / "data/incoming").rglob("*.png"))
    batch = checkout.folder / "data/accepted" / ended.summary["batch"]
    assert batch.with_name(f"{batch.name}.dvc").is_file()
    assert {path.name: len(list(path.rglob("*.png"))) for path in (batch / "photos").iterdir()} == {
        "train": 12,
        "test": 12,
    }


def test_many_new_photos_make_a_better_model_which_is_promoted(checkout: Checkout, painter: Painter) -> None:
    sealed = sealed_examples(checkout)
    painter.draw(checkout.folder / "data/incoming", each=220)
    ended = checkout.retrain()
    assert (ended.code, ended.summary["ending"]) == (10, "promoted"), ended
    assert (checkout.alias("champion"), checkout.log()[-1]["champion"]) == ("2", 2)
    numbers = ended.summary["numbers"]
    assert numbers["challenger_accuracy"] > numbers["champion_accuracy"] + 0.05
    assert sealed < sealed_examples(checkout)


def test_corrupted_photos_are_refused_and_nothing_changes(checkout: Checkout, painter: Painter) -> None:
    before = [path.name for path in (checkout.folder / "data/accepted").iterdir()]
    files = painter.draw(checkout.folder / "data/incoming", each=10)
    for file in files[::3]:
        file.write_bytes(file.read_bytes()[:40])
    ended = checkout.retrain(as_scheduled=True)
    assert (ended.code, ended.summary["ending"]) == (20, "asked"), ended
    assert "10 of 30 photos in data/incoming are unusable" in ended.reasons
    assert [path.name for path in (checkout.folder / "data/accepted").iterdir()] == before
    assert len(list((checkout.folder / "data/incoming").rglob("*.png"))) == 30
    assert checkout.alias("champion") == "2"
    shutil.rmtree(checkout.folder / "data/incoming")


def test_photos_of_another_kind_are_flagged_though_it_is_killed_while_it_trains_and_the_next_call_finishes(
    checkout: Checkout,
) -> None:
    champion, before = checkout.alias("champion"), newest_log(checkout)
    strangers = Painter(seed=7, faintness=0.0)
    strangers.draw(checkout.folder / "data/incoming", each=30, classes=CLASSES[:1], brightness=90)
    killed = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "retrain"],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while newest_log(checkout) == before or "Running stage 'baseline@logistic_pixels'" not in newest_log(checkout):
        assert killed.poll() is None, newest_log(checkout)
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    photo = next((checkout.folder / "photos").rglob("*.png"))
    answered = checkout.succeed("pipeline", "predict", "--json", str(photo))
    assert f'"version": {champion}' in answered
    events = len(checkout.log())
    ended = checkout.retrain()
    assert ended.summary["ending"] in ("asked", "promoted"), ended
    assert any("other shares" in sentence for sentence in ended.summary["drift"]), ended
    assert any("right on" in sentence for sentence in ended.summary["drift"]), ended
    assert checkout.log()[-1]["numbers"]["drift"]["new"] == 30
    assert "stale lock" in newest_log(checkout)
    assert len(checkout.log()) == events + 1
    assert not list((checkout.folder / "data/incoming").rglob("*.png"))
    again = checkout.retrain()
    assert again.summary["ending"] == ("asked" if ended.summary["ending"] == "asked" else "nothing")
    assert len(checkout.log()) == events + 1


def test_a_rollback_brings_the_previous_champion_back_everywhere(checkout: Checkout) -> None:
    before = [entry["champion"] for entry in checkout.log() if entry["champion"]]
    previous = [version for version in dict.fromkeys(before) if version != before[-1]][-1]
    checkout.succeed("pipeline", "rollback")
    assert checkout.log()[-1]["champion"] == previous
    assert checkout.alias("champion") == str(previous)
    assert checkout.decisions() == [entry["event"] for entry in checkout.log()]
    assert checkout.retrain().summary["ending"] == "nothing"
    assert f"champion: version {previous}," in checkout.succeed("pipeline", "champions")


def sealed_examples(checkout: Checkout) -> set[str]:
    return set(map(str, np.load(checkout.folder / "data/prepared/test/example_ids.npy")))


def newest_log(checkout: Checkout) -> str:
    logs = sorted((checkout.folder / ".kiyas/retrain").glob("*.log"))
    return logs[-1].read_text(encoding="utf-8") if logs else ""
