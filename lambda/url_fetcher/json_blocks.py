"""Many records at once: as many whole values as one call of the decoder can take from a window."""

import msgspec

from url_fetcher.json_cuts import Cuts
from url_fetcher.json_values import NotJson, check_text, may_be_deep, one_line
from url_fetcher.window import Window

_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_row = msgspec.json.Decoder(msgspec.Raw).decode_lines


class Blocks:
    """Takes runs of values from the front of a window, or nothing where anything is amiss.

    Args:
        window: Where the body arrives.
        in_array: Whether commas stand between the values; else newlines do.
        max_record_bytes: A run with a longer value is left to be read singly.
        max_nesting: So is one with a value that may be nested deeper.
    """

    def __init__(self, window: Window, *, in_array: bool, max_record_bytes: int, max_nesting: int) -> None:
        self._window = window
        self._in_array = in_array
        self._max_record_bytes = max_record_bytes
        self._max_nesting = max_nesting
        self._cuts = Cuts(b"," if in_array else b"\n")
        self._tried = 0
        self._seen = False

    def learn(self, record: bytes) -> None:
        """Take note of what the first record looks like."""
        if not self._seen:
            self._seen = True
            self._cuts.learn(record)

    def take(self) -> list[bytes]:
        """Records from the window's position on, which moves behind them and their separator.

        Empty when there is nothing to take at once. Tried once for each part of the body that
        arrives, at the beginning of a value, and not before one value was seen.
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
        return self._until(cut) if cut > window.position else []

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
        # In a row an array stands for its elements, and the decoder would take 1-2 for two values.
        if not self._in_array and not all(record.startswith(b"{") for record in map(bytes, records)):
            return False
        if len(block) > self._max_record_bytes and max(map(len, records)) > self._max_record_bytes:
            return False
        return not may_be_deep(records, self._max_nesting)
