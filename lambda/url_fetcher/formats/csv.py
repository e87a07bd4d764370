"""Records in comma-separated values: the first row names the columns, every other is one object."""

import csv
from collections.abc import Sequence

import msgspec

from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv_scan import RowScanner
from url_fetcher.formats.splitter import KEPT_BYTES, Rejected
from url_fetcher.formats.window import Window

_MAX_FIELD_CHARACTERS = 2**31 - 1
_encode = msgspec.json.Encoder().encode


class CsvSplitter:
    """Splits RFC 4180 rows into objects whose values are strings, as the source wrote them.

    A row that does not parse, is not UTF-8, is too long or has another number of fields than the
    header is rejected alone. A blank row is an empty value if there is one column; otherwise it is
    skipped. The body is malformed if its header is broken or too long, if a quote is never closed, or
    if another field's quote closes it after more than ``max_record_bytes``: the rows in between would
    be lost as one.

    Args:
        max_record_bytes: A longer row is rejected, and of it only the beginning kept.
    """

    def __init__(self, *, max_record_bytes: int) -> None:
        self.count = 0
        self.rejected: list[Rejected] = []
        self._max_record_bytes = max_record_bytes
        self._kept_bytes = min(KEPT_BYTES, max_record_bytes)
        self._window = Window()
        self._scanner = RowScanner()
        self._scanned = 0
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
        """The last row, when no line end closes it."""
        self._window.final = True
        records = [] if self._failure else self._rows()
        if not records and not self.rejected:
            self._raise_failure()
        return records

    def outside(self) -> object:
        """None: rows have nothing beside them."""
        return None

    def _rows(self) -> list[bytes]:
        window, scanner = self._window, self._scanner
        records: list[bytes] = []
        may_take_lines = True
        while not self._failure:
            if may_take_lines and self._columns and self._scanned == self._row_offset:
                may_take_lines = self._take_lines(records)
                continue
            end = scanner.scan(window.data, self._scanned - window.dropped, offset=window.dropped)
            self._scanned = window.end if end < 0 else window.dropped + end
            if end < 0:
                self._end_body(records)
                break
            self._end_row(end, records)
        self._truncate_oversized()
        self.count += len(records)
        return records

    def _end_body(self, records: list[bytes]) -> None:
        """Take the row that no line end closes, if the body has ended."""
        if not self._window.final or self._scanned == self._row_offset:
            return
        self._scanner.end_body()
        if self._scanner.is_quoted:
            self._fail("a quote in the CSV is not closed before the body's end", self._scanner.quote_offset)
        else:
            self._end_row(len(self._window.data), records)

    def _take_lines(self, records: list[bytes]) -> bool:
        """Take many whole lines at once; takes nothing, and is false, where any of them is amiss."""
        window, line_end = self._window, bytes([self._scanner.line_end])
        # No more than one row may have, so that none of the rows is too long.
        end = window.data.rfind(line_end, window.position, window.position + self._max_record_bytes) + 1
        if not end:
            return False
        try:
            records += self._encoded(_parsed(bytes(window.data[window.position : end]), line_end))
        except (csv.Error, UnicodeDecodeError):
            return False
        window.position = end
        self._scanned = self._row_offset = window.dropped + end
        return True

    def _end_row(self, end: int, records: list[bytes]) -> None:
        window = self._window
        row = bytes(window.data[window.position : end]) if self._too_long is None else self._too_long
        offset, total_bytes = self._row_offset, self._scanned - self._row_offset
        broken_offset = self._scanner.broken_offset
        window.position, self._row_offset, self._too_long = end, self._scanned, None
        quote_offset = self._scanner.quote_offset
        self._scanner.reset()
        if broken_offset - offset > self._max_record_bytes:
            self._fail(
                f"a quote in the CSV is not closed within {self._max_record_bytes} bytes", quote_offset
            )
        elif total_bytes > self._max_record_bytes and not self._columns:
            self._fail_header(offset)
        elif total_bytes > self._max_record_bytes:
            reason = f"has {total_bytes} bytes; the limit is {self._max_record_bytes}"
            self.rejected.append(Rejected(row[: self._kept_bytes], reason, offset, total_bytes))
        else:
            self._take_row(row, offset, records)

    def _take_row(self, row: bytes, offset: int, records: list[bytes]) -> None:
        try:
            rows = _parsed(row, bytes([self._scanner.line_end]))
            if len(rows) > 1:
                raise csv.Error("a line break outside of quotes")
            if self._columns:
                records += self._encoded(rows)
            elif rows != [[]]:
                self._columns = rows[0]
        except (csv.Error, UnicodeDecodeError) as error:
            if self._columns:
                self.rejected.append(Rejected(row, f"is not a row of the CSV: {error}", offset))
            else:
                self._fail(f"the CSV's header is broken: {error}", offset)
        if len(set(self._columns)) < len(self._columns):
            self._fail("the CSV's header names a column twice", offset)

    def _encoded(self, rows: Sequence[list[str]]) -> list[bytes]:
        """Each row as an object.

        Raises:
            csv.Error: When one has another number of fields than the header.
        """
        columns = self._columns
        records: list[bytes] = []
        for fields in rows:
            if len(fields) == len(columns):
                records.append(_encode(dict(zip(columns, fields, strict=True))))
            elif fields:
                raise csv.Error(f"{len(fields)} fields where the header has {len(columns)}")
            elif len(columns) == 1:
                records.append(_encode({columns[0]: ""}))
        return records

    def _truncate_oversized(self) -> None:
        """Keep only the beginning of a row that is already too long."""
        window = self._window
        if self._too_long is None and self._scanned - self._row_offset > self._max_record_bytes:
            self._too_long = bytes(window.data[window.position : window.position + self._kept_bytes])
            if not self._columns:
                self._fail_header(self._row_offset)
        if self._too_long is not None:
            window.position = len(window.data)

    def _fail_header(self, offset: int) -> None:
        self._fail(f"the CSV's header has over {self._max_record_bytes} bytes", offset)

    def _fail(self, reason: str, offset: int) -> None:
        self._failure = self._failure or MalformedBody(reason, offset=offset)

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure


def _parsed(text: bytes, line_end: bytes) -> list[list[str]]:
    """The fields of each row of whole lines; of a blank one none.

    Raises:
        csv.Error: When the rows are not CSV.
        UnicodeDecodeError: When they are not UTF-8.
    """
    end = line_end.decode()
    # Lines, not the text: only so does the reader take a line break between quotes.
    lines = [line + end for line in text.decode().removesuffix(end).split(end)]
    return list(csv.reader(lines, strict=True))
