"""The records in an array, or in a row of values, taken from a window while it fills."""

from collections.abc import Generator
from typing import NamedTuple

import msgspec

from url_fetcher.errors import MalformedBody
from url_fetcher.json_cuts import Cuts
from url_fetcher.json_scan import ValueScanner
from url_fetcher.json_values import NotJson, check_text, check_value, may_be_deep, one_line
from url_fetcher.records import KEPT_BYTES, Rejected
from url_fetcher.window import Window

_COMMA, _OPEN, _CLOSE = b",[]"
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_row = msgspec.json.Decoder(msgspec.Raw).decode_lines


class Value(NamedTuple):
    """One value that was read to its end.

    Args:
        data: Its bytes; of one above the limit only the first.
        offset: Where it begins in the body.
        total_bytes: How long it is.
        nesting: How many brackets were open at most.
    """

    data: bytes
    offset: int
    total_bytes: int
    nesting: int


class Elements:
    """Generators that read on through the window and yield when they need more of the body.

    Args:
        window: Where the body arrives.
        max_record_bytes: A longer record is rejected.
        max_nesting: A record nested deeper is rejected.

    Records are added to ``out`` and to ``rejected``.
    """

    def __init__(self, window: Window, *, max_record_bytes: int, max_nesting: int) -> None:
        self.out: list[bytes] = []
        self.rejected: list[Rejected] = []
        self._window = window
        self._max_record_bytes = max_record_bytes
        self._max_nesting = max_nesting
        self._scanner = ValueScanner()
        self._in_array = Cuts(b",")
        self._in_row = Cuts(b"\n")
        self._tried = 0
        self._seen = False

    def peek(self) -> Generator[None, None, int | None]:
        """The next byte that is not white space, not consumed; None at the body's end."""
        while True:
            byte = self._window.peek()
            if byte is not None or self._window.final:
                return byte
            yield

    def array(self) -> Generator[None]:
        """Read the elements of an array whose bracket was consumed, and its closing bracket."""
        window = self._window
        if (yield from self.peek()) == _CLOSE:
            window.position += 1
            return
        while True:
            while (yield from self.peek()) is not None and self._many(self._in_array):
                # What is left ends inside a record; with more of the body it is one of many again.
                if not window.final:
                    yield
            yield from self.single(self._in_array)
            byte = yield from self.peek()
            if byte is None:
                raise MalformedBody("the JSON ends inside an array", offset=window.end)
            if byte not in (_COMMA, _CLOSE):
                raise MalformedBody("expected ',' or ']' in the JSON array", offset=window.offset)
            window.position += 1
            if byte == _CLOSE:
                return

    def row(self) -> Generator[None]:
        """Read values to the body's end, with or without white space between; arrays are their elements."""
        while (byte := (yield from self.peek())) is not None:
            if byte == _OPEN:
                self._window.position += 1
                yield from self.array()
            elif not self._many(self._in_row):
                yield from self.single(self._in_row)

    def single(self, cuts: Cuts | None = None) -> Generator[None]:
        """Read one value as one record; ``cuts`` learns from it."""
        value = yield from self.value()
        self._seen = True
        reason = self._too_much(value)
        if not reason:
            try:
                reason = check_value(value.data)
            except NotJson as error:
                raise MalformedBody(
                    f"the JSON is broken: {error.reason}", offset=value.offset + error.position
                ) from error
        if reason:
            total_bytes = value.total_bytes if value.total_bytes > len(value.data) else 0
            self.rejected.append(Rejected(value.data, reason, value.offset, total_bytes))
            return
        self.out.append(one_line(value.data))
        if cuts and not cuts.taught:
            cuts.learn(value.data)

    def value(self) -> Generator[None, None, Value]:
        """Read one value to its end; beyond the limit without keeping it, and then unchecked.

        Raises:
            MalformedBody: When the body ends inside it or its brackets do not match.
        """
        window, scanner = self._window, self._scanner
        if (yield from self.peek()) is None:
            raise MalformedBody("the JSON ends where a value is expected", offset=window.end)
        scanner.reset()
        offset = scanned = window.offset
        kept: bytes | None = None
        while True:
            end = scanner.scan(window.data, scanned - window.dropped, offset=window.dropped)
            if end < 0 and window.final:
                if not scanner.complete_at_end:
                    raise MalformedBody("the JSON ends inside a value", offset=window.end)
                end = len(window.data)
            if kept is None and (end < 0 or window.dropped + end > offset + self._max_record_bytes):
                kept = self._beginning(offset)
            if end >= 0:
                data = bytes(window.data[window.position : end]) if kept is None else kept
                window.position = end
                return Value(data, offset, window.offset - offset, scanner.deepest)
            scanned = window.end
            if kept is not None:
                window.position = len(window.data)
            yield

    def _beginning(self, offset: int) -> bytes | None:
        window = self._window
        if window.end - offset <= self._max_record_bytes:
            return None
        # Never more than the limit, so that what is kept does not depend on how the body was cut.
        most = min(KEPT_BYTES, self._max_record_bytes)
        return bytes(window.data[window.position : window.position + most])

    def _too_much(self, value: Value) -> str:
        if value.total_bytes > self._max_record_bytes:
            return f"has {value.total_bytes} bytes; the limit is {self._max_record_bytes}"
        if value.nesting > self._max_nesting:
            return f"is nested {value.nesting} levels deep; the limit is {self._max_nesting}"
        return ""

    def _many(self, cuts: Cuts) -> bool:
        """Take as many whole values as one decoder call can; False leaves them to be read singly.

        Tried once for each part of the body that arrives, at the beginning of a value.
        """
        window = self._window
        if self._tried == window.appended or not self._seen:
            return False
        self._tried = window.appended
        missed = False
        for cut in cuts.guesses(window.data, window.position):
            if self._take(cuts, cut):
                cuts.hit()
                return True
            missed = True
        if missed:
            cuts.missed()
        cut = cuts.exact(window.data, window.position)
        return cut > window.position and self._take(cuts, cut)

    def _take(self, cuts: Cuts, cut: int) -> bool:
        window = self._window
        values = memoryview(window.data)[window.position : cut]
        try:
            if cuts is self._in_array:
                block = b"".join((b"[", values, b"]"))
                records = _decode_array(block)
            else:
                block = bytes(values)
                records = _decode_row(block)
                # In a row an array stands for its elements, and the decoder would take 1-2 for two values.
                if not all(record.startswith(b"{") for record in map(bytes, records)):
                    return False
            check_text(block)
        except (msgspec.DecodeError, RecursionError, NotJson):
            return False
        finally:
            values.release()
        if not self._all_within(block, records):
            return False
        if b"\n" in block or b"\r" in block:
            self.out.extend([one_line(bytes(record)) for record in records])
        else:
            self.out.extend(records)
        window.position = cut + 1
        return True

    def _all_within(self, block: bytes, records: list[msgspec.Raw]) -> bool:
        """Whether no record is above a limit; what may be is left to the exact reader, which knows where."""
        if len(block) > self._max_record_bytes and max(map(len, records)) > self._max_record_bytes:
            return False
        return not may_be_deep(records, self._max_nesting)
