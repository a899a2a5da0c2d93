"""What would change the verdict: the strongest rival of the recommended candidate, what would settle the two, and other
scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scipy import stats

from pipeline.comparison.statistics.sample_size import Gulf, Needs, needs, round_up
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.comparison.verdict.shown import of_groups
from pipeline.comparison.verdict.words import cost_text
from pipeline.formats import count_of, listed, significant

FAR = 10  # times the seeds and examples that there are: more is out of reach
NOTHING_LEFT = "Other data or other candidates: what was measured leaves nothing to choose between."


def what_would_change_it(facts: Facts, choice: Choice) -> dict[str, Any]:
    """The pair that the recommendation hangs on, the smallest margin resolved for it, and what would settle it."""
    rival = _strongest_rival(facts, choice)
    if rival is None or choice.recommended is None:
        nothing = dict.fromkeys(("sentence", "out_of_reach", "rival", "resolvable_margin", "seeds", "examples", "both"))
        return nothing | {"sentence": NOTHING_LEFT}
    pair = facts.pairs[rival, choice.recommended]
    variances = {"example_variance": pair["example_variance"], "seed_variance": pair["seed_variance"]}
    gulf = Gulf(pair["difference"], **variances, seeds=facts.seeds, examples=facts.examples)
    wanted = needs(gulf, facts.margin, _confidence_of_all(facts), facts.comparison.threshold)
    if seeds_make_another := not facts.ensembles_of_seeds.isdisjoint([rival, choice.recommended]):
        wanted = replace(wanted, seeds=None)
    resolvable = significant((pair["high"] - pair["low"]) / 2)
    unsettled = out_of_reach(wanted, facts)
    ways = [] if seeds_make_another and wanted.examples is None else _ways(facts, wanted)
    sentences = [_sentence(facts, choice, rival, pair, resolvable, ways, unsettled), _without_cost(facts, choice)]
    return {
        "sentence": " ".join(filter(None, sentences)),
        "out_of_reach": unsettled or not ways,
        "rival": rival,
        "resolvable_margin": resolvable,
        "seeds": wanted.seeds,
        "examples": wanted.examples,
        "both": None if seeds_make_another else {"seeds": round_up(wanted.both[0]), "examples": wanted.both[1]},
    }


def _confidence_of_all(facts: Facts) -> float:
    """That of a single interval as wide as those that hold for all differences at once."""
    return max(facts.confidence, float(2 * stats.norm.cdf(facts.comparison.reach) - 1))


def _strongest_rival(facts: Facts, choice: Choice) -> str | None:
    """The rival that may be ahead by most; with none, whoever may be nearest."""
    recommended = choice.recommended
    if recommended is None or not choice.beats_floor:
        return None
    others = choice.rivals or [name for name in facts.rows if name != recommended]
    return max(others, key=lambda name: (facts.pairs[name, recommended]["high"], name), default=None)


def _sentence(
    facts: Facts, choice: Choice, rival: str, pair: Row, resolvable: float, ways: Sequence[str], unsettled: bool
) -> str:
    """
    Args:
        resolvable: half the width of the pair's interval.
        ways: what would settle the pair; none where an ensemble of seeds is one of it and test examples would not do.
        unsettled: whether all of these are out of reach.
    """
    words = facts.words
    size = f"{words.difference(pair['difference'])} ({words.difference_span(pair['low'], pair['high'])})"
    measured = f"{rival}: its difference from {choice.recommended} is {size}"
    resolves = f"The smallest margin that these data resolve between the two is {words.difference(resolvable)}."
    if choice.settled:
        return f"The closest candidate is {measured}. {resolves} Other data would reopen the question."
    if pair["relation"] in ("better", "worse") and pair["difference"] > 0:
        return f"The candidate that is ahead of it is {measured}, which is shown already. {resolves}"
    settles = f"About {listed(ways, 'or')} would settle it{', which is out of reach' if unsettled else ''}."
    if not ways:
        settles = "No number of test examples would settle it, and with more seeds the ensemble would be another."
    return f"The strongest rival is {measured}. {resolves} {settles}"


def out_of_reach(wanted: Needs, facts: Facts) -> bool:
    """Whether not even ten times the seeds, or the examples, or both would settle it."""
    seeds, examples = wanted.seeds or wanted.both[0], wanted.examples or wanted.both[1]
    if wanted.seeds is None and wanted.examples is None:
        return seeds > FAR * facts.seeds or examples > FAR * facts.examples
    within = [wanted.seeds is not None and seeds <= FAR * facts.seeds]
    within += [wanted.examples is not None and examples <= FAR * facts.examples]
    return not any(within)


def _without_cost(facts: Facts, choice: Choice) -> str:
    """What would be advised if cost did not matter; nothing where it is the same candidate."""
    safest = choice.safest
    if safest is None or safest == choice.recommended or facts.prefer == "accuracy":
        return ""
    row, words = facts.rows[safest], facts.words
    costs = f"{cost_text(words, row['expected_regret'])} on average, at most {words.bare(row['at_most_behind'])}"
    return f"If cost did not matter (compare.prefer: accuracy), the advice would be {safest}, which costs {costs}."


def _ways(facts: Facts, wanted: Needs) -> list[str]:
    """More seeds alone, more examples alone; both together where neither would do."""
    ways = []
    if wanted.seeds is not None:
        ways.append(f"{count_of(wanted.seeds, 'seed')} in place of {facts.seeds}")
    if wanted.examples is not None:
        examples = count_of(wanted.examples, "test example") + of_groups(facts, wanted.examples)
        ways.append(f"{examples} in place of {facts.examples:,}")
    if not ways:
        examples = count_of(wanted.both[1], "test example") + of_groups(facts, wanted.both[1])
        ways.append(f"{listed([count_of(round_up(wanted.both[0]), 'seed'), examples])} together")
    return ways


def describe_other_scores(facts: Facts, choice: Choice) -> dict[str, Any] | None:
    """verdict.json's `other_scores`; None where no other score was asked, and where a single candidate competes."""
    if not facts.others or len(facts.rows) == 1:
        return None
    others = [
        {
            "score": one.score.name,
            "recommended": one.candidate,
            one.score.column: None if one.value is None else significant(one.value),
            "winner": one.winner,
            "changes_the_advice": one.candidate != _advised(choice),
        }
        for one in facts.others
    ]
    return {"sentence": _told_scores(facts, choice), "scores": others}


def _advised(choice: Choice) -> str | None:
    """What the score advises of what beats the floor: a floor that is taken for want of better is no advice."""
    return choice.recommended if choice.beats_floor else None


def _told_scores(facts: Facts, choice: Choice) -> str:
    others = [one for one in facts.others if one.candidate != _advised(choice)]
    title, advised = facts.words.title, _advised(choice) or "nothing"
    if not others:
        return f"By each of {len(facts.others)} other scores the advice would be the same as by {title}: {advised}."
    told = [f"{one.score.words.title} would advise {one.candidate or 'nothing'}" for one in others]
    same = len(facts.others) - len(others)
    return f"By {title} the advice is {advised}, as by {same} of {len(facts.others)} other scores; {listed(told)}."
