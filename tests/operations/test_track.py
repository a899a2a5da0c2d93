from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.ground.files import DamagedFileError
from pipeline.operations import track
from tests.tracking.simulated import simulate, small_params


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_what_is_on_disk_is_added_once_and_then_unchanged(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(small_params())
    track.run()
    track.run()
    first, link, second, _ = capsys.readouterr().out.splitlines()
    counted = "MLflow, experiment kiyas: {} added, 0 updated, {} unchanged, 0 marked as superseded"
    assert first == counted.format(7, 0)
    assert link.startswith("The ranking: `make ui`, then http://127.0.0.1:5000/#/experiments/1/runs?")
    assert second == counted.format(0, 7)
    assert (checkout / "mlflow.db").is_file()


def test_where_nothing_is_trained_it_says_what_comes_first(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    track.run()
    assert "`dvc repro` or `dvc pull` first" in capsys.readouterr().out
    assert not (checkout / "mlflow.db").exists()


def test_with_tracking_off_it_says_so_and_leaves_no_store(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(small_params())
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["tracking"]["enabled"] = False
    yaml.dump(content, Path("params.yaml"))
    track.run()
    assert "tracking.enabled is false" in capsys.readouterr().out
    assert not (checkout / "mlflow.db").exists()


def test_a_description_of_the_data_that_somebody_changed_is_not_taken_for_the_truth(checkout: Path) -> None:
    dataset = checkout / "data/prepared/dataset.json"
    dataset.parent.mkdir(parents=True)
    dataset.write_text('{"task": "multiclass"}')
    digest = hashlib.md5(dataset.read_bytes()).hexdigest()
    (checkout / "dvc.lock").write_text(
        f"schema: '2.0'\nstages:\n  prepare:\n    outs:\n    - {{path: data/prepared/dataset.json, md5: {digest}}}\n"
    )
    track.run()
    dataset.write_text("{}")
    with pytest.raises(DamagedFileError, match=r"data/prepared/dataset\.json: has changed since `prepare` wrote it"):
        track.run()
