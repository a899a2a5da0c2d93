"""The multilayer perceptron of the lecture: what an architecture says, and the network that it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.models.features.layout import Layout
from pipeline.models.networks.precision import computing_in
from pipeline.models.networks.row_inputs import network_of_rows, row_inputs
from pipeline.models.networks.target_units import in_target_units
from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Activation, Count, Positive, Share
from pipeline.params.training.settings import TrainingChanges

if TYPE_CHECKING:
    from pipeline.models.networks.heads import Head
    from pipeline.network import Network


class MlpArchitecture(Strict):
    """A multilayer perceptron for rows of numbers: dense layers of these widths, then the head.

    Attributes:
        hidden: width of each hidden layer; none: the head alone, a linear model.
        activation: of the hidden layers; dropout: share of units that is dropped before the head.
        epochs: at most; learning_rate: of AdamW.
        training: what it does otherwise than `training` says.
    """

    hidden: list[Count]
    activation: Activation
    dropout: Share
    epochs: Count
    learning_rate: Positive
    training: TrainingChanges = TrainingChanges()


def build_mlp(architecture: MlpArchitecture, layout: Layout, head: Head, precision: str = "float32") -> Network:
    """A network that takes rows, (batch, columns), and gives the head's probabilities, or a number in its own units.

    Args:
        precision: what the hidden layers compute in (see `computing_in`).
    """
    import keras

    row, x = row_inputs(layout)
    with computing_in(precision):
        for number, width in enumerate(architecture.hidden, start=1):
            x = keras.layers.Dense(width, activation=architecture.activation, name=f"dense{number}")(x)
    output = head.attach(x, architecture.dropout)
    model = keras.Model(row, output if head.task.has_classes else in_target_units(output), name="mlp")
    return network_of_rows(model, layout)
