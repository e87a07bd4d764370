"""Takes many records at once: as many whole values as one call of the decoder can validate."""

import re
from collections.abc import Iterator

import msgspec

from url_fetcher.formats.json_values import NotJson, check_text, may_be_deep, one_line
from url_fetcher.formats.window import Window

_OPENING = re.compile(rb'\{[ \t\r\n]*+"(?:[^"\\]|\\.){0,64}+"[ \t\r\n]*+:')
_SPACE = b" \t\r\n"
_MAX_HITS = 64
_MAX_GUESSES = 3
_LONGEST_REST = 16
_STEP = {ord("{"): -1, ord("["): -1, ord("}"): 1, ord("]"): 1}


class BoundaryFinder:
    """Proposes cuts between values: cheap guesses first, then one that is exact if the JSON is valid.

    A guess is the last place with the opening of a record (``{"firstKey":``), learned from the first one.
    Decoding up to it shows whether it was right: a part of an array that ends inside an element is never
    valid JSON once closed, so a wrong guess can only fail. Sources whose inner objects open alike defeat
    guessing, so after each miss in a row more blocks pass without a guess.

    Args:
        separator: The byte between two values: a comma in an array, else a newline.
    """

    def __init__(self, separator: bytes) -> None:
        self._separator = separator
        self._opening = b""
        self._rest = 0
        self._next_rest = 1

    def learn(self, record: bytes) -> None:
        """Learns the opening from a record that begins with ``{"key":``; ignores any other."""
        found = _OPENING.match(record)
        if found:
            self._opening = found.group()

    def missed(self) -> None:
        """After wrong guesses: pauses guessing for some blocks."""
        self._rest = self._next_rest
        self._next_rest = min(2 * self._next_rest, _LONGEST_REST)

    def hit(self) -> None:
        """After a right guess: makes the next pause short again."""
        self._next_rest = 1

    def guesses(self, data: bytearray, start: int) -> Iterator[int]:
        """Yields a few indices of separators after ``start``, the last one first."""
        if self._rest:
            self._rest -= 1
            return
        if not self._opening:
            return
        end = len(data)
        guessed = 0
        for _ in range(_MAX_HITS):
            end = data.rfind(self._opening, start + 1, end)
            if end < 0:
                return
            # From start + 1, because a separator at ``start`` has no value before it.
            before = data[max(start + 1, end - 256) : end]
            kept = before.rstrip(_SPACE if self._separator == b"," else b"")
            if kept.endswith(self._separator):
                yield end - len(before) + len(kept) - 1
                guessed += 1
                if guessed == _MAX_GUESSES:
                    return

    def exact(self, data: bytearray, start: int) -> int:
        """Returns the last separator after ``start`` outside of strings and brackets; -1 if there is none.

        Counts brackets between strings with bulk operations, so that the cost is that of a few copies of
        ``data``, however values nest. A value must begin at ``start``.
        """
        # Escaped quotes are masked first, so that every quote that is left begins or ends a string.
        text = bytes(data[start:])
        if b"\\" in text:
            text = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
        pieces = text.split(b'"')
        between = b"".join(pieces[::2])
        depth = between.count(b"{") + between.count(b"[") - between.count(b"}") - between.count(b"]")
        end = len(text)
        separator = self._separator[0]
        for index in range(len(pieces) - 1, -1, -1):
            piece = pieces[index]
            if index % 2 == 0:
                for position in range(len(piece) - 1, -1, -1):
                    byte = piece[position]
                    if byte == separator and depth == 0:
                        # A separator at ``start`` has no value before it.
                        return start + cut if (cut := end - len(piece) + position) else -1
                    depth += _STEP.get(byte, 0)
            end -= len(piece) + 1
        return -1


_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_row = msgspec.json.Decoder(msgspec.Raw).decode_lines


class Blocks:
    """Takes blocks of values from the front of a window; takes nothing if one of them has a fault.

    Args:
        window: The body as it arrives.
        in_array: True if commas separate the values, False if newlines do.
        max_record_bytes: A block with a longer value is left to be read value by value.
        max_nesting: So is a block with a value that may be nested deeper.
    """

    def __init__(self, window: Window, *, in_array: bool, max_record_bytes: int, max_nesting: int) -> None:
        self._window = window
        self._in_array = in_array
        self._max_record_bytes = max_record_bytes
        self._max_nesting = max_nesting
        self._cuts = BoundaryFinder(b"," if in_array else b"\n")
        self._tried = 0
        self._seen = False

    def learn(self, record: bytes) -> None:
        """Learns the opening from the first record."""
        if not self._seen:
            self._seen = True
            self._cuts.learn(record)

    def take(self) -> list[bytes]:
        """Takes records from the window's position, which moves past them and their separator.

        Returns none if nothing can be taken at once. Works once for each chunk that arrives, at the
        beginning of a value, and only after one value was seen.
        """
        window = self._window
        if self._tried == window.appended or not self._seen:
            return []
        self._tried = window.appended
        missed = False
        for cut in self._cuts.guesses(window.data, window.position):
            if records := self._until(cut):
                self._cuts.hit()
                return records
            missed = True
        if missed:
            self._cuts.missed()
        cut = self._cuts.exact(window.data, window.position)
        return self._until(cut) if cut >= 0 else []

    def _until(self, cut: int) -> list[bytes]:
        window = self._window
        values = memoryview(window.data)[window.position : cut]
        try:
            block = b"".join((b"[", values, b"]")) if self._in_array else bytes(values)
            decoded = _decode_array(block) if self._in_array else _decode_row(block)
            check_text(block)
        except (msgspec.DecodeError, RecursionError, NotJson):
            return []
        finally:
            values.release()
        if not self._all_within(block, decoded):
            return []
        window.position = cut + 1
        if b"\n" in block or b"\r" in block:
            return [one_line(bytes(record)) for record in decoded]
        return [*decoded]

    def _all_within(self, block: bytes, records: list[msgspec.Raw]) -> bool:
        # Only objects: an array in a row stands for its elements, and 1-2 would be read as two values.
        if not self._in_array and not all(record.startswith(b"{") for record in map(bytes, records)):
            return False
        if len(block) > self._max_record_bytes and max(map(len, records)) > self._max_record_bytes:
            return False
        return not may_be_deep(records, self._max_nesting)
