"""cnn@{architecture}: the convolutional network of the lecture, trained from scratch, once for each seed.

    python -m pipeline cnn --architecture lecture
    dvc repro cnn@lecture

Reads data/prepared/development; the test split is not among its inputs. Writes results/cnn-<architecture>/.
"""

from __future__ import annotations

from pipeline.datasets.prepared import Prepared
from pipeline.models.networks.cnn import build_cnn
from pipeline.models.networks.heads import Head
from pipeline.network import Network
from pipeline.params.architectures import Architecture
from pipeline.params.candidates import Candidate
from pipeline.params.reading import read_section
from pipeline.stages.assembly.scratch import train_from_scratch


def run(architecture: str) -> None:
    train_candidate(Candidate("cnn", model=architecture))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    row = read_section(f"architectures.{candidate.model}", Architecture)

    def make_network(data: Prepared, head: Head, precision: str) -> Network:
        assert data.image_size is not None
        return build_cnn(row, data.image_size, head, precision)

    train_from_scratch(candidate, row, make_network)
