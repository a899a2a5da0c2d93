"""One safe, repeatable command for a scheduler: a better champion, or the old one, and always a reason.

    python -m pipeline retrain                  # what a schedule calls
    python -m pipeline retrain --json           # a summary for programs on stdout
    python -m pipeline retrain --full --force   # the whole grid, even where nothing is new

Takes in data/incoming/, and where there is anything new trains the shortlist through `dvc repro`, compares the best of
it with the champion on today's test set, and promotes it, keeps the champion, or asks a person.

Exit codes: 0 nothing to do, or the champion stays; 10 a new champion; 20 a person has to decide; 1 failed. It may be
killed at any point: every step is complete or absent, so the next call goes on or starts over.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.champions import log as champions
from pipeline.champions.log import LOCK, Entry
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.datasets.photos.listing import ACCEPTED
from pipeline.locks import hold_at_once
from pipeline.operations.retraining.deciding import decide_and_record
from pipeline.operations.retraining.incoming import accepted_batches, clear_accepted, remove_from_incoming, remove_parts
from pipeline.operations.retraining.intake import Intake, take_in
from pipeline.operations.retraining.judging import ChampionsView
from pipeline.operations.retraining.news import what_is_new
from pipeline.operations.retraining.outcome import Outcome, notify
from pipeline.operations.retraining.publishing import publish
from pipeline.operations.retraining.shortlist import choose_shortlist, evaluate_targets, pick_challenger
from pipeline.operations.retraining.sources import fetch_into_incoming
from pipeline.operations.retraining.surroundings import (
    SurroundingsError,
    bring_comparison,
    bring_data,
    refuse_forgetful_runner,
    reproduce,
)
from pipeline.operations.retraining.versioning import commit, keep
from pipeline.ownership import refuse_foreign_files
from pipeline.params.candidates import Candidate
from pipeline.tracking.enrolment import data_hash, holds_photos

LOGS = Path(".kiyas/retrain")
WEBHOOK = "KIYAS_WEBHOOK"  # an address that takes the JSON summary; from the environment, since it may hold a secret

log = logging.getLogger("kiyas")


def run(as_json: bool, full: bool, force: bool, source: str | None, commit_it: bool, push: bool) -> int:
    """Retrain once, say how it ended, and return the exit code."""
    begun = time.monotonic()
    with _logged(as_json) as log_file:
        try:
            with hold_at_once(LOCK, "retrain"):
                outcome = _retrain(log_file, full, force, source)
                if commit_it or push:
                    commit(outcome.told()[:200], push)
        except Exception as error:  # whatever happens, the scheduler gets its code, its summary and its reason
            if os.environ.get("KIYAS_DEBUG"):
                raise
            log.error("retrain: %s", error)
            outcome = Outcome("failed", [str(error) or type(error).__name__])
        summary = outcome.summary(str(log_file), time.monotonic() - begun)
        log.info("%s", outcome.told())
        if address := os.environ.get(WEBHOOK):
            notify(address, summary)
    if as_json:
        print(json.dumps(summary, indent=2, ensure_ascii=False))
    return outcome.exit_code


def _retrain(log_file: Path, full: bool, force: bool, source: str | None) -> Outcome:
    refuse_forgetful_runner()
    bring_data()
    params = load_params()
    refuse_foreign_files(fetches=bool(params.data.fetch), by_content=True)
    _settle()
    fetched = fetch_into_incoming(source) if source else []
    reproduce(["prepare"], log_file)
    if not holds_photos():
        raise SurroundingsError(f"{params.data.path}: retrain takes labelled photos only, so far")
    champion = _champion()
    intake = take_in(params, champion, force)
    if intake.state == "nothing":
        remove_from_incoming(fetched)
    if intake.state == "refused":
        return _refuse(params, intake)
    if intake.state == "accepted":
        reproduce(["prepare"], log_file)
    news = what_is_new(force)
    if not news:
        return _nothing(intake, full)
    for line in news:
        log.info("%s", line)
    shortlist = params.candidates() if full else _shortlist(params, champion)
    log.info("training %s; tail -f %s", ", ".join(one.name for one in shortlist), log_file)
    reproduce([] if full else evaluate_targets(shortlist), log_file)
    outcome = decide_and_record(params, champion, pick_challenger(shortlist, params), intake)
    publish(params)
    return outcome


def _settle() -> None:
    """Finish or remove what a kill left behind."""
    remove_parts()
    clear_accepted()
    champions.remove_leftovers(champions.read_log())
    for folder in accepted_batches():
        if not folder.with_name(f"{folder.name}.dvc").is_file():
            keep(ACCEPTED / folder.name)


def _champion() -> ChampionsView | None:
    return ChampionsView(champions.current_champion()) if champions.current(champions.read_log()) else None


def _shortlist(params: Params, champion: ChampionsView | None) -> list[Candidate]:
    bring_comparison()
    waiting = champions.undecided(champions.read_log())
    return choose_shortlist(
        params,
        champion.champion.candidate if champion else None,
        champions.read_champion(waiting).candidate if waiting else None,
    )


def _refuse(params: Params, intake: Intake) -> Outcome:
    """Nothing was taken in; a person is asked to mend data/incoming, and the log says so once."""
    entries = champions.read_log()
    champion = champions.current(entries)
    if not entries or (entries[-1].event, entries[-1].reasons) != ("refused", intake.reasons):
        entry = Entry(champions.now(), "refused", None, champion, data_hash(), intake.reasons, None, intake.numbers)
        champions.append(entry)
        publish(params)
    return Outcome("asked", intake.reasons, champion, numbers=intake.numbers)


def _nothing(intake: Intake, full: bool) -> Outcome:
    entries = champions.read_log()
    champion, asked = champions.current(entries), champions.open_question(entries)
    if asked is not None:
        still = f"Asked on {asked.time} and not answered yet (`python -m pipeline promote N`):"
        return Outcome("asked", [still, *asked.reasons], champion, asked.version)
    options = "--full --force" if full else "--force"
    told = f"No data are new since the last decision, and no version waits for one; `{options}` trains all the same."
    return Outcome("nothing", [*intake.reasons, told], champion)


@contextmanager
def _logged(as_json: bool) -> Iterator[Path]:
    """A log file of this call; with JSON on stdout, what is said besides goes to stderr."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log_file = LOGS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    handler = logging.FileHandler(log_file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s"))
    root, streams = logging.getLogger(), _stream_handlers()
    before: list[Any] = [one.setStream(sys.stderr) for one in streams] if as_json else []
    root.addHandler(handler)
    try:
        yield log_file
    finally:
        root.removeHandler(handler)
        handler.close()
        for one, stream in zip(streams, before, strict=False):
            one.setStream(stream)


def _stream_handlers() -> list[logging.StreamHandler[Any]]:
    return [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
