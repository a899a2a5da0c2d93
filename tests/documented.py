"""What the documentation lets a reader type: the lines of its blocks, and which test runs each, or why none does."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sybil import Document
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").glob("*.md"))]
PROGRAM = "python -m pipeline"
PROMPT = "$ "
SHELL = ("sh", "console")  # typed line by line; typed behind a prompt, with what is answered below

START, SCHEDULE, TUTORIAL, PHOTOS = "start", "schedule", "the tutorial", "a comparison of photos"
RUN = {  # place: the commands that its test types
    START: ["python -m pipeline start( (?!PATH|rows.csv --target COLUMN).*)?"],  # test_documentation.py
    SCHEDULE: ["python -m pipeline schedule .*"],  # test_documentation.py
    TUTORIAL: [  # test_tutorial.py
        "python -m pipeline enrol",
        r"python -m pipeline predict (new|patients)\.csv --json",
    ],
    PHOTOS: [  # test_end_to_end.py
        r"python -m pipeline predict (photos?|foto)\..*",
        "python -m pipeline (plan|repro|status|champions|rollback|check|track|prune)",
        "python -m pipeline plan finetune@resnet50-full",
        "python -m pipeline promote finetune-resnet50-full",
        "python -m pipeline plan --minutes 30",
    ],
}
NOT_RUN = {  # what no test types as it stands: why
    "git clone ADDRESS .*": "the address is the reader's",
    "python -m pip install --no-deps keras-hub.*": "installs packages; requirements.lock has them, and tests use them",
    "make [a-z-]+( [A-Z]+=[^ ]+)*": "each target sets .venv up first; what it runs is compared with the commands, and "
    "these are typed here",
    r"python -m pipeline study (\w+|NAME|<name>)": "minutes to hours; tests/operations/test_study.py runs a small one",
    "python -m pipeline repro finetune@resnet50-full": "trains for minutes; a part of `repro`, which is run",
    "python -m pipeline retrain( --from s3:.*| --if-changed code,params)?": "trains anew, from a bucket; "
    "tests/operations/retraining runs it, tests/champions/test_made_with.py says what counts as changed",
    "python -m pipeline label-next .*": "need a champion and unlabelled "
    "data; tests/operations/test_label_next.py and test_label_next_rows.py make both",
    "python -m pipeline export .*": "tests/operations/exporting types it, with a small champion",
    "python -m pipeline predict sales.csv": "tests/operations/retraining/test_life_of_a_series.py asks it",
    r"python -m pipeline watch (shelf/( --json)?|(patients|sales)\.csv)": "tests/operations/watching and "
    "tests/operations/retraining ask photos, rows and steps",
    "python -m pipeline (sign( 3)?|verify 3)": "need a key and a champion; tests/operations/test_sign.py has both",
    "openssl .*": "makes keys; tests/champions/integrity/test_signing.py makes such ones",
    "python -m pipeline promote N": "answers what a retraining asks; tests/operations/retraining/test_life.py",
    "python -m pipeline plan --minutes N --write": "N is any number; tests/operations/starting/test_budget.py",
    "python -m pipeline graph --write": "writes into the checkout; tests/test_graph.py compares",
    "python -m pipeline fanout.*": "needs a cluster, a remote and a clean commit; tests/operations/scaling makes them",
    "(ray|kubectl) .*": "on machines of a cluster",
    "git commit .*": "the reader's own commit",
    "python -m pipeline( COMMAND)?( --help)?": "lists; tests/test_command_line.py",
    "python -m pipeline start (PATH|rows.csv --target COLUMN)": "PATH and COLUMN are the reader's; others are typed",
    "python -m pipeline check --candidate (finetune-my_backbone-full|classical-extra_trees_hog)": "rows and a file of "
    "the reader's; tests/operations/checking/test_own_backbone.py and test_candidate.py have them",
    "python -m pipeline (fetch|weights)": "stages of the graph, which `repro` runs",
    r"(\.venv/bin/)?mlflow (server|models serve|run|db upgrade).*": "serve until they are stopped, or train; "
    "tests/champions/test_bundle.py, tests/tracking/test_server.py and tests/commands/test_mlproject.py start them",
    "(printf|curl) .*": "ask a server that runs; tests/champions/test_bundle.py sends photos, "
    "tests/operations/predicting/test_rows.py rows",
    "dvc (add|checkout|dag|exp|gc|metrics|plots|pull|push|remote|repro|stage)( .*)?|dvc repro, a network": "DVC's own "
    "commands; tests/test_dvc_views.py runs those that show something of ours",
    "(openssl|python -m pipeline sign|python -m pipeline verify)( .*)?": "a key of the reader's; "
    "tests/champions/integrity/test_signing.py",
    r"\.venv/bin/python -m pip .*": "changes the environment; for a GPU",
    "(sudo|ssh|systemctl|loginctl|mkdir|pg_dump|export|git add|.crontab) ?.*": "changes the machine, another one, or "
    "what is committed",
}


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: within the checkout.
        line: where it begins, from 1.
    """

    page: str
    line: int
    language: str
    source: str

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command, without its comment, and the lines that the page shows as its answer."""
        lines = self.source.replace("\\\n", " ").splitlines()
        if self.language == "sh":
            yield from ((without_comment(line), []) for line in lines if line.strip())
            return
        begins = [number for number, line in enumerate(lines) if line.startswith(PROMPT)]
        for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
            yield without_comment(lines[begin].removeprefix(PROMPT)), lines[begin + 1 : end]


def blocks(*languages: str) -> list[Block]:
    """Those of these languages on all pages; of all languages where none is named."""
    found = []
    for page in PAGES:
        document = Document(page.read_text(encoding="utf-8"), str(page))
        for region in FencedCodeBlockLexer(r"\w*")(document):
            line = document.text[: region.start].count("\n") + 1
            block = Block(
                str(page.relative_to(ROOT)), line, str(region.lexemes["language"]), str(region.lexemes["source"])
            )
            if not languages or block.language in languages:
                found.append(block)
    return found


def typed() -> dict[str, str]:
    """{command: the page that lets a reader type it first}, in blocks and in running text."""
    found: dict[str, str] = {}
    for block in blocks(*SHELL):
        for command, _ in block.commands():
            found.setdefault(command, block.page)
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for command in re.findall(rf"`({PROGRAM}(?: [^`]*)?|(?:make|dvc|mlflow) [a-z][^`]*)`", text):
            found.setdefault(" ".join(command.split()), str(page.relative_to(ROOT)))
    return found


def of_place(place: str) -> list[str]:
    """The commands that the test of a place has to type, in the order of the pages."""
    return [command for command in typed() if place_of(command) == place]


def place_of(command: str) -> str | None:
    """Where a command is run; None where no test runs it, or nobody has said which."""
    return next((place for place, patterns in RUN.items() if _fits(command, patterns)), None)


def reason_of(command: str) -> str | None:
    """Why no test runs a command; None where nobody has said so."""
    return next((reason for pattern, reason in NOT_RUN.items() if re.fullmatch(pattern, command)), None)


def without_comment(line: str) -> str:
    return re.sub(r"\s+# .*$", "", line.strip())


def _fits(command: str, patterns: list[str]) -> bool:
    return any(re.fullmatch(pattern, command) for pattern in patterns)


def run_elsewhere(report: Path) -> Any:
    """What the report says to type in Python where there is no checkout, typed here; returns what it answers with."""
    (code,) = re.findall(r"<pre[^>]*>(import mlflow\.pyfunc.+?)</pre>", report.read_text(encoding="utf-8"), re.DOTALL)
    lines, _, answer = html.unescape(code).rpartition("\n")
    named: dict[str, Any] = {}
    exec(lines, named)
    return eval(answer, named)
