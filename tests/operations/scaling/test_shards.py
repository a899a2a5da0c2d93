"""Photos that nodes read are, byte for byte, what `prepare` makes of them here; what nodes cannot read is read here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from pipeline.datasets.photos import chunks, reading
from pipeline.datasets.photos.decoding import PhotoError
from pipeline.datasets.photos.reading import due_reading, read_photos
from pipeline.operations import fanout
from pipeline.operations.scaling import preparing, shards
from pipeline.operations.scaling.driver import LOGS, Finished
from pipeline.operations.scaling.launcher import Ended, Event
from pipeline.operations.scaling.on_nodes.node import BOUNDED, run_stage
from pipeline.operations.scaling.on_nodes.shard import ShardError, read_shard
from pipeline.operations.scaling.on_nodes.shard_stages import FOLDER, Shard
from pipeline.operations.scaling.orders import Order, Outcome
from pipeline.operations.scaling.preparing import read_photos_on_nodes
from pipeline.operations.scaling.shards import cut_shards, lay_shard
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.operations.workspace import sync_workspace
from pipeline.params.data import Data
from pipeline.params.schema.reading import read_yaml
from pipeline.params.upkeep.scale import Scale
from pipeline.stages import prepare
from tests.operations.scaling.graph import ROOT, dvc, git
from tests.operations.scaling.scripted import Scripted

SIZE = 16


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """23 photos in chunks of 4: one is broken, one stands there twice, and one has 16 bits of which it uses 12."""
    monkeypatch.setattr(reading, "CHUNK", 4)
    folder, random = tmp_path / "photos", np.random.default_rng(0)
    folder.mkdir()
    for number in range(23):
        Image.fromarray(random.integers(0, 256, (20, 20, 3), np.uint8)).save(folder / f"{number:02d}.png")
    (folder / "05.png").write_bytes(b"broken")
    shutil.copy(folder / "03.png", folder / "20.png")
    Image.fromarray(random.integers(0, 4096, (20, 20)).astype(np.uint16)).save(folder / "07.png")
    return sorted(folder.iterdir())


def read_elsewhere(files: Sequence[Path], keep: Path, shards: Sequence[Shard], place: Path) -> None:
    """As nodes would: through plain data, each into a folder of its own."""
    for shard in shards:
        read_shard(Shard(**asdict(shard)), place / shard.name, processes=1)
        lay_shard(due_reading(files, SIZE, keep), place / shard.name, shard.first)


def test_shards_put_together_are_what_one_machine_reads(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, keep = read_photos(files, SIZE, tmp_path / "alone"), tmp_path / "keep"
    sizes = []
    while (due := due_reading(files, SIZE, keep)).missing:
        shards = cut_shards(due, most=9)
        sizes.append([len(shard.files) for shard in shards])
        read_elsewhere(files, keep, shards, tmp_path / f"shards-{len(sizes)}")
        (left,) = due.missing
        assert left.first == 4, "the chunk of the broken photo, which is tried again here"
        reading.read_chunks([left])
    assert sizes == [[8, 8, 7]] * 2, "twice, since what pictures of 16 bits use is known when all are read"
    monkeypatch.setattr(chunks, "decode", lambda *_: pytest.fail("all is read"))
    together = read_photos(files, SIZE, keep)
    rows = np.arange(len(files))
    np.testing.assert_array_equal(together.images[rows], alone.images[rows])
    for name in ("digests", "failures", "white"):
        assert getattr(together, name) == getattr(alone, name)
    for name in ("hashes", "sketches", "largest"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))
    assert together.white == 4095 and list(together.failures) == [5]


def test_what_is_read_already_is_in_no_shard(files: list[Path], tmp_path: Path) -> None:
    due = due_reading(files, SIZE, tmp_path / "keep")
    read_elsewhere(files, tmp_path / "keep", cut_shards(due, most=8)[1:2], tmp_path / "shards")
    assert [shard.name for shard in cut_shards(due, most=100)] == ["photos-0-to-7", "photos-16-to-22"]


def test_a_photo_that_a_node_alone_cannot_read_is_read_here(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, decode = tmp_path / "keep", chunks.decode

    def without_permission(file: Path, *rest: Any) -> Any:
        if file == files[13]:
            raise PhotoError("cannot be read: Permission denied")
        return decode(file, *rest)

    with monkeypatch.context() as node:
        node.setattr(chunks, "decode", without_permission)
        read_elsewhere(files, keep, cut_shards(due_reading(files, SIZE, keep), most=100), tmp_path / "shards")
    assert [chunk.first for chunk in due_reading(files, SIZE, keep).missing] == [4, 12]
    assert list(read_photos(files, SIZE, keep).failures) == [5]


def test_photos_that_change_while_they_are_read_are_not_read_over_and_over(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []

    def touched_meanwhile(parts: list[Any]) -> None:
        passes.append(len(parts))
        os.utime(files[0], ns=(len(passes), len(passes)))
        for part in parts:
            chunks.read_chunk(part)

    monkeypatch.setattr(reading, "read_chunks", touched_meanwhile)
    assert list(read_photos(files, SIZE, tmp_path / "keep").failures) == [5]
    assert passes == [6, 6], "once by each value of white"


def test_a_node_that_sees_other_photos_or_has_another_pillow_reads_nothing(files: list[Path], tmp_path: Path) -> None:
    (shard,) = cut_shards(due_reading(files, SIZE, tmp_path / "keep"), most=100)
    with pytest.raises(ShardError, match=r"another version of Pillow, NumPy or pillow-heif"):
        read_shard(replace(shard, code="other"), tmp_path / "shard", 1)
    os.utime(files[2], ns=(1, 1))
    with pytest.raises(ShardError, match=rf"{files[2]}: this node does not see it as it is where `fanout` runs"):
        read_shard(shard, tmp_path / "shard", 1)
    files[2].unlink()
    with pytest.raises(ShardError, match=str(files[2])):
        read_shard(shard, tmp_path / "shard", 1)
    assert not (tmp_path / "shard").exists()


def test_names_that_are_no_text_are_left_to_this_machine(files: list[Path], tmp_path: Path) -> None:
    odd = files[9].with_name(os.fsdecode(b"\xff.png"))
    files[9].rename(odd)
    shards = cut_shards(due_reading([*files[:9], odd, *files[10:]], SIZE, tmp_path / "keep"), most=100)
    assert [shard.name for shard in shards] == ["photos-0-to-7", "photos-12-to-22"]


def test_what_no_node_could_read_is_left_to_prepare_and_few_photos_are_no_work_for_nodes(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(preparing, "due_reading_of", lambda _: due_reading(files, SIZE, tmp_path / "keep"))
    brought: list[str] = []
    monkeypatch.setattr(preparing, "bring_back", lambda _, read, __: brought.extend(shard.name for shard, _ in read))
    asked: list[list[str]] = []

    def run_tasks(tasks: Sequence[Task]) -> Finished:
        asked.append([task.name for task in tasks])
        return Finished({tasks[0].name: {}}, ["prepare:photos-8-to-15: was lost"])

    photos = SimpleNamespace(kind="images")
    read_photos_on_nodes(photos, Scale(photos_per_shard=8), run_tasks, print)
    assert asked == [["prepare:photos-0-to-7", "prepare:photos-8-to-15", "prepare:photos-16-to-22"]]
    assert brought == ["photos-0-to-7"]
    assert "prepare:photos-8-to-15: was lost; its photos are read here" in caplog.text
    for most in (23, None):
        read_photos_on_nodes(photos, Scale(photos_per_shard=most), run_tasks, print)
    assert len(asked) == 1


def test_borders_of_shards_stay_where_they_are_when_a_part_of_one_is_here_already(
    files: list[Path], tmp_path: Path
) -> None:
    due = due_reading(files, SIZE, tmp_path / "keep")
    reading.read_chunks(due.missing[:1])
    assert [shard.name for shard in cut_shards(due, most=9)] == ["photos-4-to-7", "photos-8-to-15", "photos-16-to-22"]


def test_only_many_photos_are_read_on_nodes_and_only_where_prepare_runs(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photos = Data(fetch=[], path=str(files[0].parent), image_size=SIZE, test_fraction=0.2, limit=None, seed=0)
    table = SimpleNamespace(kind="table")
    most = Scale(photos_per_shard=22)
    assert preparing.may_need_nodes(photos, most, ["fetch", "prepare"])
    assert not preparing.may_need_nodes(photos.model_copy(update={"path": "is-not-here-yet"}), most, ["prepare"])
    more = Scale(photos_per_shard=23)
    assert not preparing.may_need_nodes(photos, more, ["prepare"])
    accepted = Path("data/accepted/first/photos/train/cat")
    accepted.mkdir(parents=True)
    shutil.copy(files[0], accepted)
    assert preparing.may_need_nodes(photos, more, ["prepare"]), "with what was accepted since"
    shutil.rmtree("data/accepted")
    assert not preparing.may_need_nodes(photos, Scale(photos_per_shard=None), ["prepare"])
    assert not preparing.may_need_nodes(photos, most, ["weights@vgg16"])
    assert not preparing.may_need_nodes(table, most, ["prepare"])


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of this checkout with photos so small and an image size so large that a chunk holds ten, and a remote."""
    folder, photos, random = tmp_path / "checkout", tmp_path / "photos", np.random.default_rng(0)
    for name in ("cat", "dog"):
        (photos / name).mkdir(parents=True)
        for number in range(8):
            Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8)).save(photos / name / f"{number}.png")
    shutil.copy(photos / "cat/0.png", photos / "cat/again.png")
    sync_workspace(ROOT, folder)
    params = read_yaml(ROOT / "params.yaml")
    params["data"] |= {"fetch": [], "path": str(photos), "image_size": 1024}
    params["scale"] |= {"cache": str(tmp_path / "node"), "photos_per_shard": 10}
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    dvc(folder, "remote", "add", "-q", "--default", "storage", str(tmp_path / "remote"))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "photos")
    monkeypatch.chdir(folder)
    return folder


class Here(Scripted):
    """A launcher whose two nodes are threads of this process, which do what a node does; Ray has tests of its own."""

    def __init__(self, archive: bytes) -> None:
        super().__init__({}, nodes=("a", "b"))
        self.archive, self.threads = archive, ThreadPoolExecutor(2)
        self.running: list[Future[dict[str, Any]]] = []

    def asked(self, task: Task) -> Resources:
        return Resources(1.0)

    def start(self, task: Task, order: Order, node: str) -> None:
        self.orders.append(order)
        self.running.append(self.threads.submit(run_stage, asdict(order), self.archive))

    def wait(self, seconds: float) -> list[Event]:
        done, left = wait(self.running, seconds, FIRST_COMPLETED)
        self.running = list(left)
        return [Ended(Outcome(**future.result())) for future in done]


def test_prepare_on_two_places_is_prepare_here_to_the_byte_and_a_killed_run_goes_on(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fanout.run(["prepare"], dry_run=True) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("on nodes, for prepare: about 17 photos are read, in 2 shards")
    assert second.startswith("here, before: folders, folders-foreign, prepare (")
    prepare.run()
    here = contents(checkout / "data/prepared")
    shutil.rmtree(checkout / "data/prepared")
    read = (checkout / ".kiyas/prepare/read").resolve()
    assert not read.exists()
    monkeypatch.setattr(chunks, "decode", lambda *_: pytest.fail("nodes have read all"))
    monkeypatch.setattr(fanout, "RayLauncher", lambda archive, address, at_once: Here(archive))
    monkeypatch.setattr(
        fanout.repro, "run", lambda stages: (prepare.run() or 0) if "prepare" in stages and read.exists() else 0
    )
    with monkeypatch.context() as kill:
        kill.setattr(shards, "lay_shard", killed_at_the_second(shards.lay_shard))
        with pytest.raises(KeyboardInterrupt):
            fanout.run(["prepare"], address="ray://nodes:10001")
    (checkout / FOLDER / "photos-10-to-16").mkdir(parents=True)  # as a kill would have left it
    (checkout / FOLDER / "dvc.yaml").touch()
    told = capsys.readouterr().out
    assert "prepare:photos-0-to-9" in told and "prepare:photos-10-to-16" in told
    assert fanout.run(["prepare"], address="ray://nodes:10001") == 0, capsys.readouterr()
    told = capsys.readouterr().out
    assert "prepare:photos-0-to-9" not in told and "prepare:photos-10-to-16" in told
    assert "is cached - skipping run" in (LOGS / "prepare:photos-10-to-16.log").read_text()
    assert contents(checkout / "data/prepared") == here
    assert not (checkout / FOLDER).exists() and git(checkout, "status", "--porcelain") == ""
    assert {file.name for file in (tmp_path / "node").iterdir()} == {*BOUNDED, "kept", "in-use"}
    assert not list((tmp_path / "node/clones").glob(f"*/{FOLDER}"))


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def killed_at_the_second(lay: Callable[..., None]) -> Callable[..., None]:
    calls: list[int] = []

    def lay_or_end(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        lay(*arguments)

    return lay_or_end
