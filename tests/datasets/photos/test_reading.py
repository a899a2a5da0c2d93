"""Many photos are read on all cores, in their order, and nothing finished is read again after a kill."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from pipeline.datasets.photos import chunks, reading
from pipeline.datasets.photos.decoding import decode_photo
from pipeline.datasets.photos.reading import CHUNK, read_photos

ROOT = Path(__file__).resolve().parents[3]
MakePhoto = Callable[[Path, int], Path]
READ = """
import sys
from pathlib import Path
from pipeline.datasets.photos import chunks, reading
if __name__ == "__main__":
    folder, reading.CHUNK = Path(sys.argv[1]), 16
    reading.read_photos(sorted(folder.iterdir()), 32, folder.parent / "keep")
"""


def test_photos_keep_the_order_of_their_files_whichever_process_reads_them(tmp_path: Path, photo: MakePhoto) -> None:
    files = [photo(tmp_path / "photos" / f"{number:04d}.png", number) for number in range(3 * CHUNK + 20)]
    files[7].write_bytes(b"broken")
    decoded = read_photos(files, 16, tmp_path / "keep")
    assert decoded.failures == {7: "is not a picture of a known kind"}
    images = decoded.images[np.arange(len(files))]
    for row, file in enumerate(files):
        assert np.array_equal(images[row], np.zeros((16, 16, 3)) if row == 7 else decode_photo(file, 16))
    assert [row for row, digest in enumerate(decoded.digests) if digest is None] == [7]
    assert len(set(decoded.digests)) == len(files) == len(decoded.hashes) == len(decoded.sketches)


def test_the_digest_tells_pictures_apart_by_what_they_show(tmp_path: Path) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8))
    for name in ("a.png", "b.bmp"):
        picture.save(tmp_path / name)
    picture.putpixel((0, 0), (0, 0, 0))
    picture.save(tmp_path / "c.png")
    a, b, c = read_photos([tmp_path / name for name in ("a.png", "b.bmp", "c.png")], 40, tmp_path / "keep").digests
    assert a == b != c


def test_finished_chunks_are_not_read_again(
    tmp_path: Path, photo: MakePhoto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = [photo(tmp_path / "photos" / f"{number:04d}.png", number) for number in range(CHUNK + 9)]
    first = read_photos(files, 16, tmp_path / "keep")
    (record,) = (tmp_path / "keep").rglob(f"chunk-{CHUNK:08d}.npz")
    record.unlink()
    read = []
    decode = chunks.decode
    monkeypatch.setattr(chunks, "decode", lambda file, *rest: read.append(file) or decode(file, *rest))
    with caplog.at_level(logging.INFO, "kiyas"):
        again = read_photos(files, 16, tmp_path / "keep")
    assert read == files[CHUNK:]
    assert again.digests == first.digests
    assert "1 of 2 chunks of photos are read already" in caplog.text


@pytest.mark.parametrize("change", ["content", "size"])
def test_what_has_changed_is_read_anew(tmp_path: Path, photo: MakePhoto, change: str) -> None:
    files = [photo(tmp_path / "photos" / f"{number}.png", number) for number in range(4)]
    before = read_photos(files, 16, tmp_path / "keep")
    if change == "content":
        photo(files[2], 99)
        os.utime(files[2], ns=(1, 1))
    after = read_photos(files, 16 if change == "content" else 20, tmp_path / "keep")
    assert after.digests[2] != before.digests[2]
    assert len(list((tmp_path / "keep").iterdir())) == 1


def test_a_killed_run_leaves_its_chunks_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", 16)
    folder, keep = tmp_path / "photos", tmp_path / "keep"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save(folder / "0000.png")
    content = (folder / "0000.png").read_bytes()
    for number in range(1, 192):
        (folder / f"{number:04d}.png").write_bytes(content)
    command = [sys.executable, "-c", READ, str(folder)]
    running = subprocess.Popen(command, cwd=ROOT)
    while not list(keep.rglob("chunk-*.npz")) and running.poll() is None:
        time.sleep(0.01)
    workers = psutil.Process(running.pid).children()
    running.kill()
    running.wait()
    psutil.wait_procs(workers, timeout=20)
    assert not [worker for worker in workers if worker.is_running()]
    kept = {file: file.stat().st_mtime_ns for file in keep.rglob("chunk-*.npz")}
    assert 1 <= len(kept) < 12
    decoded = read_photos(sorted(folder.iterdir()), 32, keep)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert len(decoded.digests) == 192
    assert len(set(decoded.digests)) == 1


def test_a_photo_that_ends_its_process_is_left_out_and_the_others_are_read(
    tmp_path: Path, photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe stands in for a file that crashes the decoder: whoever opens it waits, and is killed from here."""
    monkeypatch.setattr(reading, "CHUNK", 4)
    files = [photo(tmp_path / "photos" / f"{number:02d}.png", number) for number in range(14)]
    files[5].unlink()
    os.mkfifo(files[5])
    finished = threading.Event()

    def kill_who_opens_it() -> None:
        first = True
        while not finished.wait(0.1):
            waits = len(list(tmp_path.rglob("chunk-*.npz"))) == 3  # the other chunks are read
            if waits and (first or any(file.read_text() == "5" for file in tmp_path.rglob("*.opened"))):
                first = False
                for child in psutil.Process().children():
                    with contextlib.suppress(psutil.Error):
                        if "spawn_main" in " ".join(child.cmdline()):
                            child.kill()

    killer = threading.Thread(target=kill_who_opens_it)
    killer.start()
    try:
        decoded = read_photos(files, 16, tmp_path / "keep")
    finally:
        finished.set()
        killer.join()
    assert decoded.failures == {5: "ends the process that reads it"}
    assert [row for row, digest in enumerate(decoded.digests) if digest is None] == [5]
