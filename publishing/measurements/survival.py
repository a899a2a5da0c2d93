"""docs/results/survival.md: which faults were tried, how often, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.formats import listed
from publishing.markdown import table
from publishing.measurements.kept import origin, rows_of
from publishing.paths import RESULTS

HEAD = """# Faults, tried

`python -m benchmarks.survive` tries them; what stands here is what it wrote. The tests run a short part of each with
fixed seeds.

## Damaged inputs

Bytes of sound files are changed, taken out and put in at drawn places, and the files given to the code that reads them.
Each is either read (the damage did not matter, or made another file that can be read), or refused in a sentence that
names it. A fault is an error without a name, or an input that takes longer than five seconds.

"""
KILLS = """
## Kills

`--kills` kills whole commands with `kill -9` in a checkout in miniature, at moments that are drawn in processor time:
the command itself (what it has started goes on), the newest process that it has started, all of them, or the command
first and what it left behind later; every third time all of them get the signal of Ctrl-C or of a shutdown in place of
that. So it goes up to four times in a row. Then the command is called once more. Compared with an undisturbed run are,
bit for bit, the prepared data, each candidate's recipe, history, metrics and predictions, and the ranking but for its
costs; the name of every file that is not DVC's, git's or MLflow's own; MLflow's runs with
their status and number of metrics; the events in the log of decisions; and the processes that are left. The files of
models are compared by name alone, since they carry dates; what they answer stands in the predictions. In the last two
kills of `dvc repro` so were verdict.json but for what a clock decides, the hashes in `dvc.lock`, and DVC's locks, which
nobody may hold and the next run has to be able to read; the kills before them were not compared so.
"""
GUIDED = """
Fuzzers look for inputs by themselves with `--guided`: atheris by the lines of Pillow's readers and of ours that a photo
reaches, schemathesis by what a served model says that it takes. An answer of 500 and above is a fault.
"""
FAULTS = """
## Faults of the machine

`--faults` puts the checkout into a file system of its own in memory and leaves it a drawn amount of room, fills it at a
drawn moment, makes it read-only, or takes memory, the home folder or the right time away. The command has to end in a
sentence that says what was refused and where; called again without the fault, it has to come to what an undisturbed run
comes to. Single calls fail by a library that is loaded before the C library (it needs `cc`): a write, a flush or a
closing of a file ends with an input/output error, writes a part only, or finds its folder's file system full. By the
same library the time of day goes back between two decisions. Two users of one group who share a checkout are in the
tests: what the second one runs works, or says who is to let him write what.
"""
MANY = """
## Many at once, and many in a row

`--many` starts commands at once, all but the writers when the first has done a third of its work; afterwards there has
to be what one of them makes by itself. A second `retrain` ends at once and names the first. Then `retrain` runs so many
times in a row: of its memory, open files, MLflow's database and the checkout the second half may not leave more than a
decision takes.
"""
SPREAD = """
## Kills in a run on several machines

`--spread` runs a classical model and a CNN, whose two seeds are trained apart, by `fanout` on a Ray cluster of three
nodes on one machine, with a remote over SSH and a tracking server on PostgreSQL. In every round each of the six parts
below is killed at most once with `kill -9`, at moments that are drawn in processor time; the table counts the kills
that happened. The remote and the tracking server come back after 1 to 15 seconds, a node does not; after a kill of the
driver or the head, `fanout` is started again. In the end there has to be what one machine makes by itself, compared as
after kills, and by the hashes of `dvc.lock`; and on the nodes no process, no temporary file, and
nothing outside of the folder that `scale.cache_gb` bounds.
"""


def page() -> str:
    """Of each campaign that was run: its table."""
    campaigns = [
        ("_guided", GUIDED, _guided),
        ("_kills", KILLS, _kills),
        ("_faults", FAULTS, _faults),
        ("_many", MANY, _many),
        ("_spread", SPREAD, _spread),
    ]
    parts = [
        line
        for name, head, rows in campaigns
        if (RESULTS / f"{_name(name)}.json").is_file()
        for line in (head, origin(_name(name)), "", *rows())
    ]
    return HEAD + "\n".join([*_inputs(), *parts]) + "\n"


def _name(campaign: str) -> str:
    return f"survive{campaign}"


def _inputs() -> Iterator[str]:
    rows = rows_of(_name(""))
    yield f"{origin(_name(''))}\n"
    cells = [[row["input"], *(f"{row[key]:,}" for key in ("tried", "read", "refused", "fault"))] for row in rows]
    yield table(["input", "tried", "read", "refused by name", "faults"], cells)


def _guided() -> Iterator[str]:
    rows = rows_of(_name("_guided"))
    cells = [
        [row["input"], *(f"{row[key]:,}" for key in ("tried", "read", "refused")), str(len(row["faults"]))]
        for row in rows
    ]
    yield table(["input", "tried", "read or answered", "refused", "faults"], cells)


def _kills() -> Iterator[str]:
    rows = rows_of(_name("_kills"))
    cells = [
        [f"`{row['command']}`", *(str(row.get(key, 0)) for key in ("kills", "signals", "rounds")), _found(row)]
        for row in rows
    ]
    yield table(["command", "kills", "signals", "rounds", "differences afterwards"], cells)
    seconds = sum(row["processor_seconds"] for row in rows)
    yield f"\n{sum(row['kills'] for row in rows)} kills, in {seconds:,} seconds of processor time."


def _faults() -> Iterator[str]:
    rows = rows_of(_name("_faults"))
    cells = [[row["fault"], str(row["tried"]), str(row["struck"]), _found(row)] for row in rows]
    yield table(["fault", "tried", "struck", "differences afterwards"], cells)


def _many() -> Iterator[str]:
    *crowds, row = rows_of(_name("_many"))
    cells = [[crowd["crowd"], str(crowd["commands"]), _found(crowd)] for crowd in [*crowds, row]]
    yield table(["at once", "commands", "differences afterwards"], cells)
    first, last = row["first"], row["last"]
    grown = [
        f"{what} {first[key]:,} {unit} after the first and {last[key]:,} {unit} after the last"
        for what, key, unit in (
            ("a retraining's memory was", "peak_mb", "MB"),
            ("open files of the caller were", "open_files", "files"),
            ("MLflow's database", "database_mb", "MB"),
            ("the checkout", "checkout_mb", "MB"),
        )
    ]
    runs, megabytes = ((last[key] - first[key]) / (last["number"] - first["number"]) for key in ("runs", "checkout_mb"))
    yield (
        f"\nIn a row: {listed(grown)}. Database and checkout are not flat, since each decision is kept: "
        f"{runs:.1f} runs in MLflow and {megabytes:.2f} MB of the checkout a retraining."
    )


def _spread() -> Iterator[str]:
    rows = rows_of(_name("_spread"))
    yield table(["killed", "times"], [[row["victim"], str(row["kills"])] for row in rows])
    rounds, found = rows[0]["rounds"], _found(rows[0])
    yield f"\nIn {rounds} round{'' if rounds == 1 else 's'}; differences afterwards: {found}."


def _found(row: dict[str, Any]) -> str:
    """What was found, and what of that was mended since and tried again."""
    faults, mended = len(row["faults"]), len(row.get("mended", []))
    return " and ".join([str(faults) if faults else "none", *([f"{mended} since mended"] if mended else [])])
