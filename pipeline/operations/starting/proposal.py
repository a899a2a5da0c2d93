"""What is proposed for what was seen: the keys of params.yaml to change, in the time that there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.configuration.faults import cross_faults
from pipeline.configuration.whole import Params, params_class
from pipeline.operations.checking.dvc_limits import refuse_what_dvc_cannot_take
from pipeline.operations.starting.budget import Choice, choose_within
from pipeline.operations.starting.forecast import expected_total
from pipeline.operations.starting.lists import SEEDS, propose_competitors
from pipeline.operations.starting.params_file import changes, laid_over
from pipeline.operations.starting.seeing.sight import Sight
from pipeline.operations.starting.seeing.wishes import Wishes
from pipeline.params.data import Data
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, parse


@dataclass(frozen=True)
class Proposal:
    """
    Attributes:
        overlay: {key of params.yaml: value}.
        changes: {key: (before, after)} of those that differ.
        params: the whole, as it will be read.
        examples: how many photos or rows there are, where that is known.
        lines: what is not proposed, and why.
        choice: what fits into the minutes; None where all of it is proposed.
        minutes: that all of what is proposed takes; None where that cannot be told yet.
    """

    overlay: dict[str, Any]
    changes: dict[str, tuple[Any, Any]]
    params: Params
    lines: list[str]
    choice: Choice | None
    minutes: float | None


def propose(content: Mapping[str, Any], sight: Sight, wishes: Wishes) -> Proposal:
    """
    Args:
        content: params.yaml as it is.

    Raises:
        StartError: not even the floor fits into the minutes.
    """
    competitors = propose_competitors(content, parse(Data, sight.data, str(PARAMS_FILE), ("data",)), sight.examples)
    full = {
        **{f"data.{key}": value for key, value in sight.data.items()},
        **competitors.lists,
        "seeds": sorted({*SEEDS, *content["seeds"]}),
        **_of_other_candidates(content),
        **({"compare.prefer": wishes.prefer} if wishes.prefer else {}),
    }

    def cost(overlay: Mapping[str, Any]) -> float:
        return expected_total(_params(content, overlay), sight.examples)

    choice = choose_within(wishes.minutes, full, cost, sight.largest_size) if wishes.minutes is not None else None
    overlay = choice.overlay if choice else full
    return Proposal(
        overlay, changes(content, overlay), _params(content, overlay), competitors.lines, choice, cost(overlay)
    )


def check_proposal(proposal: Proposal) -> None:
    """
    Raises:
        ParamsError: `check` would refuse it; one line for each fault.
    """
    if faults := list(cross_faults(proposal.params, PARAMS_FILE)):
        raise ParamsError("\n".join(faults))
    data = proposal.params.data
    if not data.fetch:
        refuse_what_dvc_cannot_take(Path(data.path))


def _params(content: Mapping[str, Any], overlay: Mapping[str, Any]) -> Params:
    return parse(params_class(), laid_over(content, overlay), str(PARAMS_FILE))


def _of_other_candidates(content: Mapping[str, Any]) -> dict[str, Any]:
    """A data-size study of candidates that may no longer compete is switched off."""
    return {"study.candidates": [], "study.fractions": []} if content["study"]["candidates"] else {}
