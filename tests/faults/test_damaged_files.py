"""Every kind of file that is kept, cut off or with one bit turned over: named or made again, never used, never lost."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.champions.current import load_version
from pipeline.champions.integrity.keeping import refuse_damage
from pipeline.champions.log import LOG, ChampionError, read_log
from pipeline.champions.versions import Champion, read_champion
from pipeline.datasets.store.prepared import PreparedError, load_prepared, write_prepared
from pipeline.ground.files import DamagedFileError, read_json, read_parquet, write_json, write_parquet
from pipeline.ground.kept import KeptArray, KeptArrays
from pipeline.models.archive import read_model, write_model
from pipeline.operations import track
from pipeline.ownership import md5
from pipeline.tracking.store import TrackingError, damage_remedy
from pipeline.trials import read_trial
from tests.operations import conftest
from tests.tracking.simulated import simulate, small_params

champion, colour_model = conftest.champion, conftest.colour_model  # fixtures

NAMED = (DamagedFileError, PreparedError, ChampionError)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


def damages(content: bytes, flips: int = 12) -> list[bytes]:
    """Empty, cut in half, without its last byte, and with one bit turned over at drawn places."""
    drawn = random.Random(0)
    places = [drawn.randrange(len(content)) for _ in range(flips)]
    return [b"", content[: len(content) // 2], content[:-1], *(flipped(content, place) for place in places)]


def refusals(file: Path, read: Callable[[], Any], flips: int = 12) -> int:
    """How many damages of a file its reader refuses by the file's name; anything else that it raises comes through."""
    sound, refused = file.read_bytes(), 0
    for content in damages(sound, flips):
        file.unlink()  # it may be a link into DVC's cache
        file.write_bytes(content)
        try:
            read()
        except NAMED as error:
            assert file.name in str(error) and "\n" not in str(error)
            refused += 1
    file.unlink()
    file.write_bytes(sound)
    read()
    return refused


def test_a_recipe_that_is_cut_off_or_lacks_what_it_always_has_is_named(checkout: Path) -> None:
    simulate(small_params())
    file = checkout / "results/classical-majority/trial.json"
    assert refusals(file, lambda: read_trial("classical-majority")) > 5
    for content in ({}, {**read_json(file), "novelty": 1}):
        write_json(file, content)
        with pytest.raises(DamagedFileError, match=r"trial\.json: is cut off or damaged \(.+; `dvc checkout --force"):
            read_trial("classical-majority")


def test_a_verdict_without_a_key_names_itself_and_what_brings_it_back(tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    write_json(file, {"evidence": {"winner": 1}})
    verdict = read_json(file)
    for ask in (lambda: verdict["answer"], lambda: verdict["evidence"]["low"]):
        with pytest.raises(
            DamagedFileError, match=r"verdict\.json: has no '(answer|low)'; `dvc checkout --force .+json`"
        ):
            ask()
    assert verdict.get("answer") is None and dict(verdict) == {"evidence": {"winner": 1}}


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "example_ids.npy", "groups.npy"])
def test_prepared_examples_that_a_disk_has_changed_are_never_learned_from(tmp_path: Path, name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    labels, ids = np.arange(6) % 2, [f"{row}.png" for row in range(6)]
    write_prepared(tmp_path / "split", images, np.arange(6), labels, ids, ["a", "b"], groups=np.arange(6) // 2)
    assert refusals(tmp_path / "split" / name, lambda: load_prepared(tmp_path / "split")) == 15


def test_a_table_of_predictions_that_a_disk_has_changed_is_named(tmp_path: Path) -> None:
    file, chance = tmp_path / "predictions.parquet", np.random.default_rng(0).random(5000)
    sound = pd.DataFrame({"seed": 0, "example": [f"{row}.jpg" for row in range(5000)], "p_0": chance})
    write_parquet(file, sound)

    def read() -> None:
        pd.testing.assert_frame_equal(read_parquet(file), sound)  # or the bit was of no matter

    assert refusals(file, read, flips=60) >= 60


def test_a_model_of_scikit_learn_that_is_damaged_is_named(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    file, inputs = tmp_path / "seed-0.skops", np.arange(40.0).reshape(20, 2)
    model = make_pipeline(LogisticRegression()).fit(inputs, np.arange(20) % 2)
    write_model(file, model)

    def read() -> None:
        np.testing.assert_array_equal(read_model(file).predict_proba(inputs), model.predict_proba(inputs))

    assert refusals(file, read, flips=60) >= 40


def test_arrays_that_can_be_made_again_are_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = KeptArrays(tmp_path, limit_gb=1)
    made = kept.find_or_gather("key", 100, lambda: [np.arange(100.0)])
    for content in (b"", (tmp_path / "key.npy").read_bytes()[:300]):
        (tmp_path / "key.npy").unlink()
        (tmp_path / "key.npy").write_bytes(content)
        np.testing.assert_array_equal(kept.find_or_gather("key", 100, lambda: [np.arange(100.0)]), made)
    assert caplog.text.count("key.npy: is cut off or damaged") == 2 and "made again" in caplog.text


@pytest.mark.parametrize("notes", [{}, {"seconds": 1.5}])
def test_a_kept_array_with_a_flipped_bit_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, notes: dict[str, float]
) -> None:
    def fill(values: np.ndarray) -> dict[str, float]:
        values[:] = np.arange(100)
        return dict(notes)

    def found() -> KeptArray | None:
        return KeptArrays(tmp_path, limit_gb=1).find("key")  # as another process finds it

    file, notes_file = tmp_path / "key.npy", tmp_path / "key.json"
    for place in (30, 130, 500):
        KeptArrays(tmp_path, limit_gb=1).fill("key", (100,), np.float64, fill)
        assert (kept := found()) is not None and kept.notes == notes
        file.write_bytes(flipped(file.read_bytes(), place))
        assert found() is None and not file.exists()
    assert caplog.text.count("key.npy: is cut off or damaged") == 3
    KeptArrays(tmp_path, limit_gb=1).fill("key", (100,), np.float64, fill)
    notes_file.write_bytes(notes_file.read_bytes().replace(b": 1.5", b": 5.5"))
    assert (found() is None) == bool(notes)
    KeptArrays(tmp_path, limit_gb=1).fill("key", (100,), np.float64, fill)
    write_json(notes_file, notes)
    assert found() is not None, "what was kept without a checksum counts as sound"


@pytest.mark.parametrize("name", ["champion.json", "model/data/model/served.json", "model/data/model/model.skops"])
def test_a_champion_is_refused_where_any_bit_is_not_as_dvc_keeps_it(
    checkout: Path,
    champion: Champion,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = [file for file in Path("champions").rglob("*") if file.is_file()]
    added = {file.relative_to("champions").as_posix(): md5(file) for file in files}
    monkeypatch.setattr("pipeline.champions.integrity.keeping._added", lambda: added)
    assert refusals(checkout / "champions/1" / name, lambda: load_version(1), flips=4) == 7
    shutil.rmtree("champions/1/model")
    with pytest.raises(
        ChampionError, match=r"champions/1/model/\S+: is not there any more; `dvc checkout --force champ"
    ):
        refuse_damage()


def test_a_damaged_copy_of_dvc_is_said_to_be_damaged_too(
    champion: Champion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = Path("champions/1/champion.json")
    digest = md5(file)
    copy = Path(".dvc/cache/files/md5", digest[:2], digest[2:])
    copy.parent.mkdir(parents=True)
    file.write_bytes(flipped(file.read_bytes(), 30))
    shutil.copy(file, copy)
    monkeypatch.setattr("pipeline.champions.integrity.keeping._added", lambda: {"1/champion.json": digest})
    with pytest.raises(
        ChampionError, match=rf"has the same damage, so delete {copy}, then `dvc pull --force champions`"
    ):
        refuse_damage()


def test_a_log_of_decisions_that_is_cut_off_is_named_and_left_as_it_is(champion: Champion) -> None:
    assert refusals(LOG, read_log, flips=60) > 20
    assert [entry.version for entry in read_log()] == [1]


def test_what_describes_a_champion_is_named_where_it_is_no_champion(champion: Champion) -> None:
    file = Path("champions/1/champion.json")
    for content in ({}, {**asdict(champion), "novelty": 1}):
        write_json(file, content)
        with pytest.raises(DamagedFileError, match=r"champion\.json: .+; `dvc checkout --force champions` brings back"):
            read_champion(1)


def test_a_database_that_is_cut_off_is_named_and_left_as_it_is(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    simulate(small_params())
    track.run()
    database = checkout / "mlflow.db"
    sqlite3.connect(database).execute("pragma wal_checkpoint(truncate)")
    content = database.read_bytes()
    begin = bytes(100)  # of the file, which says what it is
    another = content[:18] + b"\x09\x09" + content[20:]  # format
    index = content.index(b"sqlite_autoindex_runs_1")  # of what SQLite itself wrote down of a table
    for kept in (
        content[: len(content) // 2],
        b"",
        begin + content[100:],
        another,
        flipped(content, index),
    ):
        database.write_bytes(kept)
        with pytest.raises(
            TrackingError, match=r"mlflow\.db.+; move \S+mlflow\.db elsewhere, and `python -m pipeline track`"
        ):
            track.run()
        assert database.read_bytes() == kept
    row = content.index(b"tensor-spec")  # SQLite keeps no checksums, and finds nothing wrong with a text that is none
    other = database.with_name("other.db")  # the first one is still open
    other.write_bytes(content[:row] + b"\xff" + content[row + 1 :])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    with pytest.raises(TrackingError, match=r"track` again; where it ends so again, move \S+other\.db elsewhere, and"):
        track.run()
    assert "Traceback" not in "".join(capfd.readouterr()), "MLflow logs some of its own"


def test_a_database_of_which_sqlites_own_message_cannot_be_read_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    def quoting(*_: object, **__: object) -> None:
        raise UnicodeDecodeError("utf-8", b"\xc7", 0, 1, "invalid continuation byte")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////nowhere/mlflow.db")
    monkeypatch.setattr("pipeline.tracking.store.sqlite3.connect", quoting)
    assert str(damage_remedy(ValueError("'utf-8' codec"))).startswith("move /nowhere/mlflow.db elsewhere, and")
