"""champions/ in DVC: the models and the log go to its cache, and champions.dvc, which git keeps, names them.

What was added once never changes, the log only grows, and the page of history and the log's signature are made anew. So
a file that was lost or damaged here is not added in its place, where it would become what DVC brings back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from pipeline.champions.history.page import HISTORY, write_history
from pipeline.champions.integrity.signed_log import signatures_of
from pipeline.champions.log import CHAMPIONS, LOG, POINTER, ChampionError, read_log
from pipeline.champions.versions import folder_of, remove_leftovers
from pipeline.dvc_command import keep
from pipeline.ground.dvc_cache import cached_object
from pipeline.ownership import md5
from pipeline.params.schema.reading import read_yaml

BRING_BACK = "`dvc checkout --force champions` brings back what was"


def keep_champions() -> None:
    """Make the page of history anew, and keep champions/ as it is now; nothing where there is none yet.

    Raises:
        ChampionError: something in it is lost or is not as it was added; nothing is added then.
        VersioningError: DVC failed.
    """
    if CHAMPIONS.is_dir():
        refuse_damage()
        remove_leftovers(read_log())
        write_history()
        keep(CHAMPIONS)


def refuse_damage(within: str = "") -> None:
    """
    Args:
        within: a version's number, whose files alone are looked at; "": all of champions/.

    Raises:
        ChampionError: naming the first file that is lost or is not as DVC keeps it.
    """
    listed = _added()
    named = _versions_of_log(listed.get(LOG.name))
    for relative, added in listed.items():
        file = CHAMPIONS / relative
        if file in (HISTORY, *signatures_of(LOG)) or (within and not relative.startswith(f"{within}/")):
            continue
        if _is_leftover(relative, named):
            continue
        if not file.is_file():
            raise ChampionError(f"{file}: is not there any more; {BRING_BACK}")
        if md5(file) != added and not (file == LOG and _continues(file, added)):
            raise ChampionError(f"{file}: is not what was registered; {_remedy(added)}")
    if not within:
        _refuse_missing_versions()


def is_kept() -> bool:
    """Whether DVC has the log as it is; false where a kill came between a decision and the end of publishing it."""
    return not LOG.is_file() or _added().get(LOG.name) == md5(LOG)


def is_known(version: int) -> bool:
    """Whether DVC has digests of a version here, so that there is something to compare it with."""
    return any(relative.startswith(f"{version}/") for relative in _added())


def _is_leftover(relative: str, named: Collection[str]) -> bool:
    """Whether a kill left it: a version half written, one that the log never came to name, a temporary file.

    Where one was added to DVC before it was removed, it must not be missed for ever, nor held against the version that
    has its number by now.

    Args:
        named: the versions that the log named when it was added with this file.
    """
    first, *rest = relative.split("/")
    if any(name.startswith(".") for name in (first, *rest)):
        return True
    return bool(rest) and first not in named


def _versions_of_log(added: str | None) -> set[str]:
    """The versions that the log names as DVC keeps it; those of the log as it is where DVC has no copy of it here."""
    try:
        lines = cached_object(added or "").read_bytes().splitlines()
        return {str(json.loads(line)["version"]) for line in lines}
    except (OSError, ValueError, KeyError, TypeError):
        return {str(entry.version) for entry in read_log()}


def _refuse_missing_versions() -> None:
    for entry in read_log():
        if entry.version is not None and not (folder_of(entry.version) / "champion.json").is_file():
            raise ChampionError(f"{folder_of(entry.version)}: {LOG} names it, and it is not there; {BRING_BACK}")


def _remedy(added: str) -> str:
    """Files here may share their bytes with DVC's cache, whose copy then has the same damage."""
    kept = cached_object(added)
    if kept.is_file() and md5(kept) != added:
        return f"DVC's copy has the same damage, so delete {kept}, then `dvc pull --force champions`"
    return BRING_BACK


def _added() -> dict[str, str]:
    """Path within champions/ → MD5, as DVC added them last; empty where it never did, or where its cache is gone."""
    if not POINTER.is_file():
        return {}
    try:
        listing = cached_object(str(read_yaml(POINTER)["outs"][0]["md5"]))
    except (KeyError, IndexError, TypeError):
        raise ChampionError(f"{POINTER}: names no folder; `git checkout {POINTER}` brings back what was") from None
    if not listing.is_file():
        return {}
    try:
        return {str(file["relpath"]): str(file["md5"]) for file in json.loads(listing.read_text(encoding="utf-8"))}
    except (KeyError, TypeError, ValueError):
        raise ChampionError(
            f"{listing}: DVC's list of what is in {CHAMPIONS}/ is cut off or damaged; delete it, then `dvc fetch "
            "champions` brings it from the remote; without a remote, `dvc add champions` takes what is there for right"
        ) from None


def _continues(log: Path, added: str) -> bool:
    """Whether the log begins with what was added; where the cache lost its copy, nobody can say, and nothing stops."""
    before = cached_object(added)
    return not before.is_file() or log.read_bytes().startswith(before.read_bytes())
