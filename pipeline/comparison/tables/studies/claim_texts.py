"""What lectures say of machine learning and deep learning: each claim as a row of data, before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["classical", "scratch", "finetune"]
Unit = Literal["share", "points", "seconds"]

GROUPS: tuple[Group, ...] = ("classical", "scratch", "finetune")


@dataclass(frozen=True)
class Saying:
    """A claim that groups of candidates have more, or less, of something than another group.

    Attributes:
        key: such as `overfitting`; title: what is measured.
        says: the claim as a sentence.
        sign: 1 where it says that a group has more than `against`, else -1.
        about: the groups that it is about.
    """

    key: str
    title: str
    says: str
    unit: Unit
    sign: int
    against: Group = "classical"
    about: tuple[Group, ...] = ("scratch", "finetune")


@dataclass(frozen=True)
class FeatureSaying:
    """A claim that classical models of the same estimator do better on `features` than on `plainer` ones.

    Attributes:
        group: the column of the table that the claim stands in.
        features, plainer: `features` of classical.yaml; against: the plainer ones in words.
    """

    key: str
    says: str
    group: Group
    features: str
    plainer: str
    against: str
    title: str = "accuracy of classical models by their features"


SAYINGS = (
    Saying("cost", "cost of training", "Machine learning costs less to compute, deep learning more.", "seconds", 1),
    Saying("images", "accuracy on images", "Deep learning suits images.", "share", 1),
    Saying("overfitting", "training minus validation accuracy", "Deep networks overfit.", "points", 1),
    Saying(
        "growth", "gain from more data", "Deep learning scales with data, machine learning gains little.", "points", 1
    ),
    Saying("position", "same answer when shifted", "A CNN does not mind where the object is.", "share", 1),
    Saying("noise", "accuracy lost on corrupted photos", "A CNN stands noise.", "share", -1),
    Saying("explanation", "what occlusion explains", "Machine learning explains itself, a CNN little.", "share", -1),
    Saying("transfer", "accuracy", "What a CNN has learnt transfers.", "share", 1, "scratch", ("finetune",)),
)
FEATURE_SAYINGS = (
    FeatureSaying(
        "engineering",
        "Machine learning depends on feature engineering.",
        "classical",
        "hog_colour",
        "pixels",
        "raw pixels",
    ),
    FeatureSaying(
        "own_features", "A CNN finds its features itself.", "finetune", "pooled", "hog_colour", "engineered features"
    ),
)
