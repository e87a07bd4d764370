"""Finds the end of a JSON value over any number of chunks, without decoding it."""

import re

from url_fetcher.errors import LimitExceeded, MalformedBody

MAX_LEVELS = 100_000
"""The deepest value that can be skipped: each open level costs a byte of memory."""

_STRUCTURE = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR_END = re.compile(rb'[ \t\r\n,:"{}\[\]]')
_CLOSER = {ord("{"): ord("}"), ord("["): ord("]")}
_QUOTE = ord('"')


class ValueScanner:
    """Follows strings and brackets only; the decoder validates."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begins a new value at the next byte."""
        self.deepest = 0
        self._begun = False
        self._in_string = False
        self._in_scalar = False
        self._escaped = False
        self._closers = bytearray()

    @property
    def complete_at_end(self) -> bool:
        """True if the end of the body would complete the value, as it does a number or a word."""
        return self._in_scalar

    def scan(self, data: bytearray, start: int, *, offset: int) -> int:
        """Returns the index after the value's last byte, or -1 if all of ``data`` belongs to it.

        Args:
            data: Bytes of the body.
            start: The first index that was not scanned yet; the value's first byte on the first call.
            offset: The offset of ``data`` in the body, for errors.

        Raises:
            MalformedBody: When brackets do not match.
            LimitExceeded: When more than ``MAX_LEVELS`` brackets are open.
        """
        position = start
        if not self._begun and position < len(data):
            self._begun = True
            self._in_scalar = data[position] not in b'"{['
            # A stray closing bracket would be an empty value, at which the reader would loop for ever.
            if self._in_scalar and data[position] in b"}],:":
                raise MalformedBody("a value is missing in the JSON", offset=offset + position)
        if self._in_scalar:
            found = _SCALAR_END.search(data, position)
            return found.start() if found else -1
        while position < len(data):
            position = self._step(data, position, offset)
            if position < 0:
                return -1
            if not self._closers and not self._in_string:
                return position
        return -1

    def _step(self, data: bytearray, position: int, offset: int) -> int:
        if self._in_string:
            return self._string(data, position)
        found = _STRUCTURE.search(data, position)
        if not found:
            return -1
        position = found.start()
        byte = data[position]
        if byte == _QUOTE:
            self._in_string = True
        elif byte in _CLOSER:
            self._closers.append(_CLOSER[byte])
            self.deepest = max(self.deepest, len(self._closers))
            if len(self._closers) > MAX_LEVELS:
                raise LimitExceeded(
                    f"the JSON is nested deeper than {MAX_LEVELS} levels at byte {offset + position}",
                    offset=offset + position,
                )
        elif self._closers.pop() != byte:
            raise MalformedBody("a bracket in the JSON closes another kind", offset=offset + position)
        return position + 1

    def _string(self, data: bytearray, position: int) -> int:
        if self._escaped:
            self._escaped = False
            position += 1
        found = _STRING_END.match(data, position)
        if found:
            self._in_string = False
            return found.end()
        end = len(data)
        backslashes = end - len(data[position:].rstrip(b"\\")) - position
        self._escaped = backslashes % 2 == 1
        return -1
