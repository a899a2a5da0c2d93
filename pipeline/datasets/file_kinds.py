"""What a file or a folder is, by its name and its first bytes: a photo, or what systems and tools add by themselves."""

from __future__ import annotations

from pathlib import Path

# What network storage, file managers and Python put into folders that people use.
SYSTEM_FOLDERS = frozenset(
    (
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp", "__macosx", "__pycache__"),
        *("$recycle.bin", "system volume information", "lost+found", "lost.dir"),
    )
)
SYSTEM_FILES = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "folder.jpg:zone.identifier"))
PHOTO_ENDINGS = frozenset(
    (
        *(
            ".jpg",
            ".jpeg",
            ".jpe",
            ".jfif",
            ".png",
            ".gif",
            ".bmp",
            ".tif",
            ".tiff",
            ".webp",
            ".avif",
            ".heic",
            ".heif",
        ),
        *(".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".psd", ".dcm", ".jxl"),
        *(".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"),  # cameras' own, which must be converted
    )
)
MAGIC = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"RIFF",
    b"\0\0\1\0",
    b"\xff\x4f\xff",
    b"P5",
    b"P6",
)


def is_system_folder(name: str) -> bool:
    """Whether systems or tools made it; hidden folders count."""
    return name.startswith(".") or name.casefold() in SYSTEM_FOLDERS


def is_system_file(name: str) -> bool:
    return name.startswith(".") or name.casefold() in SYSTEM_FILES


def looks_like_photo(file: Path) -> bool:
    """By its name's ending, else by its first bytes; a damaged photo counts."""
    if file.suffix.lower() in PHOTO_ENDINGS:
        return True
    try:
        with file.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return False
    return head.startswith(MAGIC) or head[4:8] == b"ftyp"


def endings_of(files: list[Path]) -> str:
    """Such as ".xml, .txt": the endings of these files, the most frequent ones first."""
    endings = [file.suffix.lower() or "no ending" for file in files]
    return ", ".join(sorted(set(endings), key=lambda ending: (-endings.count(ending), ending))[:3])
