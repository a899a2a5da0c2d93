"""Every command of `python -m pipeline`, one row each: the command line, `--help` and MLproject are made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal

from pipeline.commands import names
from pipeline.params.schema.families import families, family_named


@dataclass(frozen=True)
class Argument:
    """One argument of a command.

    Attributes:
        flag: as it is typed, such as "--backbone"; without dashes where its place says which it is.
        meaning: what `--help` says of it, and the refusal of a name that is not known: "… is not <meaning>".
        known: the names that it can have; None where it is no name of something in this checkout.
        options: what else `argparse` is to know of it.
        kind: its type in MLproject.
        default: its value in MLproject where `mlflow run` gives none.
    """

    flag: str
    meaning: str
    known: Callable[[], Sequence[str]] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    kind: Literal["string", "float", "path"] = "string"
    default: str | None = None

    @property
    def name(self) -> str:
        """What it is called in the code and in MLproject."""
        return str(self.options.get("dest", self.flag.lstrip("-").replace("-", "_")))

    @property
    def required(self) -> bool:
        named = not self.flag.startswith("-") and self.options.get("nargs") not in ("*", "?")
        return bool(self.options.get("required")) or named

    @property
    def optional_name(self) -> bool:
        """Whether its place says which it is, and it may be left out: MLproject asks for it all the same."""
        return not self.flag.startswith("-") and self.options.get("nargs") == "?"


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        room: the package with the module of its name, whose `run` takes the arguments.
        purpose: what it does, in one line.
        trains: what it trains or asks: a network (always), a candidate, the champion or any of the two or a version (a
            network or not, by its name), or nothing.
        entry_point: what MLproject runs, where that is not the command with its required arguments.
        note: a comment above its entry point.
    """

    name: str
    room: Literal["stages", "operations"]
    purpose: str
    arguments: tuple[Argument, ...] = ()
    trains: Literal["network", "candidate", "champion", "model", None] = None
    entry_point: str | None = None
    note: str | None = None

    @property
    def module(self) -> str:
        """The module of its name within the room."""
        return self.name.replace("-", "_")


def _named(flag: str, meaning: str, known: Callable[[], Sequence[str]], **in_mlproject: Any) -> Argument:
    """A required argument that names something in this checkout."""
    return Argument(flag, meaning, known, {"required": True}, **in_mlproject)


def _switch(flag: str, meaning: str, **options: Any) -> Argument:
    return Argument(flag, meaning, options={"action": "store_true", **options})


def _text(flag: str, meaning: str, **options: Any) -> Argument:
    return Argument(flag, meaning, options=options)


BACKBONE = _named("--backbone", "a row of backbones.yaml", names.backbones)
CANDIDATE = _named("--candidate", "a candidate's full name, such as cnn-lecture", names.candidates)
AS_JSON = _switch("--json", "as JSON", dest="as_json")
FILES = Argument(
    "files",
    "photos or folders of photos; CSV or Parquet files",
    options={"nargs": "+", "metavar": "FILE"},
    kind="path",
)
TARGETS = Argument(
    "targets",
    "stages, as `dvc repro` takes them (default: the whole graph)",
    options={"nargs": "*", "metavar": "STAGE"},
)
VERSION = Argument(
    "version",
    "a version's number (default: the champion's)",
    options={"nargs": "?", "type": names.whole_number, "metavar": "N"},
)
MINUTES = {"type": names.positive_number, "metavar": "N"}
TOLERANCE = {"type": names.positive_number, "default": 1e-3, "metavar": "X"}
NEW_PHOTOS = {"dest": "source", "metavar": "URL"}
IF_CHANGED = {"type": names.kinds_of_change, "metavar": "code,params"}


@cache
def stages() -> tuple[Command, ...]:
    """One command for each stage of dvc.yaml; the evaluate-* stages share one."""
    return (
        Command("folders", "stages", "make the folders that stages fill, and refuse what lies there and is not theirs"),
        Command(
            "fetch",
            "stages",
            "get a named source and put it into data/raw",
            (_named("--source", "a named source, such as groceries", names.sources, default="groceries"),),
        ),
        Command("prepare", "stages", "read, check and split the examples into data/prepared"),
        Command("backbone", "stages", "write down which file a backbone of one's own is", (BACKBONE,)),
        Command("weights", "stages", "get a backbone's pretrained weights into data/weights", (BACKBONE,), "network"),
        Command(
            "baseline",
            "stages",
            "train a classical model",
            (_named("--model", "a row of classical.yaml that needs no backbone", names.models),),
        ),
        Command(
            "probe",
            "stages",
            "train a classical model on a frozen backbone's features",
            (_named("--model", "a row of classical.yaml with pooled features", names.probes), BACKBONE),
            "network",
        ),
        *map(_from_scratch, (name for name, family in families().items() if family.architectures)),
        Command(
            "finetune",
            "stages",
            "fine-tune a pretrained backbone",
            (BACKBONE, _named("--strategy", "a key of strategies in params.yaml", names.strategies)),
            "network",
        ),
        Command(
            "growth",
            "stages",
            "train a candidate again on a share of the data",
            (
                _named("--candidate", "one of study.candidates in params.yaml", names.studied_candidates),
                _named("--fraction", "one of study.fractions in params.yaml", names.studied_fractions, kind="float"),
            ),
            "candidate",
        ),
        Command(
            "evaluate", "stages", "measure a trained candidate, on the sealed test split too", (CANDIDATE,), "candidate"
        ),
        Command(
            "soup",
            "stages",
            "average the weights of a fine-tuned candidate's seeds, and measure that network",
            (_named("--candidate", "one of compare.ensembles.soups in params.yaml", names.souped_candidates),),
            "network",
        ),
        Command("compare", "stages", "rank all candidates, answer, and write the report"),
    )


def _from_scratch(family: str) -> Command:
    """The stage of a family that is trained from scratch: each of its architectures is a key of params.yaml."""
    row = family_named(family)
    known = partial(names.architectures, family)
    meaning = f"a key of {row.architectures} in params.yaml"
    architecture = _named("--architecture", meaning, known, default="lecture")  # every family comes with one
    return Command(family, "stages", f"train {row.words.noun}", (architecture,), "network")


OPERATIONS = (
    Command(
        "start",
        "operations",
        "look at photos or a table, and write params.yaml for them, in the minutes that there are",
        (
            Argument(
                "path",
                "a folder, an archive or a table (default: what params.yaml names)",
                options={"nargs": "?", "metavar": "PATH"},
                default="data/raw",
            ),
            _switch("--replace", "write over uncommitted changes of params.yaml; they are kept beside it"),
            _text("--target", "the column to predict, or of the classes of photos", metavar="COLUMN"),
            _text("--labels", "the table that labels the photos (none: folders do)", metavar="FILE"),
            _text("--minutes", "how long all of it may take", type=names.positive_number, metavar="N"),
            Argument("--prefer", "what the advice weighs: a value of compare.prefer", names.preferences),
            Argument("--task", "classification or regression", names.tasks),
            _text("--time", "the column that orders a series (none: a plain table)", metavar="COLUMN"),
            _text("--window", "how many last values a series is predicted from", type=names.whole_number, metavar="N"),
            _text("--group", "the column of what must stay on one side (none: there is none)", metavar="COLUMN"),
            _text("--image-size", "pixels a side", type=names.whole_number, metavar="N"),
            _switch("--no-measuring", "choose by what is known of this machine; else networks are timed first"),
        ),
        entry_point="start {path}",
    ),
    Command(
        "plan",
        "operations",
        "say what is due and how long it takes on this machine; or what fits into some minutes",
        (
            TARGETS,
            AS_JSON,
            _switch("--no-measuring", "time no network first; what is not known counts as on another machine"),
            _text("--minutes", "say what of params.yaml fits into so many, from nothing", **MINUTES),
            _switch("--write", "with --minutes: cut params.yaml to that; it is kept as it was beside it"),
        ),
    ),
    Command("repro", "operations", "run what is due, show how far it has come, and end with the answer", (TARGETS,)),
    Command(
        "fanout",
        "operations",
        "run what is due on several machines, and end with what this one would have made",
        (
            TARGETS,
            _text("--address", "a Ray cluster, such as ray://head.cluster:10001", metavar="URL"),
            _text("--local", "so many stages at a time on this machine", type=names.whole_number, metavar="N"),
            _text("--slurm", "so many jobs of Slurm at a time", type=names.whole_number, metavar="N"),
            _switch("--dry-run", "print the plan, and how long it takes on 1, 2, 4, 8 and 16 nodes"),
        ),
        entry_point="fanout --dry-run",
    ),
    Command("status", "operations", "say how far a run has come, from another terminal, or what is due", (AS_JSON,)),
    Command(
        "check",
        "operations",
        "validate params.yaml and say what it would run; or see whether a candidate keeps its promises",
        (Argument("--candidate", CANDIDATE.meaning, names.possible_candidates),),
        "candidate",
    ),
    Command("enrol", "operations", "register what the comparison advises in champions/"),
    Command("track", "operations", "register what the comparison advises, then make MLflow show what is on disk"),
    Command(
        "prune",
        "operations",
        "remove results that the parameters no longer name",
        (_switch("--dry-run", "say what would go, remove nothing"),),
    ),
    Command(
        "study",
        "operations",
        "run a parameter file of studies/ in a workspace of its own",
        (Argument("name", "a file of studies/ (without .yaml), such as quick", names.studies),),
    ),
    Command(
        "retrain",
        "operations",
        "take in new data, retrain, and promote what is better; for a scheduler",
        (
            _switch("--json", "a summary as JSON on stdout", dest="as_json"),
            _switch("--full", "the whole grid instead of the shortlist"),
            _switch("--force", "even where nothing is new"),
            _text(
                "--from",
                "bring new photos, rows or labels from there first",
                type=names.place_of_photos,
                **NEW_PHOTOS,
            ),
            _switch("--commit", "commit dvc.lock and pointers", dest="commit_it"),
            _switch("--push", "commit, then push to the DVC and git remotes"),
            _text("--if-changed", "also where code or parameters are new, and the data are not", **IF_CHANGED),
        ),
        entry_point="retrain || [ $? -eq 10 ]",
        note="A new champion (exit code 10) is a success; where a person has to decide (20), the run counts as failed.",
    ),
    Command(
        "schedule",
        "operations",
        "write what makes a scheduler call retrain",
        (
            _text("--cron", "when, as cron writes it", required=True, metavar="'0 3 * * 1'"),
            Argument(
                "--kind",
                "systemd, crontab or github (default: systemd)",
                lambda: ("systemd", "crontab", "github"),
                {"type": lambda kind: {"cron": "crontab"}.get(kind, kind), "default": "systemd"},
            ),
            _text("--output", "where to write instead of the usual place", metavar="FOLDER"),
            _text("--from", "bring new photos or rows from there each time", **NEW_PHOTOS),
            _text("--if-changed", "also when code or parameters are new, and the data are not", **IF_CHANGED),
        ),
    ),
    Command(
        "predict",
        "operations",
        "ask the champion about photos, or rows of a table",
        (
            FILES,
            _switch("--json", "as JSON, with every probability", dest="as_json"),
            _text("--parquet", "write a Parquet file, a row an answer", metavar="OUT"),
        ),
        trains="champion",
        entry_point="predict --json {file}",
    ),
    Command(
        "export",
        "operations",
        "write a model as an ONNX or LiteRT file, once both are seen to answer alike",
        (
            Argument(
                "name",
                "a version's number or a candidate's name (default: the champion)",
                names.versions_and_candidates,
                {"nargs": "?"},
            ),
            _named("--format", "onnx or litert", lambda: ("onnx", "litert"), default="onnx"),
            _text("--to", "the file to write (default: one in exports/)", metavar="FILE"),
            _text("--tolerance", "accepted difference of a probability (default: 0.001)", **TOLERANCE),
        ),
        trains="model",
        entry_point="export --format {format} {name}",
    ),
    Command(
        "label-next",
        "operations",
        "propose which unlabelled photos, or rows of a table, to label next",
        (
            FILES,
            _text("--number", "how many (default: 50)", type=names.whole_number, default=50, metavar="N"),
            _text("--output", "the folder to write into (default: label-next)", default="label-next", metavar="FOLDER"),
        ),
        trains="champion",
        entry_point="label-next {file}",
    ),
    Command(
        "watch",
        "operations",
        "estimate how well the champion does on photos or rows without labels, and whether labels are worth asking for",
        (FILES, AS_JSON),
        trains="champion",
        entry_point="watch {file} || [ $? -eq 20 ]",
        note="Where labels are worth asking for (exit code 20), the run is a success, too.",
    ),
    Command("champions", "operations", "list every registered model and every decision about it", (AS_JSON,)),
    Command(
        "promote",
        "operations",
        "make a registered version, or a candidate of the comparison, the champion, because you say so",
        (Argument("version", "a version's number or a candidate's name", names.versions_and_candidates),),
    ),
    Command("sign", "operations", "sign a registered version with the key that KIYAS_SIGNING_KEY names", (VERSION,)),
    Command(
        "verify",
        "operations",
        "say whether a registered version is as it was registered, and signed where that is demanded",
        (VERSION,),
    ),
    Command("rollback", "operations", "make the previous champion the champion again"),
    Command(
        "graph",
        "operations",
        "compare dvc.yaml with what its stages import, and MLproject with the commands",
        (_switch("--write", "fill it in"),),
    ),
)


@cache
def commands() -> dict[str, Command]:
    """All commands by name."""
    return {command.name: command for command in (*stages(), *OPERATIONS)}
