"""Records in comma-separated values: the first row names the columns, unless a setting does."""

import csv
import re
from collections.abc import Sequence

from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv_dialect import DEFAULT, Csv
from url_fetcher.formats.csv_rows import RowDecoder
from url_fetcher.formats.csv_scan import RowScanner, patterns
from url_fetcher.formats.splitter import KEPT_BYTES, Rejected, Splitter
from url_fetcher.formats.window import Window

_LINE_END = re.compile(rb"\r\n?|\n")


class CsvSplitter(Splitter):
    """Splits rows into objects whose values are strings, as the source wrote them, or inferred.

    A row that does not parse, is not in the encoding, is too long or has another number of fields than
    the header is rejected alone. A blank row is an empty value if there is one column; otherwise it is
    skipped. The body is malformed if its header is broken or too long, if a quote is never closed, or
    if the quote of another field closes it after more than ``max_record_bytes``: all rows in between
    would be lost as one record.

    Args:
        max_record_bytes: A longer row is rejected, and only its beginning is kept.
        dialect: The dialect of the CSV; default: RFC 4180 in UTF-8 with a header. A body whose encoding
            is transcoded comes in UTF-8.
    """

    def __init__(self, *, max_record_bytes: int, dialect: Csv = DEFAULT) -> None:
        super().__init__()
        self._shape = "CSV"
        self._max_record_bytes = max_record_bytes
        self._kept_bytes = min(KEPT_BYTES, max_record_bytes)
        self._window = Window()
        self._scanner = RowScanner(patterns(dialect.delimiter, dialect.quote, dialect.escape))
        self._decoder = RowDecoder(dialect)
        self._first_row = "header" if dialect.header else "first row"
        self._lines_to_skip = dialect.skip_lines
        self._scanned = 0
        self._row_offset = 0
        self._too_long: bytes | None = None

    def start(self, offset: int) -> None:
        """As every splitter."""
        self._window.dropped = self._scanned = self._row_offset = offset

    @property
    def columns(self) -> Sequence[str]:
        """As every splitter."""
        return self._decoder.columns

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """Returns the rows that this chunk completes."""
        self._raise_failure()
        self._window.append(chunk)
        return self._rows()

    def finish(self) -> Sequence[bytes]:
        """Returns the last row if no line end closes it."""
        self._window.final = True
        records = [] if self._failure else self._rows()
        if not records and not self.rejected:
            self._raise_failure()
        return records

    def _rows(self) -> list[bytes]:
        window, scanner, decoder = self._window, self._scanner, self._decoder
        records: list[bytes] = []
        if self._lines_to_skip and not self._skip_lines():
            return records
        may_take_lines = True
        while not self._failure:
            at_row = self._scanned == self._row_offset
            if may_take_lines and at_row and decoder.columns and scanner.line_end:
                may_take_lines = self._take_lines(records)
                continue
            end = scanner.scan(window.data, self._scanned - window.dropped, offset=window.dropped)
            self._scanned = window.end if end < 0 else window.dropped + end
            if end < 0:
                self._end_body(records)
                break
            self._end_row(end, records)
        self._truncate_oversized()
        return records

    def _end_body(self, records: list[bytes]) -> None:
        """Takes the row that no line end closes, if the body has ended."""
        if not self._window.final or self._scanned == self._row_offset:
            return
        self._scanner.end_body()
        if self._scanner.is_quoted:
            self._fail("a quote in the CSV is not closed before the body's end", self._scanner.quote_offset)
        else:
            self._end_row(len(self._window.data), records)

    def _take_lines(self, records: list[bytes]) -> bool:
        """Takes many whole lines at once; returns False and takes nothing if one of them has a fault.

        One call of the standard library's reader for a block is the fast path. The slow path finds the
        faulty row, so that it alone is rejected.
        """
        window, line_end = self._window, bytes([self._scanner.line_end])
        # The block is no longer than one row may be, so that no row in it is too long.
        end = window.data.rfind(line_end, window.position, window.position + self._max_record_bytes) + 1
        if not end:
            return False
        try:
            rows = self._decoder.fields(bytes(window.data[window.position : end]), line_end)
            records += self._decoder.objects(rows)
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
        elif total_bytes > self._max_record_bytes and not self._decoder.columns:
            self._fail_header(offset)
        elif total_bytes > self._max_record_bytes:
            reason = f"has {total_bytes} bytes; the limit is {self._max_record_bytes}"
            self.rejected.append(Rejected(row[: self._kept_bytes], reason, offset, total_bytes))
        else:
            self._take_row(row, offset, records)

    def _take_row(self, row: bytes, offset: int, records: list[bytes]) -> None:
        decoder = self._decoder
        try:
            rows = decoder.fields(row, bytes([self._scanner.line_end]))
            if len(rows) > 1:
                raise csv.Error("a line break outside of quotes")
            if decoder.columns or (rows != [[]] and not self._takes_as_header(rows[0], offset)):
                records += decoder.objects(rows)
        except (csv.Error, UnicodeDecodeError) as error:
            reason = f"{error}; see csv.encoding" if isinstance(error, UnicodeDecodeError) else str(error)
            if decoder.columns:
                why = f"is not a row of the CSV: {reason}"
                self.rejected.append(Rejected(row, why, offset, is_record=False))
            else:
                self._fail(f"the CSV's {self._first_row} is broken: {reason}", offset)

    def _takes_as_header(self, fields: list[str], offset: int) -> bool:
        """True if the first row names the columns; otherwise they are numbered, and the row is a record."""
        has_header = self._first_row == "header"
        names = fields if has_header else [f"column_{number}" for number, _ in enumerate(fields, 1)]
        self._decoder.columns = names
        # The second of two equal columns would overwrite the first in each object.
        if len(set(names)) < len(names):
            self._fail("the CSV's header names a column twice; name all with csv.columns", offset)
        return has_header

    def _skip_lines(self) -> bool:
        """Skips the lines before the header; returns True once all of them have arrived."""
        window = self._window
        while self._lines_to_skip and (found := _LINE_END.search(window.data, window.position)):
            if found[0] == b"\r" and found.end() == len(window.data) and not window.final:
                window.position = found.start()  # its LF may be in the next chunk
                break
            window.position = found.end()
            self._lines_to_skip -= 1
        else:
            if self._lines_to_skip:
                window.position = len(window.data)
        self._scanned = self._row_offset = window.offset
        return not self._lines_to_skip

    def _truncate_oversized(self) -> None:
        """Keeps only the beginning of a row that is already too long."""
        window = self._window
        if self._too_long is None and self._scanned - self._row_offset > self._max_record_bytes:
            self._too_long = bytes(window.data[window.position : window.position + self._kept_bytes])
            if not self._decoder.columns:
                self._fail_header(self._row_offset)
        if self._too_long is not None:
            window.position = len(window.data)

    def _fail_header(self, offset: int) -> None:
        self._fail(f"the CSV's {self._first_row} has over {self._max_record_bytes} bytes", offset)

    def _fail(self, reason: str, offset: int) -> None:
        self._failure = self._failure or MalformedBody(reason, offset=offset)
