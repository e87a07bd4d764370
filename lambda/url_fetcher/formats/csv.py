"""Records in comma-separated values: the first row names the columns, every other is one object."""

import csv
from collections.abc import Sequence

import msgspec

from url_fetcher.errors import MalformedBody
from url_fetcher.formats.splitter import KEPT_BYTES, Rejected
from url_fetcher.formats.window import Window

_MAX_FIELD_CHARACTERS = 2**31 - 1
_encode = msgspec.json.Encoder().encode


class CsvSplitter:
    """Splits RFC 4180 rows into objects whose values are strings, as the source wrote them.

    A row ends at the first newline behind an even number of quotes. A row that does not parse, is
    not UTF-8, is too long or has another number of fields than the header is rejected alone; an
    unclosed quote takes the rest of the body with it, as one rejected row. Blank rows are nothing.

    Args:
        max_record_bytes: A longer row is rejected, and of it only the beginning kept.
    """

    def __init__(self, *, max_record_bytes: int) -> None:
        self.count = 0
        self.rejected: list[Rejected] = []
        self._max_record_bytes = max_record_bytes
        self._kept_bytes = min(KEPT_BYTES, max_record_bytes)
        self._window = Window()
        self._scanned = 0
        self._quotes = 0
        self._row_offset = 0
        self._too_long: bytes | None = None
        self._columns: list[str] = []
        self._failure: MalformedBody | None = None
        # Rows are measured here; the module's own limit would refuse a field of 128 Ki characters.
        csv.field_size_limit(_MAX_FIELD_CHARACTERS)

    def start(self, offset: int) -> None:
        """Count offsets from ``offset``; before the first ``feed``."""
        self._window.dropped = self._scanned = self._row_offset = offset

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """The rows complete with this chunk."""
        self._raise_failure()
        self._window.append(chunk)
        return self._rows()

    def finish(self) -> Sequence[bytes]:
        """The last row, when no newline ends it."""
        self._window.final = True
        records = [] if self._failure else self._rows()
        if not records and not self.rejected:
            self._raise_failure()
        return records

    def outside(self) -> object:
        """None: rows have nothing beside them."""
        return None

    def _rows(self) -> list[bytes]:
        window = self._window
        records: list[bytes] = []
        while not self._failure:
            newline = window.data.find(b"\n", self._scanned - window.dropped)
            end = len(window.data) if newline < 0 else newline + 1
            self._quotes += window.data.count(b'"', self._scanned - window.dropped, end)
            self._scanned = window.dropped + end
            ended = newline >= 0 and self._quotes % 2 == 0
            if not ended and newline >= 0:
                continue
            if not ended and not (window.final and self._scanned > self._row_offset):
                break
            self._end_row(end, records)
        self._truncate_oversized()
        self.count += len(records)
        return records

    def _end_row(self, end: int, records: list[bytes]) -> None:
        window = self._window
        row = bytes(window.data[window.position : end]) if self._too_long is None else self._too_long
        offset, total_bytes = self._row_offset, self._scanned - self._row_offset
        window.position, self._row_offset, self._quotes, self._too_long = end, self._scanned, 0, None
        if total_bytes > self._max_record_bytes:
            reason = f"has {total_bytes} bytes; the limit is {self._max_record_bytes}"
            self.rejected.append(Rejected(row[: self._kept_bytes], reason, offset, total_bytes))
        else:
            self._parse(row, offset, records)

    def _parse(self, row: bytes, offset: int, records: list[bytes]) -> None:
        parsed: list[bytes] = []
        try:
            # Lines, not the row: only so does the reader take a newline between quotes.
            lines = [line + "\n" for line in row.decode().removesuffix("\n").removesuffix("\r").split("\n")]
            for fields in csv.reader(lines, strict=True):
                if not self._columns:
                    self._take_header(fields, offset)
                elif len(fields) == len(self._columns):
                    parsed.append(_encode(dict(zip(self._columns, fields, strict=True))))
                elif fields:
                    raise csv.Error(f"{len(fields)} fields where the header has {len(self._columns)}")
        except (csv.Error, UnicodeDecodeError) as error:
            self.rejected.append(Rejected(row, f"is not a row of the CSV: {error}", offset))
        else:
            records += parsed

    def _take_header(self, fields: list[str], offset: int) -> None:
        if len(set(fields)) < len(fields):
            self._failure = MalformedBody("the CSV's header names a column twice", offset=offset)
        self._columns = fields

    def _truncate_oversized(self) -> None:
        """Keep only the beginning of a row that is already too long."""
        window = self._window
        if self._too_long is None and self._scanned - self._row_offset > self._max_record_bytes:
            self._too_long = bytes(window.data[window.position : window.position + self._kept_bytes])
        if self._too_long is not None:
            window.position = len(window.data)

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure
