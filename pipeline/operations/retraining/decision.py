"""From a challenger to a decision that stands in the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pipeline.champions.enrolment import enrol
from pipeline.champions.log import BATCHES, Entry, Event, append, current, now, read_log
from pipeline.champions.made_with import made_with
from pipeline.champions.prepared_data import data_hash
from pipeline.champions.served.deployed import deployed_of
from pipeline.champions.served.servable import identity_of, ranked_by
from pipeline.champions.versions import Champion, registered_versions
from pipeline.comparison.statistics.paired_tests import spent_alpha
from pipeline.configuration.whole import Params
from pipeline.datasets.store.prepared import TEST, load_prepared
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.operations.retraining.contenders import ReigningChampion, judge_challenger
from pipeline.operations.retraining.evidence import EXAMPLE, known_by
from pipeline.operations.retraining.intake.acceptance import Intake
from pipeline.operations.retraining.outcome import Ending, Outcome
from pipeline.operations.retraining.promotion import Decision, decide
from pipeline.operations.retraining.shortlist import Challenge
from pipeline.operations.retraining.weighing import weigh
from pipeline.scores.score import Score
from pipeline.scores.score_for_task import score_of, usual_score

YEAR = timedelta(days=365)
EVENTS: dict[str, tuple[Event, Ending]] = {
    "promote": ("promoted", "promoted"),
    "keep": ("kept", "kept"),
    "ask": ("asked", "asked"),
}


def decide_and_record(
    params: Params, champion: ReigningChampion | None, challenge: Challenge, intake: Intake
) -> Outcome:
    """Weigh the challenger and write the decision into champions/; a challenger that is not better is not stored."""
    challenge, decision, numbers = judge_in_turn(params, champion, challenge, read_log())
    if decision.outcome == "keep" and intake.loses_accuracy:
        noun = EXAMPLE[params.data.kind]
        worse = f"The champion does worse on the new {noun}s, and no challenger is shown to be better."
        decision = Decision("ask", [*decision.reasons, worse])
    event, ending = EVENTS[decision.outcome]
    dataset = read_json(DATASET)
    told = {
        "shortlist": challenge.accuracies,
        "ranked_by": ranked_by(dataset["task"], dataset["class_names"]).described(),
    }
    numbers = {**told, **numbers, BATCHES: [], **intake.numbers}
    reasons = [*decision.reasons, *intake.checked]
    version = _record(challenge, event, [*reasons, *intake.drift], numbers)
    return Outcome(ending, reasons, current(read_log()), version, intake.batch, intake.drift, numbers)


def judge_in_turn(
    params: Params, champion: ReigningChampion | None, challenge: Challenge, log: Sequence[Entry]
) -> tuple[Challenge, Decision, dict[str, Any]]:
    """The challenger with the decision and its numbers; where an ensemble is asked about, what may be promoted instead.

    An ensemble is easily too slow. A person would be asked about it each time, although the candidate behind it could
    be promoted. All were compared on the same examples, and each p-value counts as many times as they are.
    """
    decision, numbers = judge(params, champion, challenge, log)
    if decision.outcome == "ask":
        for other in challenge.others:
            instead, measured = judge(params, champion, other, log)
            if instead.outcome == "promote":
                passed = f"{challenge.candidate} ranks above {other.candidate} and was not promoted:"
                reasons = [*instead.reasons, " ".join([passed, *decision.reasons])]
                return other, Decision("promote", reasons), measured
    return challenge, decision, numbers


def judge(
    params: Params, champion: ReigningChampion | None, challenge: Challenge, log: Sequence[Entry]
) -> tuple[Decision, dict[str, Any]]:
    """The decision and all numbers behind it.

    Args:
        log: all decisions so far; each that compared two models on test photos of today was a look at them.
    """
    if not challenge.beats_floor:
        return Decision("keep", [f"{challenge.candidate} is not shown to beat {challenge.floor}."]), {}
    if champion is None:
        return Decision("promote", ["There was no champion."]), {}
    challenger = deployed_of(challenge.candidate, challenge.ensemble)
    if identity_of(challenger) == champion.champion.identity:
        return Decision("keep", [f"The best of the shortlist, {challenge.candidate}, is the champion itself."]), {}
    test, timed = load_prepared(TEST), params.evaluation.latency_images
    score = score_of(test.task, params.compare, test.class_names)
    examples = list(map(str, test.example_ids))
    evidence = weigh(
        champion.judge(test, timed),
        judge_challenger(challenger, test, timed, score),
        test.labels,
        examples,
        test.class_names,
        params.compare.confidence,
        params.compare.resamples,
        challenge.compared,
        test.groups,
        score,
        test.kind,
    )
    look = looks_in_a_year(log, now(), evidence.examples, examples if test.kind == "series" else ()) + 1
    decision = decide(evidence, params.retrain, params.compare.confidence, look)
    alpha = spent_alpha(1 - params.compare.confidence, look)
    if changed := _score_changed(champion.champion, score):
        decision = Decision(decision.outcome, [*decision.reasons, changed])
    return decision, {**evidence.numbers(), "look": look, "alpha": alpha}


def _score_changed(champion: Champion, score: Score) -> str:
    """A sentence where the champion was ranked by another score than today's; both models are judged by today's."""
    before = champion.score or usual_score(champion.task).name
    if before == score.name:
        return ""
    return f"The champion was registered by {before}; both are judged by {score.name} now (compare.score)."


def looks_in_a_year(log: Sequence[Entry], at: str, examples: int, steps: Sequence[str] = ()) -> int:
    """How often, in the year before `at`, two models were compared on test examples most of which are in today's.

    The test set of photos and rows only grows, so an earlier look counts while that set was at least half of today's.
    Of a series, only the steps up to the last one of that look still count.

    Args:
        examples: how many there are today.
        steps: of a series, those of today's test stretch in the order of time.
    """
    since = datetime.fromisoformat(at) - YEAR
    places = {moment: place for place, moment in enumerate(known_by(steps, "series"), start=1)}

    def still_there(numbers: dict[str, Any]) -> int:
        if "until" not in numbers:
            return int(numbers["examples"])
        return places.get(known_by([numbers["until"]], "series")[0], 0)

    return sum(
        "p_value" in entry.numbers
        and datetime.fromisoformat(entry.time) > since
        and 2 * still_there(entry.numbers) >= examples
        for entry in log
    )


def _record(challenge: Challenge, event: Event, reasons: list[str], numbers: dict[str, Any]) -> int | None:
    """One line of the log, and the model if it is needed; returns the version that the line is about."""
    challenger = deployed_of(challenge.candidate, challenge.ensemble)
    identity = identity_of(challenger)
    same = [champion.version for champion in registered_versions() if champion.identity == identity]
    version = same[-1] if same else None
    if version is None and event != "kept":
        given = challenge.interval, event, reasons, numbers, challenge.ensemble
        score = numbers.get("challenger_score")
        return enrol(challenge.candidate, *given, model_score=score, model_interval=challenge.interval).version
    reigning = version if event == "promoted" else current(read_log())
    append(
        Entry(now(), event, version, reigning, data_hash(), reasons, challenger.trial.fingerprint, numbers, made_with())
    )
    return version
