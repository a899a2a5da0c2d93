"""What every stage of the graph takes on this machine: seconds with a range, memory and disk.

    from pipeline.operations.planning.forecast import forecast_stages, total

    stages = forecast_stages(load_params())                 # this checkout's
    stages = forecast_stages(params, checkout, known=Sizes(300, 100))  # parameters that are on no disk yet

It is the only home of such figures: `check`, `plan`, `repro` and `status` all ask here. What is due is another
question (planning/due.py): a stage is forecast as if it ran from nothing. Seeds whose trials are kept (.kiyas/trials)
are forecast too: a trial is known by a hash over data and weights, which would take `plan` and `status` seconds to
minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.configuration.whole import Params
from pipeline.datasets.sources.photos import SOURCES
from pipeline.downloads import is_kept
from pipeline.operations.planning import durations
from pipeline.operations.planning.expansion import Stage, stages_of
from pipeline.operations.planning.history import Earlier, earlier_run
from pipeline.operations.planning.needs import disk_of, memory_of
from pipeline.operations.planning.sizes import Sizes, sizes_of
from pipeline.operations.planning.speeds import Speeds, known_speeds
from pipeline.operations.planning.work import Work, work_of
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.packages import Package
from pipeline.params.training.candidates import CLASSICAL

Source = Literal["ran", "measured", "usual"]
SPREAD: dict[Source, tuple[float, float]] = {  # (times this at least, times that at most)
    "ran": (0.8, 1.3),
    "measured": (0.7, 1.5),
    "usual": (0.5, 2.0),
}


@dataclass(frozen=True)
class StageForecast:
    """
    Attributes:
        stage: its name as `dvc repro` takes it, what it does, and for whom.
        seconds, low, high: from its start to its end, Python's and DVC's own time included.
        memory: bytes of resident memory at its highest.
        disk: bytes that it leaves.
        start, alone: seconds of a stage that trains if every seed were trained already, and if it had one seed.
        source: ran (this candidate, on this machine), measured (this machine's speed), usual (another machine's).
    """

    stage: Stage
    seconds: float
    low: float
    high: float
    memory: float
    disk: float
    source: Source
    start: float = 0.0
    alone: float = 0.0


@dataclass(frozen=True)
class Total:
    """Of several stages, one after the other: seconds and disk are sums, memory is that of the largest."""

    seconds: float
    low: float
    high: float
    memory: float
    disk: float


def forecast_stages(
    params: Params, checkout: Path = Path(), known: Sizes | None = None, speeds: Speeds | None = None
) -> list[StageForecast]:
    """Every stage of the graph that these parameters make, in the order in which `repro` runs them.

    Args:
        params: need not be on disk.
        checkout: where results of earlier runs, prepared data and measured speeds are looked for.
        known: photos or rows, where somebody has counted them; it goes before what is prepared.
        speeds: of this machine; None: what has been measured so far (`measure_speeds` measures more).
    """
    sizes = sizes_of(params.data, checkout, known)
    return list(_Forecaster(params, checkout, sizes, speeds or known_speeds(params, checkout)).forecasts())


def total(forecasts: Iterable[StageForecast]) -> Total:
    """Their ranges are added up as they are: a machine that is slow at one thing is mostly slow at the next."""
    all_of_them = list(forecasts)
    return Total(
        sum(one.seconds for one in all_of_them),
        sum(one.low for one in all_of_them),
        sum(one.high for one in all_of_them),
        max((one.memory for one in all_of_them), default=0.0),
        sum(one.disk for one in all_of_them),
    )


def _download_seconds(package: Package | None) -> float:
    """Nothing where the package is kept from an earlier download."""
    return 0.0 if package and is_kept(package) else durations.DOWNLOAD


def _weights_seconds(backbone: str | None) -> float:
    """Of the download; a backbone of one's own is on disk already."""
    row = load_backbone(backbone) if backbone else None
    return 0.0 if isinstance(row, BackboneFile) else _download_seconds(row.weights.package if row else None)


class _Forecaster:
    def __init__(self, params: Params, checkout: Path, sizes: Sizes, speeds: Speeds) -> None:
        self.params, self.checkout, self.sizes, self.speeds = params, checkout, sizes, speeds
        self.passed: set[str] = set()  # frozen backbones and kinds of features that test photos went through already

    def forecasts(self) -> Iterator[StageForecast]:
        for stage in stages_of(self.params):
            if stage.candidate is None:
                yield self._forecast(stage, self._other_seconds(stage), "measured" if self.speeds.measured else "usual")
            else:
                yield self._of_candidate(stage, work_of(stage.candidate, self.params, self.sizes))

    def _of_candidate(self, stage: Stage, work: Work) -> StageForecast:
        if stage.part == "soup":
            return self._forecast(stage, durations.soup_seconds(work, self.speeds), self._source(work))
        earlier = earlier_run(work, self.speeds, self.params, self.checkout)
        if stage.part == "evaluate":
            seconds = durations.evaluation_seconds(
                work, self.params.evaluation, self.speeds, shares_work=self._shares_work(work)
            )
            if earlier and earlier.evaluation is not None:
                start = durations.PLAIN if work.candidate.family == CLASSICAL else durations.EVALUATED
                more = self._times_as_much(work, earlier.work)
                return self._forecast(stage, start * self.speeds.slowness + more * earlier.evaluation, "ran", earlier)
            return self._forecast(stage, seconds, self._source(work))
        start = durations.training_seconds(work.without_examples(), self.speeds)
        factor = earlier.factor if earlier else 1.0
        seconds, alone = (
            start + (durations.training_seconds(seeds, self.speeds) - start) * factor
            for seeds in (work, replace(work, seeds=1))
        )
        forecast = self._forecast(stage, seconds, "ran" if earlier else self._source(work), earlier)
        return replace(forecast, start=start, alone=alone)

    def _times_as_much(self, now: Work, then: Work) -> float:
        """What evaluating takes now, in times of what it took then; without the start of its process."""
        both = [
            durations.evaluation_seconds(work, self.params.evaluation, self.speeds, shares_work=False)
            - durations.evaluation_seconds(work.without_examples(), self.params.evaluation, self.speeds, True)
            for work in (now, then)
        ]
        return both[0] / both[1] if min(both) > 0 else 1.0

    def _more_memory(self, stage: Stage, now: float, then: Work) -> float:
        """What larger photos take more than those of an earlier run."""
        if then.side is None:
            return 0.0
        data = self.params.data.model_copy(update={"image_size": then.side})
        return max(now - memory_of(stage, self.params.model_copy(update={"data": data})), 0.0)

    def _forecast(self, stage: Stage, seconds: float, source: Source, earlier: Earlier | None = None) -> StageForecast:
        low, high = SPREAD[source]
        memory = memory_of(stage, self.params)
        if earlier and stage.part == "train":
            memory = earlier.peak_memory + self._more_memory(stage, memory, earlier.work)
        disk = disk_of(stage, self.params, self.sizes)
        return StageForecast(stage, seconds, seconds * low, seconds * high, memory, disk, source)

    def _other_seconds(self, stage: Stage) -> float:
        slowness = self.speeds.slowness
        match stage.part:
            case "folders" | "backbone":
                return durations.FOLDERS * slowness
            case "fetch":
                source = SOURCES.get(stage.name.partition("@")[2])
                return durations.FETCHED * slowness + _download_seconds(source.package if source else None)
            case "weights":
                return durations.NETWORK * slowness + _weights_seconds(stage.backbone)
            case "prepare":
                return (durations.PLAIN + (self.sizes.development + self.sizes.test) * self._read()) * slowness
            case _:
                competing = len(self.params.candidates())
                return durations.comparison_seconds(competing, self.params.compare.resamples, slowness)

    def _read(self) -> float:
        return durations.READ if self.params.data.kind == "images" else durations.READ / 100

    def _shares_work(self, work: Work) -> bool:
        """Whether another candidate, earlier in the run, has passed the test photos through the same frozen part."""
        candidate = work.candidate
        kind: str | None = None
        if candidate.family == CLASSICAL and candidate.backbone is None:
            kind = load_classical(candidate.model).features
        elif not work.deep_phases:
            kind = candidate.backbone
        shared = kind in self.passed
        if kind:
            self.passed.add(kind)
        return shared

    def _source(self, work: Work) -> Source:
        candidate = work.candidate
        name = candidate.backbone or (candidate.whole if candidate.family != CLASSICAL else None)
        if name is None:
            return "measured" if self.speeds.measured else "usual"
        return "measured" if self.speeds.has(name) else "usual"
