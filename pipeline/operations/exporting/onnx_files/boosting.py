"""scikit-learn's histogram gradient boosting through skl2onnx, whose node flags protobuf 7 no longer takes.

skl2onnx 1.20 hands over truth values where ONNX has whole numbers: which way a missing value goes at each node. Older
protobufs turned the one into the other; here that is done before.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

WAY_OF_MISSING = "nodes_missing_value_tracks_true"


def convert_boosting(scope: Any, operator: Any, container: Any) -> None:
    """As skl2onnx calls a converter."""
    from skl2onnx.operator_converters import random_forest

    known = (
        random_forest.convert_sklearn_random_forest_classifier
        if is_classifier(operator.raw_operator)
        else random_forest.convert_sklearn_random_forest_regressor_converter
    )
    add_node = container.add_node

    def add_node_of_whole_numbers(*where: Any, **attributes: Any) -> None:
        if WAY_OF_MISSING in attributes:
            attributes[WAY_OF_MISSING] = [int(flag) for flag in attributes[WAY_OF_MISSING]]
        add_node(*where, **attributes)

    container.add_node = add_node_of_whole_numbers
    try:
        known(scope, operator, container)
    finally:
        container.add_node = add_node


CONVERTERS = {HistGradientBoostingClassifier: convert_boosting, HistGradientBoostingRegressor: convert_boosting}
