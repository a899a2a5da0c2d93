"""champions/history.html: self-contained, as the report is; it needs no script, no network and no checkout."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pipeline import formats
from pipeline.champions.history.facts import History, Look, ShownVersion, gather
from pipeline.champions.history.figures import draw_scores, draw_spending
from pipeline.champions.log import CHAMPIONS, current, read_log
from pipeline.champions.versions import registered_versions
from pipeline.comparison.report.environment import strict_environment
from pipeline.ground.files import replacing
from pipeline.scores.score_for_task import words_of

HISTORY = CHAMPIONS / "history.html"
TEMPLATES = Path(__file__).parent
STYLES = Path(__file__).parents[2] / "comparison" / "report" / "page.css"  # of the report


def write_history() -> None:
    """Make the page anew from what stands in champions/; nothing where nothing was decided yet.

    Raises:
        ChampionError: the log cannot be read.
    """
    entries = read_log()
    if not entries:
        return
    page = render(gather(entries, registered_versions()))
    with replacing(HISTORY) as temporary:
        temporary.write_text(page, encoding="utf-8")


def is_up_to_date() -> bool:
    """Whether the page tells of the last decision. It is of this checkout alone (.dvcignore): a clone has none."""
    entries = read_log()
    return not entries or (HISTORY.is_file() and f'content="{entries[-1].time}"' in HISTORY.read_text(encoding="utf-8"))


def render(history: History) -> str:
    """The page as text; everything that comes from the log is escaped."""
    environment = strict_environment(TEMPLATES)
    functions = (formats.percent, formats.number, formats.count_of)
    environment.globals |= {function.__name__: function for function in functions}
    environment.filters |= {"day": _day, "measured": _measured, "lead": _lead, "look_values": _look_values, "p": _p}
    return (
        environment.get_template("history.html.j2").render(
            history=history,
            champion=current(history.entries),
            styles=STYLES.read_text(encoding="utf-8"),
            scores=draw_scores(history),
            spending=draw_spending(history),
        )
        + "\n"
    )


def _p(probability: float) -> str:
    return formats.p_value(probability).removeprefix("= ")


def _day(moment: datetime | str) -> str:
    time = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{time:%Y-%m-%d %H:%M}"


def _measured(version: ShownVersion) -> str:
    """Such as "test accuracy 91.0 % (88.1 to 93.4 %)"."""
    words = words_of(version.score)
    value = "" if version.value is None else f"{words.value(version.value)} "
    return f"{words.name} {value}({words.span(version.low, version.high)})"


def _look_values(look: Look) -> tuple[str, str]:
    words = words_of(look.score)
    return words.value(look.champion), words.value(look.challenger)


def _lead(look: Look) -> str:
    words = words_of(look.score)
    return f"{words.difference(look.lead)} ({words.difference_span(look.low, look.high)})"
