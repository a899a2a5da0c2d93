"""Named sources that are tables: bundled with scikit-learn and statsmodels, checked by hash, put down as CSV."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


# The column that each is usually asked for.
TARGETS = {
    "iris": "species",
    "breast_cancer": "diagnosis",
    "wine": "cultivar",
    "diabetes": "progression",
    "randhie": "mdvis",
    "sunspots": "sunactivity",
}


class ChangedSourceError(ValueError):
    """A package carries other numbers than those that the studies' results are about."""


@dataclass(frozen=True)
class TableSource:
    """
    Attributes:
        read: the table, with the column of TARGETS.
        carrier: the package that it comes with.
        sha256: of the CSV that is made of it.
    """

    read: Callable[[], pd.DataFrame]
    carrier: str
    sha256: str


def csv_of(name: str) -> bytes:
    """
    Raises:
        ChangedSourceError: when its hash is not the one that is known.
    """
    source = TABLE_SOURCES[name]
    content = source.read().to_csv(index=False, lineterminator="\n").encode()
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise ChangedSourceError(
            f"{source.carrier}: its {name} has changed (SHA-256 {found}, expected {source.sha256}); install the "
            "version that requirements.lock names"
        )
    return content


def _from_scikit_learn(name: str) -> Callable[[], pd.DataFrame]:
    """Classes are written by name, numbers as they are."""

    def read() -> pd.DataFrame:
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        target = bunch.target
        if "target_names" in bunch:
            target = target.map(dict(enumerate(map(str, bunch.target_names))))
        return bunch.data.assign(**{TARGETS[name]: target})

    return read


def _from_statsmodels(name: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        from statsmodels import datasets

        table = getattr(datasets, name).load_pandas().data
        return table.rename(columns=str.lower)

    return read


TABLE_SOURCES = {
    # Fisher (1936): 150 flowers, three species. UCI Machine Learning Repository, CC BY 4.0.
    "iris": TableSource(
        _from_scikit_learn("iris"), "scikit-learn", "f7fac79ad999fd2d001fd012dd70c0f42c738a7e7cfb7069e71371b55c29341e"
    ),
    # Street, Wolberg and Mangasarian (1993): 569 tumours, 30 measures of their cells' nuclei. UCI, CC BY 4.0.
    "breast_cancer": TableSource(
        _from_scikit_learn("breast_cancer"),
        "scikit-learn",
        "7e115a871fc47b0002ff74842ddb6b61b08baf51b137f171c34af4d053c0b081",
    ),
    # Aeberhard and Forina (1991): 178 wines, 13 chemical measures, three growers. UCI, CC BY 4.0.
    "wine": TableSource(
        _from_scikit_learn("wine"), "scikit-learn", "9823017997cff0e628fbc81e9fc0867152879a6799a5068b03b508f8ea30a052"
    ),
    # Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression" (2004): how far diabetes went in a year.
    "diabetes": TableSource(
        _from_scikit_learn("diabetes"),
        "scikit-learn",
        "2bc61e7fd2fb43607febff223eba28c50dd90d8df941708e927bd87f186b526b",
    ),
    # RAND Health Insurance Experiment: 20,190 person-years, visits to a doctor. Public domain.
    "randhie": TableSource(
        _from_statsmodels("randhie"), "statsmodels", "786cc35905f1de2ff4508a17d91c1eca286dae1e1e1fcec5054c41575a19ec27"
    ),
    # Yearly sunspot numbers from 1700 to 2008, National Geophysical Data Center. Public domain.
    "sunspots": TableSource(
        _from_statsmodels("sunspots"), "statsmodels", "07c543f8cd80fec007b6370622288b1daa4ffda76c358ba9d08a2bee0d6a8bb3"
    ),
}
