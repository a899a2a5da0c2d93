"""mlp@{architecture}: a multilayer perceptron on the rows of a table or a series, trained once for each seed.

    python -m pipeline mlp --architecture lecture
    dvc repro mlp@lecture

Reads data/prepared/development; the test split is not among its inputs. Writes results/mlp-<architecture>/.
"""

from __future__ import annotations

from pipeline.datasets.prepared import Prepared
from pipeline.models.columns import layout_of
from pipeline.models.networks.heads import Head
from pipeline.models.networks.mlp import build_mlp
from pipeline.network import Network
from pipeline.params.architectures import MlpArchitecture
from pipeline.params.candidates import Candidate
from pipeline.params.reading import read_section
from pipeline.stages.assembly.scratch import train_from_scratch


def run(architecture: str) -> None:
    train_candidate(Candidate("mlp", model=architecture))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    row = read_section(f"mlp_architectures.{candidate.model}", MlpArchitecture)

    def make_network(data: Prepared, head: Head, precision: str) -> Network:
        layout = layout_of([column.categories for column in data.columns or []], data.inputs)
        return build_mlp(row, layout, head, precision)

    train_from_scratch(candidate, row, make_network)
