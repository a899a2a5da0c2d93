"""The files that a table's paths lead to, and what stands in the way of opening one."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from pipeline.datasets.photos.folders import fault_of, readable

DRIVE = re.compile(r"[A-Za-z]:/")


class Places:
    """Where paths of a table lead, whichever way their letters and slashes are written.

    os.path is asked, which takes a path that no file can have (too long, or with a zero) for one that leads nowhere.
    """

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder, self.base = Path(os.path.abspath(folder)), Path(os.path.abspath(base))
        self.root = folder.resolve()
        self._spellings: dict[Path, dict[str, Path]] = {}
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, path: str) -> tuple[str, Path, str | None]:
        """A path of the table → (the example's name, the file, why there is none to open)."""
        target = self._target(path)
        inside = target.is_relative_to(self.folder)
        example = readable(target.relative_to(self.folder).as_posix() if inside else path)
        return example, target, fault_of(target, self.root) if os.path.exists(target) else self._absence(target, path)

    def leads_to_photo(self, path: str) -> bool:
        """Whether there is a file to open, without a look for what else may be meant."""
        target = self._target(path)
        return os.path.exists(target) and fault_of(target, self.root) is None

    def _target(self, path: str) -> Path:
        written = path if os.path.exists(self.base / path) else path.replace("\\", "/")
        return self._as_on_disk(Path(os.path.normpath(self.base / written)))

    def _absence(self, target: Path, path: str) -> str:
        """Why there is none: what is there instead, if anything is."""
        names = self._names(target.parent) if os.path.isdir(target.parent) else {}
        for name, there in names.items():
            if name.casefold() == readable(target.name).casefold():
                return f"there is no such file, but {there.name}, which differs in case"
        stem = readable(target.name).casefold()
        if ending := next((there.name for name, there in names.items() if Path(name).stem.casefold() == stem), None):
            return f"there is no such file, but {ending}, with an ending"
        if nearer := self._end_of(path.replace("\\", "/")):
            return f"there is no such file, but {nearer}: the path is of another computer, or seen from another folder"
        if deeper := self._elsewhere(PurePosixPath(path.replace("\\", "/")).name):
            return f"there is no such file, but {deeper}"
        return fault_of(target, self.root) or "there is no such file"

    def _end_of(self, path: str) -> str | None:
        """The longest end of a path that leads to a file here, as /home/me/photos/Apple/1.jpg does with Apple/1.jpg."""
        parts = PurePosixPath(DRIVE.sub("/", path)).parts
        ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
        return next((end for end in ends if ".." not in end and os.path.isfile(self.base / end)), None)

    def _elsewhere(self, name: str) -> str | None:
        """The only file of that name, wherever it lies within the folder."""
        if self._by_name is None:
            self._by_name = defaultdict(list)
            for place, _, files in os.walk(self.folder):
                for file in files:
                    self._by_name[readable(file)].append(Path(place, file))
        found = self._by_name.get(readable(name), [])
        return readable(os.path.relpath(found[0], self.base)) if len(found) == 1 else None

    def _as_on_disk(self, target: Path) -> Path:
        """The same path with its letters composed as they are on this disk."""
        if os.path.exists(target) or not target.is_relative_to(self.folder):
            return target
        place = self.folder
        for part in target.relative_to(self.folder).parts:
            step = place / part
            place = (
                step
                if os.path.exists(step) or not os.path.isdir(place)
                else self._names(place).get(readable(part), step)
            )
        return place

    def _names(self, folder: Path) -> dict[str, Path]:
        if folder not in self._spellings:
            self._spellings[folder] = {readable(child.name): child for child in folder.iterdir()}
        return self._spellings[folder]
