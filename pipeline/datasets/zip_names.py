"""Names of a zip's members in Unicode: many programs write them in the character set of their own country.

A zip says of a name whether it is UTF-8; of others Python takes the first IBM PC's characters, which is seldom right.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from zipfile import ZipInfo

UTF8_FLAG, UNICODE_PATH = 0x800, 0x7075
_WESTERN = "äöüßéèêëàâáçñíìîïóòôúùûåæøœÄÖÜÉÈÊÀÂÁÇÑÍÎÓÔÚÅÆØ’"
_TURKISH = "çğıöşüâîûÇĞİÖŞÜ"
_CENTRAL = "ąćęłńóśźżáčďéěíňřšťúůýžőűĄĆĘŁŃÓŚŹŻÁČĎÉĚÍŇŘŠŤÚŮÝŽŐŰäöüÄÖÜß"
_CYRILLIC = "".join(map(chr, range(0x410, 0x450))) + "ёЁіїєґ"
_GREEK = "".join(map(chr, range(0x391, 0x3CA))) + "άέήίόύώ"
# Character sets that zips are met in, and the letters that names in them have. The first of equals is taken.
ALPHABETS = {
    "cp437": _WESTERN,
    "cp850": _WESTERN,
    "cp1252": _WESTERN,
    "cp857": _TURKISH,
    "cp1254": _TURKISH,
    "cp852": _CENTRAL,
    "cp1250": _CENTRAL,
    "cp866": _CYRILLIC,
    "cp1251": _CYRILLIC,
    "cp737": _GREEK,
    "cp1253": _GREEK,
}
LATIN = (_WESTERN, _TURKISH, _CENTRAL)
UNLIKELY = 0.3
# Two bytes a letter: few bytes at random make a text of one script.
SCRIPTS = {
    "cp932": ((0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xFF01, 0xFF60)),
    "cp949": ((0xAC00, 0xD7A3),),
    "gb18030": ((0x4E00, 0x9FFF),),
    "cp950": ((0x4E00, 0x9FFF),),
}
PUNCTUATION = "　・「」『』（）【】〜～、。－—–…·々〇ー©®°№«»"

log = logging.getLogger("kiyas")


def zip_names(members: Sequence[ZipInfo], archive: str) -> list[str]:
    """The name of each member, with slashes; tells where the character set had to be guessed."""
    raw = [_raw(member) for member in members]
    doubtful = [name for name in raw if isinstance(name, bytes)]
    encoding = find_encoding(doubtful) if doubtful else "utf-8"
    names = [name if isinstance(name, str) else name.decode(encoding, "backslashreplace") for name in raw]
    if encoding != "utf-8":
        example = max((name.decode(encoding, "backslashreplace") for name in doubtful), key=_strange)
        log.warning(
            "%s: its names do not say what characters they have; they are read as %s, such as %s: where that is wrong, "
            "pack it anew with names in UTF-8",
            archive,
            encoding,
            example,
        )
    return [name.replace("\\", "/") for name in names]


def find_encoding(names: Sequence[bytes]) -> str:
    """The character set by which the most of these names' letters are letters of one alphabet; UTF-8 where all are."""
    joined = b"\0".join(names)
    if _decodes(joined, "utf-8"):
        return "utf-8"
    scores = {encoding: _share(joined, encoding) for encoding in ["cp932", *ALPHABETS, *SCRIPTS]}
    return max(scores, key=scores.__getitem__)


def _raw(member: ZipInfo) -> str | bytes:
    """The name, or its bytes where nothing says what they are."""
    if unicode := _unicode_path(member.extra):
        return unicode
    if member.flag_bits & UTF8_FLAG or member.orig_filename.isascii():
        return member.filename
    try:
        return member.orig_filename.partition("\0")[0].encode("cp437")
    except UnicodeEncodeError:
        return member.filename


def _unicode_path(extra: bytes) -> str | None:
    """What Info-ZIP and 7-Zip write beside a name in another character set."""
    while len(extra) >= 4:
        kind, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if kind == UNICODE_PATH and length > 5 and _decodes(extra[9 : 4 + length], "utf-8"):
            return extra[9 : 4 + length].decode("utf-8")
        extra = extra[4 + length :]
    return None


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _share(content: bytes, encoding: str) -> float:
    """How much of what is not ASCII is of the alphabet or script that the character set is for; -1 for no text.

    Bytes can often be read in several ways. They are told apart by what languages do: letters with accents seldom stand
    side by side, other scripts do not stand among Latin letters, and capitals do not follow small letters.
    """
    if not _decodes(content, encoding):
        return -1
    text = f"\0{content.decode(encoding)}\0"
    strange = [place for place, letter in enumerate(text) if not letter.isascii()]
    if not strange:
        return 0
    score = 0.0
    for place in strange:
        letter, around = text[place], text[place - 1] + text[place + 1]
        latin = ALPHABETS.get(encoding) in LATIN
        beside_latin = any(other.isascii() and other.isalpha() for other in around)
        unlikely = not around.isascii() if latin else beside_latin
        unlikely |= letter.isupper() and text[place - 1].islower()
        if _is_of(letter, encoding):
            score += UNLIKELY if unlikely else 1
        elif letter in PUNCTUATION:
            score += UNLIKELY
    return score / len(strange)


def _is_of(letter: str, encoding: str) -> bool:
    if encoding in ALPHABETS:
        return letter in ALPHABETS[encoding]
    return any(low <= ord(letter) <= high for low, high in SCRIPTS[encoding])


def _strange(name: str) -> int:
    return sum(not letter.isascii() for letter in name)
