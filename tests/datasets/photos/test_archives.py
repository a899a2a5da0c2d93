"""An archive is unpacked once, within its folder and nowhere else; what cannot be unpacked is told of."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from pipeline.datasets.photos.archives import is_archive, only_folder, unpack
from pipeline.datasets.photos.folders import FolderError
from pipeline.datasets.photos.listing import list_source
from pipeline.params.data import Data

CONTENT = b"pixels" * 100


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, CONTENT)
    return path


def tarred(path: Path, *names: str, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(CONTENT)
            archive.addfile(info, io.BytesIO(CONTENT))
    return path


def unpacked(archive: Path, keep: Path) -> tuple[set[str], set[tuple[str, str]]]:
    """The files' names, each with its content checked, and what was left out."""
    folder, left_out = unpack(archive, keep)
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert all(file.read_bytes() == CONTENT for file in files)
    return {file.relative_to(folder).as_posix() for file in files}, {(row.example, row.reason) for row in left_out}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "A.ZIP"])
def test_zip_and_tar_of_every_kind_are_unpacked(tmp_path: Path, name: str) -> None:
    names = {"Pear/1.jpg", "Çilek ağacı/2.jpg", "苹果/3.jpg"}
    if name.lower().endswith("zip"):
        zipped(tmp_path / name, *names)
    else:
        compression = {"a.tar": "", "a.tar.bz2": "bz2", "a.tar.xz": "xz"}.get(name, "gz")
        tarred(tmp_path / name, *names, mode=f"w:{compression}")
    assert is_archive(tmp_path / name)
    assert unpacked(tmp_path / name, tmp_path / "keep") == (names, set())


@pytest.mark.parametrize("make", [zipped, tarred])
def test_nothing_is_written_outside(tmp_path: Path, make: type[zipped]) -> None:
    name = "a.zip" if make is zipped else "a.tar.gz"
    outside = tmp_path / "elsewhere" / "absolute.jpg"
    archive = make(tmp_path / name, "Pear/1.jpg", "../out.jpg", "Pear/../../out.jpg", str(outside), "C:/out.jpg")
    files, left_out = unpacked(archive, tmp_path / "deep" / "keep")
    assert files == {"Pear/1.jpg"}
    assert {reason for _, reason in left_out} == {"leads out of the archive"}
    assert len(left_out) == 4
    assert not [file for file in tmp_path.rglob("*") if file.name.endswith("out.jpg")]
    assert not outside.exists()


def test_a_name_that_no_disk_takes_is_left_out_alone(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", "Pear/1.jpg", f"Pear/{'ç' * 130}.jpg", f"{'x' * 300}/2.jpg")
    files, left_out = unpacked(archive, tmp_path / "keep")
    assert files == {"Pear/1.jpg"}
    assert {reason for _, reason in left_out} == {
        "has a name of more than 255 bytes, which no disk here takes; shorten it"
    }
    assert len(left_out) == 2


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("s", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE), ("f", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(f"Pear/{name}.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert unpacked(tmp_path / "a.tar", tmp_path / "keep") == (
        set(),
        {(f"Pear/{name}.jpg", "is a link or a device") for name in "shf"},
    )
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive_zip:
        link = zipfile.ZipInfo("Pear/s.jpg")
        link.external_attr = 0o120777 << 16
        archive_zip.writestr(link, "/etc/passwd")
    assert unpacked(tmp_path / "a.zip", tmp_path / "keep") == (set(), {("Pear/s.jpg", "is a link")})


def test_what_systems_add_is_not_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", "Pear/1.jpg", "__MACOSX/Pear/._1.jpg", "Pear/.DS_Store")
    assert unpacked(archive, tmp_path / "keep") == ({"Pear/1.jpg"}, set())


def test_utf8_names_that_do_not_say_so_are_read_as_utf8(tmp_path: Path) -> None:
    name = "Çilek/ş.jpg"
    zipped(tmp_path / "a.zip", name)
    content = (tmp_path / "a.zip").read_bytes()
    flagged, plain = b"\x00\x08\x08\x00", b"\x00\x00\x08\x00"  # flags before the method, "deflated"
    assert content.count(flagged) == 2
    (tmp_path / "a.zip").write_bytes(content.replace(flagged, plain))
    assert unpacked(tmp_path / "a.zip", tmp_path / "keep")[0] == {name}


def test_a_damaged_or_repeated_member_is_left_out_alone(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = zipped(tmp_path / "a.zip", "Pear/1.jpg", "Pear/2.jpg", "Pear/2.jpg")
    content = bytearray(archive.read_bytes())
    content[45] ^= 0xFF  # within the first member's data
    archive.write_bytes(bytes(content))
    files, left_out = unpacked(archive, tmp_path / "keep")
    assert files == {"Pear/2.jpg"}
    assert [name for name, reason in left_out if reason.startswith("cannot be unpacked")] == ["Pear/1.jpg"]
    assert ("Pear/2.jpg", "stands twice in the archive") in left_out


@pytest.mark.parametrize("cut", [100, -200])
def test_an_archive_that_is_cut_off_is_refused_and_leaves_nothing(tmp_path: Path, cut: int) -> None:
    import random

    content = random.Random(0).randbytes(5000)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("Pear/1.jpg")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    (tmp_path / "a.tar.gz").write_bytes((tmp_path / "a.tar.gz").read_bytes()[:cut])
    with pytest.raises(FolderError, match=r"a\.tar\.gz: the archive cannot be read"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "keep")
    assert not [file for file in (tmp_path / "keep").rglob("*") if file.is_file()]


def test_a_zip_that_asks_for_a_newer_program_is_refused_by_name(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", "Pear/1.jpg")
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 186  # "version needed", of the list at the end
    archive.write_bytes(content)
    with pytest.raises(FolderError, match=r"a\.zip: the archive cannot be read: zip file version 18\.6"):
        unpack(archive, tmp_path / "keep")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive at all")
    with pytest.raises(
        FolderError, match=r"a\.zip: the archive cannot be read: it is no zip file, or is cut off; make"
    ):
        unpack(tmp_path / "a.zip", tmp_path / "keep")
    (tmp_path / "a.tar.gz").write_bytes(b"no archive at all")
    with pytest.raises(FolderError, match=r"a\.tar\.gz: the archive cannot be read: [^\n]+; make") as refusal:
        unpack(tmp_path / "a.tar.gz", tmp_path / "keep")
    assert len(str(refusal.value).splitlines()) == 1


def test_an_archive_larger_than_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", *(f"Pear/{number}.jpg" for number in range(9)))
    usage = type("usage", (), {"free": 8 * len(CONTENT)})
    monkeypatch.setattr("pipeline.datasets.photos.archives.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(FolderError, match="larger than the free disk"):
        unpack(archive, tmp_path / "keep")


def test_an_archive_is_unpacked_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", "Pear/1.jpg")
    folder, _ = unpack(archive, tmp_path / "keep")
    (folder / "mark").touch()
    assert (unpack(archive, tmp_path / "keep")[0] / "mark").exists()
    zipped(archive, "Pear/1.jpg", "Pear/2.jpg")
    folder, _ = unpack(archive, tmp_path / "keep")
    assert sorted(file.name for file in folder.rglob("*.jpg")) == ["1.jpg", "2.jpg"]
    assert len(list((tmp_path / "keep").iterdir())) == 1


def test_an_only_folder_of_folders_is_entered(tmp_path: Path) -> None:
    (tmp_path / "one" / "photos" / "Pear").mkdir(parents=True)
    assert only_folder(tmp_path / "one") == tmp_path / "one" / "photos"
    assert only_folder(tmp_path / "one" / "photos") == tmp_path / "one" / "photos"


def test_only_folders_are_entered_however_deep_and_whatever_lies_beside_them(tmp_path: Path) -> None:
    (tmp_path / "a" / "download" / "fruit v2" / "Pear").mkdir(parents=True)
    (tmp_path / "a" / "download" / "fruit v2" / "Apple").mkdir()
    (tmp_path / "a" / "README.md").write_text("about")
    (tmp_path / "a" / "download" / "LICENSE").write_text("free")
    (tmp_path / "a" / "download" / "@eaDir").mkdir()
    assert only_folder(tmp_path / "a") == tmp_path / "a" / "download" / "fruit v2"


def test_what_network_storage_adds_is_not_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", "Pear/1.jpg", "@eaDir/Pear/1.jpg", "Pear/@eaDir/1.jpg", "Pear/Thumbs.db")
    assert unpacked(archive, tmp_path / "keep") == ({"Pear/1.jpg"}, set())


def test_a_refusal_names_the_archive(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "fruit.zip", "top/Pear/1.jpg", "top/notes.txt")
    settings = Data(fetch=[], path=str(archive), image_size=96, test_fraction=0.25, limit=None, seed=0)
    with pytest.raises(FolderError) as refusal:
        list_source(settings, tmp_path / "keep")
    assert str(refusal.value).startswith(f"{archive}/top: only one class with photos, 'Pear'")
    assert "keep" not in str(refusal.value)
