"""One trial of a network's candidate, trained and laid where another node gets it from.

    python -m pipeline.operations.scaling.on_nodes.trial cnn-lecture 0 trials/cnn-lecture/seed-0

The command of a stage that `handover.py` adds to a node's clone. It trains as the candidate's stage would, by the same
code, in a process of its own as after a kill, and writes no results.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

from pipeline.configuration.loading import load_params
from pipeline.forking.libraries import import_keras_quietly, uncollected
from pipeline.ground.system_faults import tell_failure
from pipeline.operations.scaling.on_nodes.handover import link_files
from pipeline.ownership import refuse_damaged_weights
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "WARNING"}


def run(name: str, seed: int, out: Path) -> None:
    """Train it, unless it is kept here. (Imports come after Keras' own, which greets otherwise.)

    Args:
        name: of the candidate.
        out: a folder that gets the trial's files, in a folder named after what they are kept under.

    Raises:
        ParamsError: params.yaml has no such candidate.
        DamagedFileError: its backbone's weights are not what their stage wrote.
    """
    from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
    from pipeline.stages.assembly.training.network_trials import train_and_keep
    from pipeline.stages.assembly.training.trial_settings import read_trial_settings
    from pipeline.training.precision import choose_precision

    candidate = next((one for one in load_params().candidates() if one.name == name), None)
    if candidate is None:
        raise ParamsError(f"{PARAMS_FILE}: names no candidate {name}")
    if candidate.backbone:
        refuse_damaged_weights(candidate.backbone)
    data = load_prepared(DEVELOPMENT)
    plan = importlib.import_module(f"pipeline.stages.{candidate.training_stage}").plan_candidate(candidate, data)
    settings = replace(read_trial_settings(), seeds=[seed])
    _, kept = train_and_keep(plan, choose_precision(plan.training.precision, data.kind), data, settings)
    link_files(kept.files(seed), out / kept.fingerprint)


def main() -> int:
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("kiyas").setLevel(logging.INFO)
    logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())
    name, seed, out = sys.argv[1:4]
    try:
        with uncollected():
            import_keras_quietly()
        run(name, int(seed), Path(out))
    except (ValueError, OSError, MemoryError) as error:
        tell_failure("trial", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
