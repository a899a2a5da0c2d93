"""cnn@{architecture}: the convolutional network of the lecture, trained from scratch, once for each seed.

    python -m pipeline cnn --architecture lecture
    dvc repro cnn@lecture

Reads data/prepared/development; the test split is not among its inputs. Writes results/cnn-<architecture>/.
"""

from __future__ import annotations

from functools import partial

from pipeline.datasets.store.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.models.networks.cnn import Architecture, build_cnn
from pipeline.models.networks.heads import head_for
from pipeline.params.schema.reading import read_section
from pipeline.params.training.candidates import Candidate
from pipeline.stages.assembly.training.network_plan import NetworkPlan
from pipeline.stages.assembly.training.network_trials import train_trials
from pipeline.stages.assembly.training.scratch import plan_from_scratch


def run(architecture: str) -> None:
    train_candidate(Candidate("cnn", model=architecture))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    data = load_prepared(DEVELOPMENT)
    train_trials(plan_candidate(candidate, data), data)


def plan_candidate(candidate: Candidate, data: Prepared) -> NetworkPlan:
    """Which network, and how it is trained on these data."""
    architecture = read_section(f"architectures.{candidate.model}", Architecture)
    head = head_for(data.task, len(data.class_names))
    build = partial(build_cnn, architecture, data.images.shape[1], head)
    return plan_from_scratch(candidate, architecture, head, build, data)
