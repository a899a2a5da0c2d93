"""Photos without labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, PreparedError, load_prepared
from pipeline.formats import count_of
from pipeline.operations.predicting.photos import Answer, answer_photos
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.bursts import taken_together
from pipeline.operations.watching.answers import Asked, findings_of
from pipeline.operations.watching.findings import FAMILIAR, Findings, WatchError, drawn, refuse_few
from pipeline.params.upkeep.retrain import Retrain

NOUN = "photo"


def watch_photos(
    champion: ReigningChampion, files: Sequence[Path], limits: Retrain, confidence: float, most: int | None = None
) -> Findings:
    """
    Args:
        files: photos; those taken within seconds of one another, or with the same pixels, count as one.
        limits: the section `retrain` of params.yaml.
        confidence: of intervals.
        most: photos that are looked at, drawn at random where there are more; None: all.

    Raises:
        WatchError: there are too few photos, or more unreadable ones than `retrain.unusable` allows.
        ChampionError: the champion is not on disk as it was registered.
    """
    given, files = len(files), [files[place] for place in drawn(len(files), most)]
    answers = list(answer_photos(champion.served, files))
    left_out = {str(answer.file): answer.error for answer in answers if answer.error}
    answered = [answer for answer in answers if not answer.error]
    _refuse_unreadable(left_out, len(files), limits.unusable)
    refuse_few(len(answered), NOUN)
    numbers = np.array(list(map(_numbers, answered)), np.float64)
    digests = [answer.digest for answer in answered]
    groups = _with_repeated(taken_together([answer.file for answer in answered]), digests)
    asked = Asked(NOUN, numbers, groups, _familiar(digests, champion.image_size))
    findings = findings_of(champion, asked, limits, confidence)
    return replace(findings, left_out=left_out, drawn_from=given if given > len(files) else None)


def _numbers(answer: Answer) -> list[float]:
    """The probabilities of all classes, or the number that is said."""
    return list((answer.probabilities or {}).values()) or [float(answer.predicted or 0)]


def _with_repeated(groups: NDArray[np.int64], digests: Sequence[str]) -> NDArray[np.int64]:
    """(N,) groups, where photos with the same pixels, and whatever belongs to them, are one."""
    _, pictures = np.unique(digests, return_inverse=True)
    places = np.arange(len(groups))
    ties = csr_matrix((np.ones(len(groups)), (groups, pictures + groups.max() + 1)), shape=(2 * len(places) + 1,) * 2)
    return connected_components(ties, directed=False)[1][groups].astype(np.int64)


def _familiar(digests: Sequence[str], side: int) -> list[str]:
    """A sentence where some of the photos are prepared ones; none where these are not here, or have another size."""
    try:
        splits = [load_prepared(DEVELOPMENT), load_prepared(TEST)]
    except PreparedError:
        return []
    if any(split.columns is not None or split.images.shape[1] != side for split in splits):
        return []
    known = {hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for part in splits for image in part.images}
    count = sum(digest in known for digest in digests)
    return [FAMILIAR.format(count=count_of(count, NOUN), noun=NOUN)] if count else []


def _refuse_unreadable(left_out: Mapping[str, str], total: int, limit: float) -> None:
    if len(left_out) / total > limit:
        file, fault = next(iter(left_out.items()))
        raise WatchError(
            f"{len(left_out)} of {total} files are no photos that can be read, such as {file}: {fault} "
            f"(retrain.unusable = {limit:g}); mend or remove them"
        )
