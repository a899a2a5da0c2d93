"""Which photos there are: in class folders, in a table of paths, in an archive of either, and in accepted batches."""

from __future__ import annotations

from pathlib import Path

from pipeline.datasets.photos.archives import is_archive, only_folder, unpack
from pipeline.datasets.photos.folders import FolderError, Listing, Quarantined, list_class_folders, list_photos
from pipeline.datasets.photos.label_table import list_labelled
from pipeline.params.data import Data

ACCEPTED = Path("data/accepted")


def list_source(settings: Data, keep: Path) -> Listing:
    """What data.path holds.

    Args:
        keep: where an archive is unpacked.

    Raises:
        FolderError: when nothing can be learnt from it as it is.
    """
    folder, left_out = Path(settings.path), list[Quarantined]()
    if is_archive(folder):
        folder, left_out = unpack(folder, keep)
        if settings.labels is None or not (folder / settings.labels.file).is_file():
            folder = only_folder(folder)
    found = list_photos(folder) if settings.labels is None else list_labelled(folder, settings.labels)
    return Listing(found.photos, found.files, left_out + found.left_out)


def list_batches(accepted: Path = ACCEPTED) -> list[Listing]:
    """What was accepted later: <batch>/photos/<train|val|test>/<class>/, in the order of the batches' names.

    Examples are called accepted/<batch>/<split>/<class>/<file>. The split is the one that the folders say.

    Raises:
        FolderError: for a batch whose photos do not lie in splits, or that only its .dvc file is here of.
    """
    absent = [pointer for pointer in sorted(accepted.glob("*.dvc")) if not pointer.with_suffix("").is_dir()]
    if absent:
        raise FolderError(
            f"{absent[0]}: the batch that it names is not here; `dvc checkout {absent[0]}` brings it from this "
            f"machine's cache, `dvc pull {absent[0]}` from the DVC remote (`dvc remote add --default NAME URL`)"
        )
    batches = sorted(folder for folder in accepted.glob("*/photos") if folder.is_dir())
    listings = []
    for number, folder in enumerate(batches, start=1):
        found = list_class_folders(folder, f"{accepted.name}/{folder.parent.name}/", number)
        if any(photo.split is None for photo in found.photos):
            raise FolderError(f"{folder}: a batch has train/ and test/ with one sub-folder a class each; make it so")
        listings.append(found)
    return listings
