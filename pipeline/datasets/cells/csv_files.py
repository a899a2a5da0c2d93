"""CSV files: which character separates their cells, which line is the header, and every cell as text."""

from __future__ import annotations

import csv
import io
import itertools
import logging
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from pipeline.datasets.cells.errors import TableError, first_line
from pipeline.datasets.cells.text import clean_text
from pipeline.formats import count_of
from pipeline.params.schema.text_files import EncodingError, read_text

DELIMITERS = ";\t|,"  # of two that fit alike, the first: a comma may be one of decimals, or of a name
LOOKED_AT = 50  # records that tell the delimiter
OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx, .ods and .xls begin
HINT = re.compile(r'"?sep=([^"])"?\r?\n', re.IGNORECASE)  # a first line that spreadsheets write

log = logging.getLogger("kiyas")


def read_csv(file: Path, wanted: Callable[[str], bool]) -> pd.DataFrame:
    """Every cell as text: types are found afterwards, so that a decimal comma or a stray word spoils nothing.

    The file may have a byte-order mark, a line `sep=;` before the header, line breaks within quoted cells and names,
    and be separated by commas, semicolons, tabs or bars. A column without a name is not read.

    Raises:
        TableError: for a file that is not UTF-8, has no header, a name twice, or a row of another length.
    """
    text, delimiter = _opened(file)
    names = _names(text, delimiter, file)
    count = _count_rows(text, delimiter, len(names), file)
    if unnamed := [number for number, name in enumerate(names, start=1) if not name]:
        log.info("%s: column %d has no name and is not used", file, unnamed[0])
    used = [number for number, name in enumerate(names) if name and wanted(name)]
    if not used:
        return pd.DataFrame(index=pd.RangeIndex(count))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                dtype=str,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=[],
                index_col=False,
                usecols=used,
                nrows=count,
            )
    except (ValueError, pd.errors.ParserWarning) as error:  # ValueError: of which pandas' own are kinds
        if quote := OPEN_QUOTE.search(str(error)):
            raise TableError(
                f"{file}: a quote opens in row {quote[1]} and is never closed; close or remove it"
            ) from error
        raise TableError(f"{file}: {first_line(error)}; every row needs as many cells as the header") from error
    table.columns = pd.Index([names[number] for number in used], dtype=object)
    return table


def header_of(file: Path) -> tuple[list[str], str]:
    """The names of the columns, and the character that separates them.

    Raises:
        TableError: as read_csv.
    """
    text, delimiter = _opened(file)
    return _names(text, delimiter, file), delimiter


def check_names(file: Path, names: list[str]) -> None:
    """
    Raises:
        TableError: for a name that stands twice.
    """
    counts = Counter(names)
    if twice := min((name for name in counts if counts[name] > 1), default=None):
        raise TableError(f"{file}: column {twice!r} stands {counts[twice]} times; give each its own name")


def _names(text: str, delimiter: str, file: Path) -> list[str]:
    names = [clean_text(name) for name in next(_records(text, delimiter, file))]
    check_names(file, [name for name in names if name])
    return names


def _opened(file: Path) -> tuple[str, str]:
    """The text from the header on, and its delimiter."""
    with file.open("rb") as stream:
        if stream.read(4) in WORKBOOKS:
            raise TableError(f"{file}: is a workbook of a spreadsheet, no text; save its sheet as `CSV UTF-8`")
    try:
        text = read_text(file).lstrip("\r\n")
    except EncodingError as error:
        raise TableError(f"{file}: {error}") from None
    hint = HINT.match(text)
    if hint:
        text = text[hint.end() :].lstrip("\r\n")
    if not text.strip():
        raise TableError(f"{file}: is empty; give a table with a header")
    return text, hint[1] if hint else _find_delimiter(text, file)


def _find_delimiter(text: str, file: Path) -> str:
    """That by which the first records are of one length; of several, that which names most columns.

    A wrong one may tell as many columns, but then its quotes do not match, and one record swallows others.
    """

    def fit(delimiter: str) -> tuple[bool, int, int]:
        try:
            records = [record for record in itertools.islice(_records(text, delimiter, file), LOOKED_AT) if record]
        except TableError:  # a wrong one may make a single cell of a long header; of the right one it is told later
            return False, 0, 0
        return len(set(map(len, records))) == 1, sum(bool(name.strip()) for name in records[0]), len(records)

    fits = {delimiter: fit(delimiter) for delimiter in DELIMITERS}
    several = [delimiter for delimiter in DELIMITERS if fits[delimiter][1] > 1]
    return max(several or reversed(DELIMITERS), key=fits.__getitem__)


def _records(text: str, delimiter: str, file: Path) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise TableError(f"{file}: line {reader.line_num}: {first_line(error)}; mend that line") from error
        if record is None:
            return
        yield record


def _count_rows(text: str, delimiter: str, length: int, file: Path) -> int:
    """How many rows there are below the header, none of them longer than it; shorter ones are told.

    Rows at the end whose cells are all empty, as spreadsheets write them, are none.
    """
    count, filled, short = 0, 0, list[int]()
    for record in itertools.islice(_records(text, delimiter, file), 1, None):
        count += bool(record)
        if len(record) > length:
            raise TableError(
                f"{file}: row {count}: has {len(record)} cells, and the header has {length}; every row needs as many "
                f"cells as the header (a cell with {delimiter!r} or a line break in it needs quotes)"
            )
        filled = count if any(map(str.strip, record)) else filled
        if record and len(record) < length:
            short.append(count)
    if filled < count:
        log.warning("%s: %s at the end without a value, and so left out", file, count_of(count - filled, "row"))
    if short:
        log.warning(
            "%s: %s with fewer cells than the header, such as row %d; what is lacking counts as empty",
            file,
            count_of(len(short), "row"),
            short[0],
        )
    return filled
