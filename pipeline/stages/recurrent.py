"""recurrent@{architecture}: a recurrent network on the windows of a series, trained once for each seed.

    python -m pipeline recurrent --architecture lecture
    dvc repro recurrent@lecture

Reads data/prepared/development; the test split is not among its inputs. Writes results/recurrent-<architecture>/.
"""

from __future__ import annotations

from pipeline.datasets.prepared import Prepared
from pipeline.models.columns import layout_of
from pipeline.models.networks.heads import Head
from pipeline.models.networks.recurrent import build_recurrent
from pipeline.network import Network
from pipeline.params.architectures import RecurrentArchitecture
from pipeline.params.candidates import Candidate
from pipeline.params.reading import read_section
from pipeline.stages.assembly.scratch import train_from_scratch


def run(architecture: str) -> None:
    train_candidate(Candidate("recurrent", model=architecture))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    row = read_section(f"recurrent_architectures.{candidate.model}", RecurrentArchitecture)

    def make_network(data: Prepared, head: Head, precision: str) -> Network:
        layout = layout_of([column.categories for column in data.columns or []], data.inputs)
        return build_recurrent(row, layout, head, precision)

    train_from_scratch(candidate, row, make_network)
