"""Rows of data, read by name."""

from __future__ import annotations

from pathlib import Path

from pipeline.params.schema.reading import Model, ParamsError, parse, read_yaml

ROWS_FOLDER = Path(__file__).parents[2] / "models"


def row_names(file: str) -> list[str]:
    """
    Args:
        file: such as "backbones.yaml".
    """
    return list(read_yaml(ROWS_FOLDER / file))


def read_row(kind: type[Model], file: str, name: str) -> Model:
    """One row of a file of pipeline/models/.

    Raises:
        ParamsError: there is no such row, or it says something that it cannot.
    """
    rows = read_yaml(ROWS_FOLDER / file)
    if name not in rows:
        raise ParamsError(f"pipeline/models/{file}: there is no row {name!r}; rows: {', '.join(rows)}")
    return parse(kind, rows[name], f"pipeline/models/{file}", prefix=(name,))
