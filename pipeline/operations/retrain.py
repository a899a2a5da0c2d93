"""One safe, repeatable command for a scheduler: a better champion, or the old one, and always a reason.

    python -m pipeline retrain                  # what a schedule calls
    python -m pipeline retrain --json           # a summary for programs on stdout
    python -m pipeline retrain --full --force   # the whole grid, even where nothing is new
    python -m pipeline retrain --if-changed code,params   # also where code or parameters are new, and the data are not

Registers what the comparison on disk advises, as `python -m pipeline enrol` does, then takes in data/incoming/. If
anything is new, it trains the shortlist through `dvc repro`, compares the best of it with the champion on today's test
set, and promotes it, keeps the champion, or asks a person.

Exit codes: 0 nothing to do, or the champion stays; 10 a new champion; 20 a person has to decide; 1 failed. It may be
killed at any point: every step is complete or absent, so the next call goes on or starts over.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline.champions.current import refuse_changed
from pipeline.champions.integrity.keeping import is_kept
from pipeline.champions.integrity.signed_log import refuse_changed_log
from pipeline.champions.integrity.signing import refuse_unsignable
from pipeline.champions.log import LOCK, LOG, Entry, append, current, news, now, open_question, read_log, undecided
from pipeline.champions.made_with import changed
from pipeline.champions.prepared_data import data_hash
from pipeline.champions.versions import current_champion, read_champion, remove_leftovers
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.credentials import without_credentials
from pipeline.datasets.accepted import ACCEPTED
from pipeline.dvc_command import VersioningError, keep, reproduce
from pipeline.ground import system_faults
from pipeline.ground.files import read_json
from pipeline.ground.locks import hold_at_once, living_owner
from pipeline.ground.paths import DATASET
from pipeline.operations.checking.surroundings import (
    refuse_unwritable,
    refuse_what_cannot_be_kept,
    warn_of_silent_server,
)
from pipeline.operations.enrol import enrol_advised, sentence
from pipeline.operations.following.running import FANOUT_LOCK
from pipeline.operations.planning.expansion import stages_of
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.decision import decide_and_record
from pipeline.operations.retraining.intake.acceptance import Intake, take_in, with_unjudged
from pipeline.operations.retraining.intake.batches import (
    accepted_batches,
    clear_accepted,
    remove_from_incoming,
    remove_parts,
)
from pipeline.operations.retraining.intake.sources import fetch_into_incoming
from pipeline.operations.retraining.outcome import Outcome, notify
from pipeline.operations.retraining.prerequisites import (
    bring_comparison,
    bring_data,
    refuse_forgetful_runner,
)
from pipeline.operations.retraining.publishing import commit, publish
from pipeline.operations.retraining.shortlist import choose_shortlist, evaluate_targets, pick_challenger
from pipeline.operations.watching.looking import say_of_unlabelled
from pipeline.ownership import refuse_foreign_files
from pipeline.params.schema.reading import PARAMS_FILE
from pipeline.params.training.candidates import Candidate
from pipeline.scores.faults import refuse_unfit_score

LOGS = Path(".kiyas/retrain")
KEPT_LOGS = 50  # the newest
WEBHOOK = "KIYAS_WEBHOOK"  # an address that takes the JSON summary; from the environment, since it may hold a secret

log = logging.getLogger("kiyas")


def run(
    as_json: bool,
    full: bool,
    force: bool,
    source: str | None,
    commit_it: bool,
    push: bool,
    if_changed: Collection[str] | None = None,
) -> int:
    """Retrain once, say how it ended, and return the exit code."""
    begun = time.monotonic()
    with _logged() as log_file:
        try:
            with hold_at_once(LOCK, "retrain"):
                refuse_what_cannot_be_kept(commit_it, push)
                outcome = _retrain(log_file, full, force, source, if_changed or ())
                if commit_it or push:
                    commit(outcome.sentence()[:200], push)
        except Exception as error:  # whatever happens, the scheduler gets its code, its summary and its reason
            if os.environ.get("KIYAS_DEBUG"):
                raise
            reason = without_credentials(system_faults.sentence(error)) or type(error).__name__
            log.error("retrain: %s", reason)
            outcome = Outcome("failed", [reason])
        if outcome.ending != "failed":  # decided and committed, and no lock is held: it may take its time
            outcome = replace(outcome, unlabelled=say_of_unlabelled())
        summary = outcome.summary(str(log_file), time.monotonic() - begun)
        log.info("%s", outcome.sentence())
        if address := os.environ.get(WEBHOOK):
            notify(address, summary)
    if as_json:
        print(json.dumps(summary, indent=2, ensure_ascii=False))
    return outcome.exit_code


def _retrain(log_file: Path, full: bool, force: bool, source: str | None, if_changed: Collection[str]) -> Outcome:
    if owner := living_owner(FANOUT_LOCK):
        raise VersioningError(f"{owner} goes on for this checkout, on nodes; a retraining has to wait for its end")
    refuse_forgetful_runner()
    refuse_unsignable()
    bring_data()
    refuse_changed_log(LOG)
    params = load_params()
    refuse_foreign_files(fetches=bool(params.data.fetch), by_content=True)
    refuse_unwritable(params)
    warn_of_silent_server(params)
    _settle(params)
    if registered := enrol_advised():
        log.info("%s", sentence(registered))
    fetched = fetch_into_incoming(source, params.data.kind, params.data.has_classes) if source else []
    reproduce(["prepare"], log_file)
    champion = _champion()
    intake = with_unjudged(take_in(params, champion, force), read_log())
    if intake.state == "nothing":
        remove_from_incoming(fetched)
    if intake.state == "refused":
        return _refuse(params, intake)
    if intake.state == "accepted":
        reproduce(["prepare"], log_file)
    occasions = [*news(read_log(), data_hash()), *changed(read_log(), if_changed)]
    occasions += ["It was asked for (--force)."] if force else []
    if not occasions:
        return _nothing(intake, full)
    refuse_unfit_score(params.compare, read_json(DATASET), PARAMS_FILE)
    if champion:
        refuse_changed(champion.champion.version)  # the challenger is compared with it once hours of training are over
    for occasion in occasions:
        log.info("%s", occasion)
    shortlist = params.candidates() if full else _shortlist(params, champion)
    log.info("training %s; tail -f %s", ", ".join(candidate.name for candidate in shortlist), log_file)
    stages = [stage for stage in stages_of(params) if stage.candidate in shortlist]
    with_keras = [stage.name for stage in stages if stage.uses_keras]
    targets = [] if full else evaluate_targets(shortlist, params.compare.ensembles.soups)
    reproduce(targets, log_file, [stage.name for stage in stages], with_keras)
    outcome = decide_and_record(params, champion, pick_challenger(shortlist, params), intake)
    publish(params)
    return outcome


def _settle(params: Params) -> None:
    """Finish or remove what a kill left behind."""
    remove_parts()
    clear_accepted()
    remove_leftovers(read_log())
    for folder in accepted_batches():
        if not folder.with_name(f"{folder.name}.dvc").is_file():
            keep(ACCEPTED / folder.name)
    if not is_kept():
        log.info("the last decision was not published to its end; that is done now")
        publish(params)


def _champion() -> ReigningChampion | None:
    return ReigningChampion(current_champion()) if current(read_log()) else None


def _shortlist(params: Params, champion: ReigningChampion | None) -> list[Candidate]:
    bring_comparison()
    waiting = undecided(read_log())
    return choose_shortlist(
        params,
        champion.champion.candidates if champion else (),
        read_champion(waiting).candidates if waiting else (),
    )


def _refuse(params: Params, intake: Intake) -> Outcome:
    """Nothing was taken in; a person is asked to mend data/incoming, and the log says so once."""
    entries = read_log()
    champion = current(entries)
    if not entries or (entries[-1].event, entries[-1].reasons) != ("refused", intake.reasons):
        append(Entry(now(), "refused", None, champion, data_hash(), intake.reasons, None, intake.numbers))
        publish(params)
    return Outcome("asked", intake.reasons, champion, numbers=intake.numbers)


def _nothing(intake: Intake, full: bool) -> Outcome:
    entries = read_log()
    champion, asked = current(entries), open_question(entries)
    if asked is not None:
        still = f"Asked on {asked.time} and not answered yet (`python -m pipeline promote N`):"
        return Outcome("asked", [still, *asked.reasons], champion, asked.version)
    options = "--full --force" if full else "--force"
    reason = f"No data are new since the last decision, and no version waits for one; `{options}` trains all the same."
    return Outcome("nothing", [*intake.reasons, reason], champion)


@contextmanager
def _logged() -> Iterator[Path]:
    """A log file of this call, beside what the terminal is told."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in sorted(LOGS.glob("*.log"))[: 1 - KEPT_LOGS]:
        old.unlink(missing_ok=True)
    log_file = LOGS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    log_file.touch(mode=0o600)  # DVC and its stages print into it, and a secret of theirs is masked only at their end
    to_file = _LogFile(log_file, encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s  %(message)s"))
    root = logging.getLogger()
    root.addHandler(to_file)
    try:
        yield log_file
    finally:
        root.removeHandler(to_file)
        with suppress(OSError):  # a full disk
            to_file.close()


class _LogFile(logging.FileHandler):
    """On a full disk it misses lines, which the terminal has; logging's own answer to that is a traceback for each."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
