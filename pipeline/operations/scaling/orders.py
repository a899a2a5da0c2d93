"""What travels to a node and back: small, plain data. What stages read and write travels through DVC's remote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.operations.scaling.on_nodes.shard_stages import Shard

State = Literal["done", "failed", "broken"]


@dataclass(frozen=True)
class Trial:
    """One seed of a candidate whose seeds are trained on several nodes.

    Attributes:
        stage: that trains the candidate, as `dvc repro` takes it.
    """

    stage: str
    candidate: str
    seed: int


@dataclass(frozen=True)
class Order:
    """One stage, one trial or one shard of photos for a node. `node.run_stage` takes it as plain data.

    Attributes:
        stage: as `dvc repro` takes it; of a trial or a shard, the name of its task.
        commit: what the node checks out.
        project: of which checkout it is, so that nodes keep clones of several apart.
        checkout: the name that MLflow knows that checkout by, see `tracking.address.checkout_id`.
        inputs: outs of other stages that this one reads.
        lock: entries of dvc.lock of the stages that wrote them, by name.
        cache, cache_gb: see `scale` in params.yaml.
        environment: variables as the stage would have them here; None: not set.
        trial: what is trained, where the order is not a stage.
        trials: trials that the stage need not train, with the entries by which DVC knows their files.
        shard: what is read, where the order is not a stage.
    """

    stage: str
    commit: str
    project: str
    checkout: str
    inputs: tuple[str, ...]
    lock: Mapping[str, Any]
    cache: str
    cache_gb: float
    environment: Mapping[str, str | None]
    trial: Trial | None = None
    trials: Sequence[tuple[Trial, Mapping[str, Any]]] = ()
    shard: Shard | None = None


@dataclass(frozen=True)
class Outcome:
    """What a node says of a stage.

    Attributes:
        state: done; failed (the stage itself: it would fail elsewhere, too); broken (what is around it: a disk, the
            remote, a process that was killed).
        host: the node's name.
        seconds: from the order's arrival to the end.
        lock: the stage's, the trial's or the shard's entry of dvc.lock; None where it is not done.
        log: what the stage and DVC printed, or its end where that is long.
        reason: one line, where it is not done.
    """

    stage: str
    state: State
    host: str
    seconds: float
    lock: Mapping[str, Any] | None = None
    log: str = ""
    reason: str = ""

    @property
    def digest(self) -> str:
        """Of the entry of dvc.lock, so that two outcomes can be compared."""
        content = json.dumps(self.lock, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]
