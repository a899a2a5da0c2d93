"""The command line: one sub-command for each stage of dvc.yaml and each operation around it.

    python -m pipeline --help
    python -m pipeline check
    python -m pipeline finetune --backbone resnet50 --strategy full

DVC calls the stages; a person calls the operations. Each module is imported only when its sub-command runs, so that
--help needs neither TensorFlow nor MLflow.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import re
import sys

from pipeline.params.loading import load_params
from pipeline.params.reading import ParamsError

# name: (module, what it does, {argument: help})
STAGES: dict[str, tuple[str, dict[str, str]]] = {
    "fetch": ("get a named source and put it into data/raw", {"source": "its name, such as groceries"}),
    "prepare": ("read, check and split the examples into data/prepared", {}),
    "weights": ("get a backbone's ImageNet weights into data/weights", {"backbone": "a row of backbones.yaml"}),
    "baseline": ("train a classical model", {"model": "a row of classical.yaml"}),
    "probe": (
        "train a classical model on a frozen backbone's features",
        {"model": "a row of classical.yaml with pooled features", "backbone": "a row of backbones.yaml"},
    ),
    "cnn": ("train a CNN from scratch", {"architecture": "a key of architectures in params.yaml"}),
    "mlp": ("train a multilayer perceptron on a table", {"architecture": "a key of mlp_architectures in params.yaml"}),
    "recurrent": (
        "train a recurrent network on a series",
        {"architecture": "a key of recurrent_architectures in params.yaml"},
    ),
    "finetune": (
        "fine-tune a pretrained backbone",
        {"backbone": "a row of backbones.yaml", "strategy": "a key of strategies in params.yaml"},
    ),
    "growth": (
        "train a candidate again on a share of the data",
        {"candidate": "such as cnn-lecture", "fraction": "of each seed's training examples, such as 0.1"},
    ),
    "evaluate": ("measure a trained candidate, on the sealed test split too", {"candidate": "such as cnn-lecture"}),
    "compare": ("rank all candidates, answer, and write the report", {}),
}
OPERATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "check": ("validate params.yaml and say what it would run", {}),
    "track": ("make MLflow show exactly what is on disk", {}),
    "prune": ("remove results that the parameters no longer name", {}),
    "retrain": ("take in new data, retrain, and promote what is better; for a scheduler", {}),
    "schedule": ("write what makes a scheduler call retrain", {}),
    "predict": ("ask the champion about photos, or rows of a table", {}),
    "champions": ("list every registered model and every decision about it", {}),
    "promote": ("make a registered version the champion, because you say so", {}),
    "rollback": ("make the previous champion the champion again", {}),
    "graph": ("compare the code that dvc.yaml's stages depend on with what they import", {}),
    "study": ("run a parameter file of studies/ in a workspace of its own", {}),
}


USES_KERAS = {
    "weights",
    "probe",
    "cnn",
    "mlp",
    "recurrent",
    "finetune",
}  # and growth and evaluate, for what these train
WITHOUT_KERAS = re.compile(r"classical-\w+(-0\.\d+)?")  # candidates that no backbone's name completes


def main(arguments: list[str] | None = None) -> int:
    options = vars(_parser().parse_args(arguments))
    command = options.pop("command")
    _quieten()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("kiyas").setLevel(logging.INFO)
    home = "stages" if command in STAGES else "operations"
    try:
        if command in STAGES:
            load_params()  # the whole of it, whatever the stage needs
        candidate = options.get("candidate")
        if command in USES_KERAS or (candidate and not WITHOUT_KERAS.fullmatch(candidate)):
            _import_keras_quietly()
        status: int | None = importlib.import_module(f"pipeline.{home}.{command}").run(**options)
    except (ParamsError, ValueError, OSError) as error:
        if os.environ.get("KIYAS_DEBUG"):
            raise
        print(f"kiyas {command}: {error}", file=sys.stderr)
        return 1
    return status or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Kıyas answers: which model should I train? `dvc repro` runs the stages; these run one by hand.",
        epilog="Start with `python -m pipeline check`; the answer ends up in comparison/report.html.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (purpose, arguments) in (STAGES | OPERATIONS).items():
        command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        for argument, meaning in arguments.items():
            command.add_argument(f"--{argument}", required=True, help=meaning)
        if name == "study":
            command.add_argument("name", help="a file of studies/, without .yaml; such as quick")
        if name == "retrain":
            command.add_argument("--json", dest="as_json", action="store_true", help="a summary as JSON on stdout")
            command.add_argument("--full", action="store_true", help="the whole grid instead of the shortlist")
            command.add_argument("--force", action="store_true", help="even where nothing is new")
            command.add_argument("--from", dest="source", metavar="URL", help="bring new photos from there first")
            command.add_argument("--commit", dest="commit_it", action="store_true", help="commit dvc.lock and pointers")
            command.add_argument("--push", action="store_true", help="commit, then push to the DVC and git remotes")
        if name == "schedule":
            command.add_argument("--cron", required=True, metavar="'0 3 * * 1'", help="when, as cron writes it")
            kinds = ("systemd", "crontab", "github")
            command.add_argument("--kind", choices=kinds, default="systemd", help="whose scheduler (default: systemd)")
            command.add_argument("--output", metavar="FOLDER", help="where to write instead of the usual place")
            command.add_argument("--from", dest="source", metavar="URL", help="bring new photos from there each time")
        if name == "predict":
            command.add_argument(
                "files", nargs="+", metavar="FILE", help="photos or folders of photos; CSV or Parquet files"
            )
            command.add_argument("--json", dest="as_json", action="store_true", help="as JSON, with every probability")
            command.add_argument("--parquet", metavar="OUT", help="write a Parquet file, a row an answer")
        if name == "champions":
            command.add_argument("--json", dest="as_json", action="store_true", help="as JSON")
        if name == "promote":
            command.add_argument("version", type=int, help="its number, as `champions` lists it")
        if name == "graph":
            command.add_argument("--write", action="store_true", help="fill it in")
        if name == "prune":
            command.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    return parser


def _import_keras_quietly() -> None:
    """TensorFlow greets from C++ before any logging can be set; what it raises still comes through.

    Its advice against tracing more than one graph is left out: one for each phase and block is what training wants.
    """
    logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        importlib.import_module("keras")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _quieten() -> None:
    """No start-up noise from TensorFlow, no usage reports from DVC or MLflow."""
    for key, value in {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }.items():
        os.environ.setdefault(key, value)


if __name__ == "__main__":
    sys.exit(main())
