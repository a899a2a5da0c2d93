"""Own data in miniature: photos in folders, photos by a table, a table, a series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.operations.planning import speeds
from pipeline.operations.planning.speeds import Speeds
from pipeline.operations.starting import proposal

Rows = list[list[object]]


@pytest.fixture(autouse=True)
def reference_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are those of the reference machine: to measure this one takes a minute, and each gives other numbers."""
    monkeypatch.setattr(proposal, "measure_speeds", lambda *_, **__: Speeds())
    monkeypatch.setattr(speeds, "bfloat16_instructions", lambda: None)


def write_photo(path: Path, number: int, side: int = 80) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (side, side + 10, 3), np.uint8)).save(path)


def write_table(path: Path, header: str, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")


@pytest.fixture
def photos(checkout: Path) -> Callable[..., Path]:
    """{"Pear": 12} → photos/Pear/0.png to 11.png, of `side` pixels."""

    def build(counts: dict[str, int], side: int = 80, root: str = "photos") -> Path:
        for place, (inside, count) in enumerate(counts.items()):
            for number in range(count):
                write_photo(Path(root, inside, f"{number}.png"), 1000 * place + number, side)
        return Path(root)

    return build


@pytest.fixture
def labelled(photos: Callable[..., Path]) -> Path:
    """42 photos in one folder, and a table of them with class and patient."""
    folder = photos({"img": 42})
    rows: Rows = [[f"img/{number}.png", "ab"[number % 2], f"p{number // 3}"] for number in range(42)]
    write_table(folder / "list.csv", "file,kind,patient", rows)
    return folder


@pytest.fixture
def houses(checkout: Path) -> Path:
    random = np.random.default_rng(0)
    rows: Rows = [
        [100 + number, f"{area:.1f}", "north" if number % 3 else "south", f"{2000 * area + random.normal(0, 9e3):.0f}"]
        for number, area in enumerate(random.uniform(20, 150, 60))
    ]
    write_table(Path("houses.csv"), "id,area,district,price", rows)
    return Path("houses.csv")


@pytest.fixture
def flights(checkout: Path) -> Path:
    rows: Rows = [[f"{2010 + month // 12}-{month % 12 + 1:02d}-01", f"{(month * 37) % 101}.5"] for month in range(60)]
    write_table(Path("flights.csv"), "month,passengers", rows)
    return Path("flights.csv")
