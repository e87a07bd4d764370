"""Reads records from an array, or from a row of values, while the body arrives."""

from collections.abc import Generator
from typing import NamedTuple

from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.json_blocks import Blocks
from url_fetcher.formats.json_scan import ValueScanner
from url_fetcher.formats.json_values import NotJson, check_value, one_line
from url_fetcher.formats.splitter import AN_OBJECT, KEPT_BYTES, Rejected
from url_fetcher.formats.window import Window

_COMMA, _OPEN, _CLOSE = b",[]"
_SHAPES = {ord("["): "an array", ord("{"): AN_OBJECT, ord('"'): "text", ord("t"): "true", ord("f"): "false"}
_QUOTE, _COLON, _CLOSE_OBJECT = b'":}'
_MAX_KEY_BYTES = 65_536


class Value(NamedTuple):
    """One complete value.

    Args:
        data: Its bytes; only the first ones of a value above the limit.
        offset: Its offset in the body.
        total_bytes: Its length.
        nesting: The largest number of open brackets.
    """

    data: bytes
    offset: int
    total_bytes: int
    nesting: int


def checked(value: Value) -> str:
    """Returns the reason why a value cannot be a record although it is JSON; empty if it can.

    Raises:
        MalformedBody: When it is not JSON.
    """
    try:
        return check_value(value.data)
    except NotJson as error:
        raise MalformedBody(
            f"the JSON is broken: {error.reason}", offset=value.offset + error.position
        ) from error


def shape_of(byte: int | None) -> str:
    """What a value is that begins with this byte, in words; empty for null and for none."""
    return "" if byte in (None, ord("n")) else _SHAPES.get(byte, "a number")


class ElementReader:
    """Reads values with generators that yield whenever they need more of the body.

    Args:
        window: The body as it arrives.
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
        self._in_array, self._in_row = (
            Blocks(window, in_array=in_array, max_record_bytes=max_record_bytes, max_nesting=max_nesting)
            for in_array in (True, False)
        )

    def peek(self) -> Generator[None, None, int | None]:
        """Returns the next byte that is not white space, without consuming it; None at the body's end."""
        while True:
            byte = self._window.peek()
            if byte is not None or self._window.final:
                return byte
            yield

    def array(self) -> Generator[None]:
        """Reads the elements of an array after its opening bracket, and the closing bracket."""
        window = self._window
        if (yield from self.peek()) == _CLOSE:
            window.position += 1
            return
        while True:
            while (yield from self.peek()) is not None and (records := self._in_array.take()):
                self.out += records
                # The rest is the beginning of a record; with more of the body it starts the next block.
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

    def members(self) -> Generator[None]:
        """Reads the members of an object after its opening brace, and the closing brace.

        Each is a record with ``key`` and ``value``, in which both are as they came.
        """
        if (yield from self.peek()) == _CLOSE_OBJECT:
            self._window.position += 1
            return
        while True:
            key = yield from self._key()
            value = yield from self.value()
            self._take(value._replace(nesting=1 + value.nesting), before=b'{"key":' + key + b',"value":')
            if (yield from self._consumed(_COMMA, _CLOSE_OBJECT)) == _CLOSE_OBJECT:
                return

    def row(self) -> Generator[None]:
        """Reads values up to the body's end, with or without spaces between; an array is its elements.

        A body that is null and nothing else has no records.
        """
        if (yield from self.peek()) == ord("n"):
            value = yield from self.value(enclosed=False)
            if value.data == b"null" and (yield from self.peek()) is None:
                return
            self._take(value)
        while (byte := (yield from self.peek())) is not None:
            if byte == _OPEN:
                self._window.position += 1
                yield from self.array()
            elif records := self._in_row.take():
                self.out += records
            else:
                yield from self.single(self._in_row)

    def single(self, blocks: Blocks | None = None) -> Generator[None]:
        """Reads one value as one record; ``blocks`` learns from it."""
        # A number at the body's end is complete only in a row; in an array it was cut.
        value = yield from self.value(enclosed=blocks is not self._in_row)
        if blocks:
            blocks.learn(value.data)
        self._take(value)

    def _take(self, value: Value, *, before: bytes = b"") -> None:
        """Takes a value, or a member with what stands ``before`` its value, as a record, or rejects it."""
        data = before + value.data + b"}" if before else value.data
        reason = self._exceeds_limit(value)
        if not reason:
            reason = checked(value)
        if reason:
            total_bytes = value.total_bytes if value.total_bytes > len(value.data) else 0
            data = before + value.data if total_bytes else data
            self.rejected.append(Rejected(data, reason, value.offset, total_bytes))
            return
        self.out.append(one_line(data))

    def _key(self) -> Generator[None, None, bytes]:
        """Reads a member's key and its colon."""
        if (byte := (yield from self.peek())) is not None and byte != _QUOTE:
            raise MalformedBody("expected a key in the JSON object", offset=self._window.offset)
        key = yield from self.value()
        if key.total_bytes > min(_MAX_KEY_BYTES, len(key.data)):
            raise LimitExceeded(f"a record's key has {key.total_bytes} bytes", offset=key.offset)
        checked(key)
        yield from self._consumed(_COLON)
        return key.data

    def _consumed(self, *allowed: int) -> Generator[None, None, int]:
        """Consumes one of these bytes of an object, and returns it."""
        byte = yield from self.peek()
        if byte is None:
            raise MalformedBody("the JSON ends inside an object", offset=self._window.end)
        if byte not in allowed:
            signs = " or ".join(repr(chr(each)) for each in allowed)
            raise MalformedBody(f"expected {signs} in the JSON object", offset=self._window.offset)
        self._window.position += 1
        return byte

    def value(self, *, enclosed: bool = True) -> Generator[None, None, Value]:
        """Reads one value to its end; a value above the limit is neither kept nor checked.

        Args:
            enclosed: True if something must follow the value, so that the body's end means that it was cut.

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
                if enclosed or not scanner.complete_at_end:
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
        # At most the limit, so that the kept bytes do not depend on where chunks end.
        most = min(KEPT_BYTES, self._max_record_bytes)
        return bytes(window.data[window.position : window.position + most])

    def _exceeds_limit(self, value: Value) -> str:
        if value.total_bytes > self._max_record_bytes:
            return f"has {value.total_bytes} bytes; the limit is {self._max_record_bytes}"
        if value.nesting > self._max_nesting:
            return f"is nested {value.nesting} levels deep; the limit is {self._max_nesting}"
        return ""
