"""What is exported: a registered version, or a trained candidate, with its models and the way in which it answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

from pipeline.champions.answering import DESCRIPTION, Served, load, together
from pipeline.champions.bundle import write_served
from pipeline.champions.current import refuse_changed
from pipeline.champions.integrity.signing import VERIFYING_KEY
from pipeline.champions.prepared_data import can_be_served, data_hash
from pipeline.champions.served.deployed import deployed_of, is_ensemble
from pipeline.champions.served.servable import servable_of
from pipeline.champions.versions import answering_folder, current_champion, read_champion
from pipeline.evaluation.answers.models import Predict, load_network, predictor
from pipeline.formats import count_of
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.models.archive import read_model
from pipeline.operations.exporting.faults import ExportError
from pipeline.ownership import is_changed
from pipeline.tracking.descriptions.lineage import dataset_of
from pipeline.trials import read_trial, results_folder

CONFIGURATION = "config.json"  # inside a .keras file


@dataclass(frozen=True)
class Original:
    """
    Attributes:
        name: what a file of it is called.
        title: what people call it.
        served: it, as it answers in this checkout.
        files: its models, .keras or .skops; several of an ensemble.
        weights: each one's share of the answer.
        facts: version, candidate, family, seed, fingerprint, task and data, for whoever gets the file.
    """

    name: str
    title: str
    served: Served
    files: tuple[Path, ...]
    weights: tuple[float, ...]
    facts: Mapping[str, Any]

    @cached_property
    def models(self) -> list[Any]:
        """Its models, computing in float32: the formats' runtimes on processors have no other precision in common."""
        return [_in_float32(file) for file in self.files]

    @cached_property
    def is_rounded(self) -> bool:
        """Whether it computes in bfloat16 here, and so answers a little otherwise than in float32."""
        return any(_computes_in_bfloat16(file) for file in self.files)

    @cached_property
    def in_float32(self) -> Predict:
        """What its models answer in float32."""
        return together([predictor(model) for model in self.models], self.weights)

    @property
    def has_networks_only(self) -> bool:
        return all(file.suffix == ".keras" for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of its models' files."""
        return sum(file.stat().st_size for file in self.files)


def original_of(name: str | None) -> Original:
    """
    Args:
        name: a version's number or a candidate's name; None: the champion.

    Raises:
        ChampionError: it is not on disk as it was registered, or there is no champion.
        SignatureError: signatures are demanded, and its own does not hold.
        ExportError: the candidate is not trained, or its data do not say how they are read.
    """
    if name is not None and not name.isdigit():
        return _candidate(name)
    champion = current_champion() if name is None else read_champion(int(name))
    refuse_changed(champion.version)
    facts = {key: getattr(champion, key) for key in ("version", "candidate", "family", "seed", "fingerprint", "task")}
    folder = answering_folder(champion.version)
    return read_original(folder, f"champion-{champion.version}", champion.title, {**facts, "data": champion.data})


def _candidate(name: str) -> Original:
    if not is_ensemble(name) and not (results_folder(name) / "trial.json").is_file():
        raise ExportError(
            f"{results_folder(name)}: {name} is not trained here; `dvc repro` trains what params.yaml names"
        )
    if os.environ.get(VERIFYING_KEY):
        raise ExportError(
            f"{name}: {VERIFYING_KEY} demands a signature, which registered versions alone have; register it with "
            f"`python -m pipeline promote {name}`, and name its version"
        )
    dataset = read_json(DATASET)
    if not can_be_served(dataset):
        raise ExportError(f"{DATASET}: does not say how its series is written; `dvc repro` prepares it anew")
    deployed = deployed_of(name)
    for part in deployed.parts:
        _refuse_outdated(part.candidate, part.seed)
    trial = deployed.trial
    facts = {"version": None, "candidate": name, "family": trial.family, "seed": deployed.seed}
    facts |= {"fingerprint": trial.fingerprint, "task": trial.task, "data": data_hash()}
    with TemporaryDirectory() as temporary:
        folder = write_served(Path(temporary), servable_of(deployed, dataset, {}))
        parts = count_of(len(deployed.parts), "model") if deployed.is_ensemble else f"seed {deployed.seed}"
        return read_original(folder, name, f"{name}, {parts}", facts)


def _refuse_outdated(name: str, seed: int) -> None:
    """Its classes, columns and data are said to be those of dataset.json, so they have to be.

    Raises:
        ExportError: other examples were prepared since it was trained, or a file is not as its stage wrote it.
    """
    described = results_folder(name) / "trial.json"
    for file in (DATASET, described, read_trial(name).model_file(seed)):
        if is_changed(file):
            raise ExportError(f"{file}: is not as its stage wrote it (dvc.lock); `dvc repro` makes it anew")
    if not dataset_of(described):
        raise ExportError(
            f"{results_folder(name)}: {name} learned from other examples than are prepared now; `dvc repro` trains it "
            "anew"
        )


def read_original(folder: Path, name: str, title: str, facts: Mapping[str, Any]) -> Original:
    """
    Args:
        folder: with models and served.json, as `answering.load` reads it.
        name: what a file of it is called; title: what people call it.
        facts: see `Original`.
    """
    description = read_json(folder / DESCRIPTION)
    members = description.get("members") or [{"model": description["model"], "weight": 1.0}]
    files = tuple((folder / member["model"]).resolve() for member in members)
    return Original(name, title, load(folder), files, tuple(float(member["weight"]) for member in members), facts)


def _in_float32(file: Path) -> Any:
    if file.suffix == ".keras":
        return _network_in_float32(file)
    model = read_model(file)
    if "features" in model.named_steps and "precision" in model.named_steps["features"].get_params():
        model.named_steps["features"].set_params(precision="float32")
    return model


def _network_in_float32(file: Path) -> Any:
    """A saved network with its own weights, which are float32 whatever it computes in.

    Recurrent layers are unrolled: their window has one length, and a loop is what runtimes know least about.
    """
    with TemporaryDirectory() as folder, ZipFile(file) as archive:
        copy = Path(folder) / file.name
        with ZipFile(copy, "w") as changed:
            for member in archive.infolist():
                content = archive.read(member)
                if member.filename == CONFIGURATION:
                    content = json.dumps(_with_float32(json.loads(content))).encode()
                changed.writestr(member, content)
        return load_network(copy)


def _with_float32(description: Any) -> Any:
    """A network's description, changed so."""
    if isinstance(description, dict):
        changes: dict[str, Any] = {"unroll": True} if "unroll" in description else {}
        return {key: _with_float32(value) for key, value in description.items()} | changes
    if isinstance(description, list):
        return [_with_float32(value) for value in description]
    return "float32" if description in ("mixed_bfloat16", "bfloat16") else description


def _computes_in_bfloat16(file: Path) -> bool:
    """A .keras file says so in its description; a .skops file in that of a backbone inside it."""
    with ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name in (CONFIGURATION, "schema.json")]
        return any(b"mixed_bfloat16" in archive.read(name) for name in names)
