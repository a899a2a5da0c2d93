"""New photos from elsewhere: what is new behind an address is taken in once, and what did not change is nothing new."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pipeline.operations.retraining.intake.batches import remove_from_incoming
from pipeline.operations.retraining.intake.incoming import INCOMING, IncomingError
from pipeline.operations.retraining.intake.sources import fetch_into_incoming
from pipeline.params.data import Data
from tests.operations.conftest import COLOURS, paint, save
from tests.operations.retraining.intake.test_photos import settings, take  # noqa: F401


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder that a web server shows, with room for the photos that it offers as an archive."""
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.fixture
def address(shop: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(shop))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/new.zip?version=latest"
        server.shutdown()


def offer(shop: Path, numbers: range) -> None:
    """The archive as it is from now on: one photo of each colour a number."""
    for colour in COLOURS:
        for number in numbers:
            save(shop / "new" / colour / f"{number}.png", paint(colour, number))
    shutil.make_archive(str(shop / "new"), "zip", shop, "new")


def waiting() -> list[str]:
    return sorted(path.relative_to(INCOMING).as_posix() for path in INCOMING.rglob("*.png"))


def test_the_same_archive_brings_nothing_again_and_a_newer_one_what_it_has_besides(
    settings: Data,  # noqa: F811
    shop: Path,
    address: str,
) -> None:
    offer(shop, range(100, 104))
    brought = fetch_into_incoming(address)
    assert sorted(brought) == waiting() == sorted(f"{colour}/{n}.png" for colour in COLOURS for n in range(100, 104))
    take(settings)
    assert fetch_into_incoming(address) == [] == waiting()
    offer(shop, range(100, 106))
    assert sorted(fetch_into_incoming(address)) == sorted(f"{colour}/{n}.png" for colour in COLOURS for n in (104, 105))


def test_what_a_source_brought_can_be_taken_out_again_beside_what_lay_there(
    settings: Data,  # noqa: F811
    shop: Path,
    address: str,
) -> None:
    save(INCOMING / "red/mine.png", paint("red", 500))
    offer(shop, range(100, 101))
    remove_from_incoming(fetch_into_incoming(address))
    assert waiting() == ["red/mine.png"]
    assert [folder.name for folder in INCOMING.iterdir()] == ["red"]


@pytest.mark.usefixtures("checkout")
def test_a_second_round_of_rows_to_label_waits_beside_the_first_and_a_table_that_grew_replaces_itself(
    tmp_path: Path,
) -> None:
    for rows in ("1,a\n", "2,b\n"):
        for name in ("label-next-rows.csv", "sales.csv"):
            (tmp_path / name).write_text(f"x,y\n{rows}", encoding="utf-8")
            (place,) = fetch_into_incoming(str(tmp_path / name), "table")
            assert place.startswith(name.partition(".")[0])
    names = sorted(path.name for path in INCOMING.iterdir())
    assert len(names) == 3 and names[2] == "sales.csv"
    assert sorted((INCOMING / name).read_text(encoding="utf-8") for name in names[:2]) == ["x,y\n1,a\n", "x,y\n2,b\n"]


def test_an_archive_of_loose_files_is_refused_by_its_address(settings: Data, shop: Path, address: str) -> None:  # noqa: F811
    save(shop / "loose.png", paint("red", 1))
    shutil.make_archive(str(shop / "new"), "zip", shop, "loose.png")
    with pytest.raises(IncomingError, match=r"new\.zip\?version=latest: holds no class folder"):
        fetch_into_incoming(address)


@pytest.mark.parametrize(
    ("name", "says"), [("away.jpg", "is a link that leads out of"), ("pipe.jpg", "is neither a file nor a folder")]
)
def test_a_folder_with_a_link_out_of_it_or_a_pipe_is_refused_and_brings_nothing(
    settings: Data,  # noqa: F811
    tmp_path: Path,
    name: str,
    says: str,
) -> None:
    (tmp_path / "secret").write_text("another's", encoding="utf-8")
    folder = tmp_path / "offered" / "apple"
    folder.mkdir(parents=True)
    (folder / "away.jpg").symlink_to(tmp_path / "secret") if name == "away.jpg" else os.mkfifo(folder / name)
    Path(".dvc").mkdir(exist_ok=True)
    Path(".dvc/config").write_text(f"['remote \"shop\"']\n    url = {tmp_path}\n", encoding="utf-8")
    for source in (str(tmp_path / "offered"), "remote://shop/offered"):
        with pytest.raises(IncomingError, match=says):
            fetch_into_incoming(source)
    assert not INCOMING.exists() and not list(Path("data").glob(".part-*"))
