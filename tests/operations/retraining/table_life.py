"""A checkout in miniature that lives for weeks in seconds, with a table, a series or photos: its stages run in here.

What is left out beside the life of photos is DVC alone: `dvc repro` runs the same stages here, and `dvc add` leaves the
pointer and nothing in a cache.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline import dvc_command
from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.dvc_command import VersioningError
from pipeline.ground.files import read_json, write_json
from pipeline.operations import retrain
from pipeline.operations.retraining.shortlist import evaluate_targets
from pipeline.params.compare import soup_stage
from pipeline.params.training.candidates import FINETUNE
from pipeline.stages import baseline, compare, evaluate, finetune, prepare, soup
from tests.conftest import ROOT
from tests.operations.retraining.life import Ended

INCOMING = Path("data/incoming")
LIMITS = {"shortlist": 1, "latency_ratio": 500.0, "class_margin": 0.9, "calibration_margin": 0.9, "least_new": 20}


def set_up(folder: Path, data: dict[str, Any], models: list[str]) -> None:
    """params.yaml for own.csv in a folder."""
    for name in ("params.yaml", "dvc.yaml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    yaml = YAML(typ="safe")
    params = yaml.load(folder / "params.yaml")
    params["data"] |= {"fetch": [], "path": "own.csv", "test_fraction": 0.3, **data}
    params["seeds"] = [0, 1]
    params["baseline"] |= {"models": models, "probes": [], "folds": 2}
    params["cnn"], params["finetune"]["backbones"] = [], []
    params["study"]["candidates"] = []
    params["evaluation"]["latency_images"] = 2
    params["compare"]["resamples"] = 300
    params["tracking"]["enabled"] = False
    params["retrain"] |= LIMITS
    yaml.dump(params, folder / "params.yaml")


@contextmanager
def in_checkout(folder: Path) -> Iterator[None]:
    """In the folder, with DVC's part done here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GITHUB_ACTIONS", "KIYAS_WEBHOOK", "KIYAS_DEBUG", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.chdir(folder)
        patch.setattr(dvc_command, "run_dvc", _dvc)
        patch.setattr(retrain, "reproduce", lambda targets, *_: run_stages(targets))
        yield


def run_stages(targets: list[str]) -> None:
    """What `dvc repro` runs for these stages."""
    _prepare()
    for candidate in load_params().candidates():
        if candidate.evaluation_stage in targets:
            if candidate.family == FINETUNE:
                finetune.run(str(candidate.backbone), str(candidate.technique))
            else:
                baseline.run(candidate.model)
            evaluate.run(candidate.name)
        if soup_stage(candidate.name) in targets:
            soup.run(candidate.name)


def _prepare() -> None:
    """The stage, unless it ran on the same data before."""
    data, prepared_for = load_params().data, Path(".kiyas/prepared_for.json")
    files = [file for place in (Path(str(data.path)), Path("data/accepted")) for file in (place, *place.rglob("*"))]
    seen = [[str(file), file.stat().st_mtime_ns] for file in sorted(files) if file.is_file()]
    due = [data.model_dump(mode="json"), seen]
    if not prepared_for.exists() or read_json(prepared_for) != due:
        prepared_for.unlink(missing_ok=True)
        prepare.run()
        write_json(prepared_for, due)


def compare_all() -> None:
    """The first comparison."""
    params = load_params()
    run_stages(evaluate_targets(params.candidates(), params.compare.ensembles.soups))
    compare.run()


def retrain_once(capsys: pytest.CaptureFixture[str], *options: str) -> Ended:
    capsys.readouterr()
    code = main(["retrain", "--json", *options])
    return Ended(code, json.loads(capsys.readouterr().out))


def log_entries() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("champions/log.jsonl").read_text(encoding="utf-8").splitlines()]


def batches() -> list[str]:
    return sorted(path.parent.name for path in Path("data/accepted").glob("*/batch.json"))


def state() -> dict[str, Any]:
    """All that a retraining leaves, without clocks: what two that end alike have in common."""
    entries = [
        {key: entry[key] for key in ("event", "version", "champion", "data", "fingerprint")}
        | {"p_value": entry["numbers"].get("p_value"), "look": entry["numbers"].get("look")}
        for entry in log_entries()
    ]
    predictions = {
        str(file): pd.util.hash_pandas_object(pd.read_parquet(file)).sum()
        for file in sorted(Path().glob("champions/*/predictions.parquet"))
    }
    manifests = {name: read_json(Path(f"data/accepted/{name}/batch.json"))["files"] for name in batches()}
    incoming = sorted(str(path) for path in INCOMING.rglob("*") if path.is_file())
    left = [str(path) for pattern in ("champions/.part-*", "data/.accepting-*") for path in Path().glob(pattern)]
    return {
        "log": entries,
        "predictions": predictions,
        "batches": manifests,
        "incoming": incoming,
        "hashes": read_json(Path("data/prepared/dataset.json"))["hashes"],
        "left": left,
    }


def kill_within(seed: int, writes: int) -> bool:
    """Retrain in a process of its own, which is killed before one of its first `writes` files takes its place.

    Args:
        seed: draws the moment.

    Returns:
        Whether it was killed; else it had ended by then.
    """
    moment = random.Random(seed).randint(1, writes)
    child = os.fork()
    if child == 0:
        try:
            _killed_before(moment)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _killed_before(moment: int) -> None:
    replace, done = os.replace, 0

    def counted(*arguments: Any, **options: Any) -> None:
        nonlocal done
        done += 1
        if done == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*arguments, **options)

    os.replace = counted
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    main(["retrain"])


def _dvc(*arguments: str) -> str:
    if arguments[0] == "config":
        raise VersioningError("no remote")
    assert arguments[0] == "add", arguments
    Path(f"{arguments[1]}.dvc").write_text("outs: [{md5: none, path: x}]\n", encoding="utf-8")
    return ""
