"""champions/ is added to DVC as long as it is whole: what was lost or damaged does not become what DVC brings back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pipeline.champions.integrity import keeping
from pipeline.champions.integrity.keeping import is_kept, keep_champions
from pipeline.champions.log import LOG, ChampionError
from pipeline.champions.versions import add_version, folder_of
from pipeline.ground.dvc_cache import cached_object
from pipeline.params.schema.reading import read_yaml
from tests.champions.test_versions import filled


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A checkout with one version, kept in DVC's cache as `dvc add` does it; returns what is kept from then on."""
    monkeypatch.chdir(tmp_path)
    kept: list[Path] = []

    def keep(folder: Path) -> None:
        kept.append(folder)
        add_to_dvc()

    monkeypatch.setattr(keeping, "keep", keep)
    add_version(filled, "data")
    add_to_dvc()
    return kept


def add_to_dvc() -> None:
    files = [file for file in Path("champions").rglob("*") if file.is_file()]
    listed = [{"md5": _cached(file.read_bytes()), "relpath": str(file.relative_to("champions"))} for file in files]
    pointer = _cached(json.dumps(listed).encode(), ".dir")
    Path("champions.dvc").write_text(f"outs:\n- md5: {pointer}\n  path: champions\n", encoding="utf-8")


def _cached(content: bytes, ending: str = "") -> str:
    md5 = hashlib.md5(content).hexdigest() + ending
    place = Path(".dvc/cache/files/md5", md5[:2], md5[2:])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return md5


def test_a_log_that_grew_and_a_new_version_are_kept(added: list[Path]) -> None:
    add_version(filled, "data")
    keep_champions()
    assert added == [Path("champions")]


def test_a_lost_version_is_not_kept_as_lost(added: list[Path]) -> None:
    (folder_of(1) / "champion.json").unlink()
    with pytest.raises(ChampionError, match=r"champions/1/champion.json: is not there any more; `dvc checkout --force"):
        keep_champions()
    assert added == []


def test_a_cut_model_is_not_kept(added: list[Path]) -> None:
    model = next(file for file in folder_of(1).rglob("*") if file.is_file() and file.name != "champion.json")
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    with pytest.raises(ChampionError, match="is not what was registered"):
        keep_champions()
    assert added == []


def test_a_log_that_lost_a_line_is_not_kept(added: list[Path]) -> None:
    LOG.write_text("", encoding="utf-8")
    with pytest.raises(ChampionError, match=r"log.jsonl: is not what was registered"):
        keep_champions()
    assert added == []


def test_before_anything_was_added_every_version_of_the_log_has_to_be_there(added: list[Path]) -> None:
    Path("champions.dvc").unlink()
    folder_of(1).rename("elsewhere")
    with pytest.raises(ChampionError, match=r"champions/1: champions/log.jsonl names it, and it is not there"):
        keep_champions()
    assert added == []


@pytest.mark.parametrize("left", [".part-2/champion.json", "2/champion.json", ".log.77.jsonl"])
def test_what_a_kill_left_is_not_missed_once_it_is_removed(added: list[Path], left: str) -> None:
    """As where `track` added it to DVC before the next retraining cleared it up."""
    pointer = Path("champions.dvc")
    listing = cached_object(str(read_yaml(pointer)["outs"][0]["md5"]))
    listed = [*json.loads(listing.read_text(encoding="utf-8")), {"md5": _cached(b"half"), "relpath": left}]
    pointer.write_text(f"outs:\n- md5: {_cached(json.dumps(listed).encode(), '.dir')}\n  path: champions\n", "utf-8")
    keep_champions()
    assert added == [Path("champions")]


def test_a_version_that_the_log_never_came_to_name_is_not_kept(added: list[Path]) -> None:
    folder_of(2).mkdir()
    (folder_of(2) / "champion.json").write_text("{}", encoding="utf-8")
    keep_champions()
    assert added == [Path("champions")] and not folder_of(2).exists()


def test_the_version_that_has_the_number_of_a_leftover_by_now_is_kept_and_from_then_on_guarded(
    added: list[Path],
) -> None:
    (half := folder_of(2)).mkdir()
    (half / "champion.json").write_text("{}", encoding="utf-8")
    add_to_dvc()
    add_version(filled, "data")
    keep_champions()
    assert added == [Path("champions")]
    (half / "champion.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ChampionError, match=r"champions/2/champion.json: is not what was registered"):
        keep_champions()


def test_a_log_is_kept_until_it_grows(added: list[Path]) -> None:
    assert is_kept()
    add_version(filled, "data")
    assert not is_kept()
    keep_champions()
    assert is_kept()
    Path("champions.dvc").unlink()
    assert not is_kept()
    LOG.unlink()
    assert is_kept(), "there is nothing to keep"


def test_a_damaged_list_of_dvc_and_a_pointer_without_one_are_named(added: list[Path]) -> None:
    listing = cached_object(str(read_yaml(Path("champions.dvc"))["outs"][0]["md5"]))
    listing.write_text(listing.read_text(encoding="utf-8")[:40], encoding="utf-8")
    with pytest.raises(ChampionError, match=rf"{listing}: DVC's list .+ is cut off or damaged; delete it, then `dvc f"):
        keep_champions()
    Path("champions.dvc").write_text("outs: []\n", encoding="utf-8")
    with pytest.raises(ChampionError, match=r"champions\.dvc: names no folder; `git checkout champions\.dvc`"):
        keep_champions()
    assert added == []
