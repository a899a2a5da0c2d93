"""The names that commands take: which there are, and "did you mean" for one that there is not.

Only the parts of params.yaml that hold names are read here: to check all of it takes seconds, and the answer to a
mistyped name is to come at once.
"""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter

from pipeline.ground.files import read_json
from pipeline.ground.paths import RESULTS, VERDICT
from pipeline.params.compare import ENSEMBLE, Compare, Prefer
from pipeline.params.competing import Lists, points_of, read_candidates
from pipeline.params.data import Data
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.families import families, family_named
from pipeline.params.schema.reading import ParamsError, read_section, read_value
from pipeline.params.schema.rows import row_names
from pipeline.params.study import DataSizes
from pipeline.params.training.candidates import CLASSICAL, Candidate

STUDIES = Path("studies")
CHANGES = ("code", "params")
SHOWN = 24  # of the known names, those that compete first
SHARE = re.compile(r"-0\.\d+$")  # what a point of the data-size study has behind its candidate's name


def refuse_unknown(flag: str, word: str, meaning: str, known: Sequence[str]) -> None:
    """
    Args:
        flag: the argument, such as "--backbone".
        meaning: what the word has to be, such as "a row of backbones.yaml".

    Raises:
        ParamsError: the word is not among those known; names the one that is most like it.
    """
    if word in known:
        return
    like = closest(word, known)
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    raise ParamsError(
        f"{flag} {word!r} is not {meaning}{f'; did you mean {like!r}?' if like else '.'} "
        f"Known: {', '.join(known[:SHOWN]) or 'none'}{more}"
    )


def closest(word: str, known: Sequence[str]) -> str | None:
    """The name most like a word, if one is; a candidate's counts without its family too: svm_hog, resnet50-full."""
    spellings = {part: name for name in reversed(known) for part in (name.partition("-")[2], name)}
    found = difflib.get_close_matches(word, spellings, n=1)
    return spellings[found[0]] if found else None


def sources() -> list[str]:
    from pipeline.configuration.names import known_sources  # what reads photos and tables takes a while to import

    return known_sources()


def backbones() -> list[str]:
    return row_names("backbones.yaml")


def models() -> list[str]:
    return [name for name in row_names("classical.yaml") if load_classical(name).features != "pooled"]


def probes() -> list[str]:
    return [name for name in row_names("classical.yaml") if load_classical(name).features == "pooled"]


def architectures(family: str) -> list[str]:
    """The names of a family that is trained from scratch, whether they are in its list or not."""
    section = family_named(family).architectures
    return _keys(section) if section else []


def strategies() -> list[str]:
    return _keys("strategies")


def studies() -> list[str]:
    return sorted(file.stem for file in STUDIES.glob("*.yaml"))


def candidates() -> list[str]:
    """What competes, and what could; the points of the study; and whatever else has been trained."""
    study = read_section("study", DataSizes)
    points = [point.name for point in points_of(read_candidates(), study.candidates, study.fractions)]
    described = sorted(file.parent.name for file in RESULTS.glob("*/trial.json"))
    trained = [name for name in described if not name.startswith(f"{ENSEMBLE}-")]  # soups are made, not trained
    return list(dict.fromkeys([*possible_candidates(), *points, *trained]))


def possible_candidates() -> list[str]:
    """What competes, and what could."""
    return list(dict.fromkeys(candidate.name for candidate in (*read_candidates(), *all_candidates())))


def candidate_named(name: str) -> Candidate:
    """One of the possible candidates."""
    return next(candidate for candidate in all_candidates() if candidate.name == name)


def versions_and_candidates() -> list[str]:
    """What can become the champion: numbers of registered versions, then candidates, ensembles among them."""
    from pipeline.champions.log import read_log

    versions = {entry.version for entry in read_log() if entry.version is not None}
    return [*map(str, sorted(versions)), *candidates(), *compared_ensembles()]


def compared_ensembles() -> list[str]:
    """Those of the comparison on disk: an ensemble is in no list of params.yaml, and nothing trains it."""
    compared = (read_json(VERDICT).get("ensembles") or {}) if VERDICT.is_file() else {}
    return [str(entry["candidate"]) for entry in compared.get("ensembles", [])]


def studied_candidates() -> list[str]:
    return read_section("study", DataSizes).candidates


def souped_candidates() -> list[str]:
    return read_section("compare", Compare).ensembles.soups


def studied_fractions() -> list[str]:
    return [str(fraction) for fraction in read_section("study", DataSizes).fractions]


def all_candidates() -> Iterator[Candidate]:
    """Every candidate that the rows, architectures and strategies can make, whether it is in a list or not."""
    scratch = {name: architectures(name) for name, family in families().items() if family.architectures}
    yield from Lists(models(), probes(), scratch, backbones(), strategies()).candidates()


def preferences() -> list[str]:
    return list(get_args(Prefer))


def tasks() -> list[str]:
    return list(get_args(Data.model_fields["task"].annotation))


def positive_number(text: str) -> float:
    """
    Raises:
        ArgumentTypeError: it is no number above 0.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def whole_number(text: str) -> int:
    """
    Raises:
        ArgumentTypeError: it is no whole number above 0.
    """
    number = positive_number(text)
    if number != int(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(number)


def place_of_photos(source: str) -> str:
    """Where photos are to come from, `~` understood.

    Args:
        source: a folder, an archive, or anything else that `dvc get-url` reads.

    Raises:
        ArgumentTypeError: it is no address, and no file or folder here either.
    """
    if "://" in source or (place := Path(source).expanduser()).exists():
        return source if "://" in source else str(place)
    raise argparse.ArgumentTypeError(f"there is no file or folder {source!r}; addresses begin with https://, s3://, …")


def kinds_of_change(text: str) -> list[str]:
    """What else is news: "code", "params", or both with a comma between.

    Raises:
        ArgumentTypeError: it is something else.
    """
    kinds = [part.strip() for part in text.split(",")]
    if wrong := [kind for kind in kinds if kind not in CHANGES]:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is neither code nor params; give one of them, or code,params")
    return kinds


def has_network(candidate: str) -> bool:
    """Whether a candidate is a network, or learns from one's features."""
    family, _, model = SHARE.sub("", candidate).partition("-")
    return family != CLASSICAL or "-" in model


def _keys(section: str) -> list[str]:
    """The names that a section of params.yaml explains, whatever it says of them."""
    return list(read_value(section, TypeAdapter(dict[str, Any])))
