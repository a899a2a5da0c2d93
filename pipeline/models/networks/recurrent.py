"""A recurrent network over the window of a series: what an architecture says, and the network that it describes.

It takes a value a step, beside it a flag where windows have gaps; the head is on the last layer's last state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pipeline.models.features.layout import Layout
from pipeline.models.networks.precision import computing_in
from pipeline.models.networks.row_inputs import network_of_rows, window_inputs
from pipeline.models.networks.target_units import in_target_units
from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Activation, Count, Positive, Share
from pipeline.params.training.settings import TrainingChanges

if TYPE_CHECKING:
    from pipeline.models.networks.heads import Head
    from pipeline.network import Network


class RecurrentArchitecture(Strict):
    """A recurrent network for windows of a series: layers of these widths, each on the one below, then the head.

    Attributes:
        cell: what a layer repeats: a simple recurrent cell, GRU or LSTM.
        units: of each layer, bottom to top.
        activation: of the cells; dropout: share of units that is dropped before the head.
        epochs: at most; learning_rate: of AdamW.
        training: what it does otherwise than `training` says.
    """

    cell: Literal["simple", "gru", "lstm"]
    units: Annotated[list[Count], Field(min_length=1)]
    activation: Activation
    dropout: Share
    epochs: Count
    learning_rate: Positive
    training: TrainingChanges = TrainingChanges()


def build_recurrent(
    architecture: RecurrentArchitecture, layout: Layout, head: Head, precision: str = "float32"
) -> Network:
    """A network that takes windows, (batch, window) with the oldest value first, and gives the next value.

    Args:
        precision: what the recurrent layers compute in (see `computing_in`).
    """
    import keras

    cell = {"simple": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[architecture.cell]
    row, x = window_inputs(layout)
    with computing_in(precision):
        for number, units in enumerate(architecture.units, start=1):
            goes_on = number < len(architecture.units)
            layer = cell(units, activation=architecture.activation, return_sequences=goes_on, name=f"recurrent{number}")
            x = layer(x)
    output = head.attach(x, architecture.dropout)
    model = keras.Model(row, output if head.task.has_classes else in_target_units(output), name="recurrent")
    return network_of_rows(model, layout)
