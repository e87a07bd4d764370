"""Records in newline-delimited JSON: one value a line."""

import re
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.json_scan import ValueScanner
from url_fetcher.formats.json_values import NotJson, check_text, check_value, may_be_deep, one_line
from url_fetcher.formats.splitter import KEPT_BYTES, LINES, Rejected, Splitter
from url_fetcher.formats.window import Window

SPACE = b" \t\r\n"
"""White space of JSON."""

_SPACED = re.compile(rb"\n[ \t\r\n]")
_decode_lines = msgspec.json.Decoder(msgspec.Raw).decode_lines


class NdjsonSplitter(Splitter):
    """Splits lines of JSON; a line that is not one valid value is rejected alone, blank lines are skipped.

    Args:
        max_record_bytes: A longer line is rejected, and only its beginning is kept.
        max_nesting: A line nested deeper is rejected.
    """

    _separator = b"\n"

    def __init__(self, *, max_record_bytes: int, max_nesting: int) -> None:
        super().__init__()
        self._shape = LINES
        self._max_record_bytes = max_record_bytes
        self._max_nesting = max_nesting
        self._kept_bytes = min(KEPT_BYTES, max_record_bytes)
        self._window = Window()
        self._searched = 0
        self._too_long: bytes | None = None
        self._line_offset = 0

    def start(self, offset: int) -> None:
        """As every splitter."""
        self._window.dropped = self._searched = offset

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """Returns the lines that this chunk completes."""
        window = self._window
        window.append(chunk)
        last = window.data.rfind(self._separator, self._searched - window.dropped) + 1
        self._searched = window.end
        records = self._lines(last) if last else []
        self._truncate_oversized()
        return records

    def finish(self) -> Sequence[bytes]:
        """Returns the last line if no newline ends it."""
        window = self._window
        has_rest = window.position < len(window.data) or self._too_long
        return self._lines(len(window.data)) if has_rest else []

    def _lines(self, end: int) -> list[bytes]:
        """Takes everything before ``end``, where a line ends."""
        window = self._window
        if self._too_long is not None:
            self._end_too_long(end)
        block = bytes(window.data[window.position : end])
        offset, window.position = window.offset, end
        records = self._all_valid(block)
        return self._singly(block, offset) if records is None else records

    def _all_valid(self, block: bytes) -> list[bytes] | None:
        """Returns every line of ``block`` if each is one valid value within the limits, else None."""
        if len(block) > self._max_record_bytes and max(map(len, block.split(b"\n"))) > self._max_record_bytes:
            return None
        try:
            check_text(block)
            records: list[bytes] = [*_decode_lines(block)]
        except (NotJson, msgspec.DecodeError, RecursionError):
            return None
        if not _are_lines(records, block) or may_be_deep(records, self._max_nesting):
            return None
        return [one_line(bytes(record)) for record in records] if b"\r" in block else records

    def _singly(self, block: bytes, offset: int) -> list[bytes]:
        records: list[bytes] = []
        for line in block.split(self._separator):
            reason = self._reason(line)
            if reason:
                self._reject(line, reason, offset)
            elif record := line.strip(SPACE):
                records.append(one_line(record))
            offset += len(line) + 1
        return records

    def _reason(self, line: bytes) -> str:
        if len(line) > self._max_record_bytes:
            return f"has {len(line)} bytes; the limit is {self._max_record_bytes}"
        # The count of brackets is cheap and excludes nearly every line; only the rest is scanned.
        if may_be_deep([line], self._max_nesting) and (nesting := _nesting(line)) > self._max_nesting:
            return f"is nested {nesting} levels deep; the limit is {self._max_nesting}"
        try:
            return check_value(line) if line.strip(SPACE) else ""
        except NotJson as error:
            return f"is not JSON at its byte {error.position}: {error.reason}"

    def _reject(self, line: bytes, reason: str, offset: int) -> None:
        if len(line) <= self._max_record_bytes:
            self.rejected.append(Rejected(line, reason, offset))
        else:
            self.rejected.append(Rejected(line[: self._kept_bytes], reason, offset, len(line)))

    def _truncate_oversized(self) -> None:
        """Keeps only the beginning of a line that is already too long."""
        window = self._window
        if self._too_long is None:
            if len(window.data) - window.position <= self._max_record_bytes:
                return
            self._line_offset = window.offset
            self._too_long = bytes(window.data[window.position : window.position + self._kept_bytes])
        window.position = len(window.data)

    def _end_too_long(self, end: int) -> None:
        window = self._window
        line_end = window.data.find(self._separator, window.position, end)
        window.position = end if line_end < 0 else line_end + 1
        total_bytes = (window.offset if line_end < 0 else window.offset - 1) - self._line_offset
        reason = f"has {total_bytes} bytes; the limit is {self._max_record_bytes}"
        self.rejected.append(Rejected(self._too_long or b"", reason, self._line_offset, total_bytes))
        self._too_long = None


def _are_lines(records: Sequence[bytes], block: bytes) -> bool:
    """True if each line of ``block`` is one of ``records``."""
    # The decoder accepts any white space between values, and equal counts prove nothing: one line may hold
    # two values while another value spans two lines.
    if b"\n" in b"".join(records):
        return False
    ending = b"\r\n" if block.endswith(b"\r\n") else b"\n"
    if ending.join([*records, b""]) == block:
        return True
    # There is white space around the values: if no line begins with any, no line is blank.
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    return len(records) == lines and not block[:1].isspace() and not _SPACED.search(block)


def _nesting(line: bytes) -> int:
    scanner = ValueScanner()
    with suppress(MalformedBody, LimitExceeded):
        scanner.scan(bytearray(line.strip(SPACE)), 0, offset=0)
    return scanner.deepest
