"""Make a version the champion, because a person says so: the answer to a retraining that asks for one.

python -m pipeline promote 3
python -m pipeline promote finetune-vgg16-full      # a candidate of the comparison; it is registered on the way
"""

from __future__ import annotations

from pipeline.champions.by_hand import promote_by_hand
from pipeline.champions.enrolment import version_of
from pipeline.champions.log import LOCK, Entry, current, read_log
from pipeline.configuration.loading import load_params
from pipeline.formats import three_decimals
from pipeline.ground.locks import hold_at_once
from pipeline.operations.retraining.publishing import publish
from pipeline.tracking.descriptions.comparison import ranked_by, read_ranking


def run(version: str) -> None:
    """
    Args:
        version: a registered version's number, or a candidate's name.

    Raises:
        ChampionError: it is not registered and cannot be, is not on disk, or is the champion already.
        LockError: a retraining runs.
        VersioningError: DVC failed.
    """
    params = load_params()
    with hold_at_once(LOCK, "promote"):
        entry = _promote(version)
        publish(params)
    print(" ".join([*entry.reasons, *([] if version.isdigit() else shown_worse(version))]))


def shown_worse(candidate: str) -> list[str]:
    """A sentence where the comparison on disk shows a candidate to be worse than the best: a person may want it all
    the same."""
    ranking = read_ranking()
    row = ranking.get(candidate, {})
    if row.get("relation_to_best") != "worse":
        return []
    (best, first), score = next(iter(ranking.items())), ranked_by()
    values = f"{three_decimals(row[score])} against {three_decimals(first[score])}"
    return [f"It is shown to be worse than {best}: {score.replace('_', ' ')} {values}; `rollback` takes it back."]


def _promote(version: str) -> Entry:
    """Returns the decision: the first model ever becomes the champion as it is registered, and needs no other."""
    if version.isdigit():
        return promote_by_hand(int(version))
    before = len(read_log())
    number = version_of(version)
    log = read_log()
    return log[-1] if len(log) > before and current(log) == number else promote_by_hand(number)
