"""mlp@{architecture}: a multilayer perceptron on the rows of a table or a series, trained once for each seed.

    python -m pipeline mlp --architecture lecture
    dvc repro mlp@lecture

Reads data/prepared/development; the test split is not among its inputs. Writes results/mlp-<architecture>/.
"""

from __future__ import annotations

from functools import partial

from pipeline.datasets.store.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.models.features.layout import layout_of
from pipeline.models.networks.heads import head_for
from pipeline.models.networks.mlp import MlpArchitecture, build_mlp
from pipeline.params.schema.reading import read_section
from pipeline.params.training.candidates import Candidate
from pipeline.stages.assembly.training.network_plan import NetworkPlan
from pipeline.stages.assembly.training.network_trials import train_trials
from pipeline.stages.assembly.training.scratch import plan_from_scratch


def run(architecture: str) -> None:
    train_candidate(Candidate("mlp", model=architecture))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    data = load_prepared(DEVELOPMENT)
    train_trials(plan_candidate(candidate, data), data)


def plan_candidate(candidate: Candidate, data: Prepared) -> NetworkPlan:
    """Which network, and how it is trained on these data."""
    architecture = read_section(f"mlp_architectures.{candidate.model}", MlpArchitecture)
    head = head_for(data.task, len(data.class_names))
    layout = layout_of([column.categories for column in data.columns or []], data.inputs)
    build = partial(build_mlp, architecture, layout, head)
    return plan_from_scratch(candidate, architecture, head, build, data)
