"""Nodes run what a commit holds: it has to be all that there is, and to name a remote that all can find."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pipeline.dvc_command import VersioningError
from pipeline.operations.scaling import commit as commits
from pipeline.operations.scaling.commit import ARCHIVED, clean_commit, pack_commit, refuse_private_remote
from tests.operations.scaling.conftest import Place
from tests.operations.scaling.graph import git


def test_what_is_not_committed_is_named_and_refused_save_what_a_run_writes_itself(place: Place) -> None:
    (place.checkout / "dvc.lock").touch()
    (place.checkout / "champions.dvc").touch()
    head = git(place.checkout, "rev-parse", "HEAD").strip()
    assert clean_commit(place.checkout) == head
    (place.checkout / "own.py").touch()
    (place.checkout / "train.py").write_text("print('changed')")
    with pytest.raises(VersioningError, match=r"train\.py, own\.py: not committed.*`git commit --all`"):
        clean_commit(place.checkout)


def test_own_examples_in_the_checkout_need_not_be_committed(place: Place) -> None:
    (place.checkout / "photos").mkdir()
    (place.checkout / "photos" / "apple.jpg").touch()
    (place.checkout / "photos" / "şeftali ağacı.jpg").touch()  # git quotes such names where it may
    assert clean_commit(place.checkout, Path("photos"))
    with pytest.raises(VersioningError, match=r"photos/apple\.jpg, photos/şeftali ağacı\.jpg: not committed"):
        clean_commit(place.checkout, Path("elsewhere"))


def test_the_archive_holds_the_commit_alone_from_a_shallow_and_detached_checkout_too(
    place: Place, tmp_path: Path
) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{place.checkout}", str(shallow))
    git(shallow, "checkout", "-q", "--detach")
    commit = clean_commit(shallow)
    with tarfile.open(fileobj=io.BytesIO(pack_commit(shallow, commit))) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    bare = tmp_path / "unpacked" / ARCHIVED
    assert git(bare, "rev-list", commits.BRANCH).split() == [commit]
    assert git(bare, "show", f"{commit}:train.py") == (place.checkout / "train.py").read_text()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "DVC has no remote.*`dvc remote add --default storage URL`"),
        (
            "[core]\n remote = storage\n['remote \"storage\"']\n url = ../shared\n",
            r"url = \.\./shared: leads elsewhere",
        ),
    ],
)
def test_a_remote_that_nodes_would_not_find_is_refused_with_what_to_do(place: Place, config: str, said: str) -> None:
    (place.checkout / ".dvc/config").write_text(config)
    git(place.checkout, "commit", "-q", "-a", "-m", "another remote")
    with pytest.raises(VersioningError, match=said):
        refuse_private_remote(place.checkout)


def test_a_remote_that_only_this_checkout_knows_is_refused(place: Place) -> None:
    (place.checkout / ".dvc/config").rename(place.checkout / ".dvc/config.local")
    (place.checkout / ".dvc/config").touch()
    git(place.checkout, "commit", "-q", "-a", "-m", "no remote")
    with pytest.raises(VersioningError, match=r"the remote 'storage' is not committed there as the default"):
        refuse_private_remote(place.checkout)


def test_a_remote_that_the_commit_names_is_taken(place: Place) -> None:
    refuse_private_remote(place.checkout)
