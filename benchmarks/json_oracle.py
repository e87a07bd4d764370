"""What the splitter must find in a JSON body, worked out with the standard library alone and at leisure."""

import json
import re
from collections.abc import Iterable
from itertools import cycle
from json import JSONDecodeError
from typing import NamedTuple

_SPACE = " \t\r\n"
_SCALAR = re.compile(r'[^ \t\r\n,:"{}\[\]]*')
_BREAKS = str.maketrans("\r\n", "  ")


class Expected(NamedTuple):
    """What is in a body.

    Args:
        records: Each record's text, line breaks replaced by spaces.
        rejected: The text of values that hold NaN, Infinity or control characters in strings.
        broken: Whether the body ends at something that is not JSON.
    """

    records: list[str]
    rejected: list[str]
    broken: bool


class _Broken(Exception):
    pass


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.expected = Expected([], [], broken=False)
        self._constants = 0
        self._decoder, self._lenient = (
            json.JSONDecoder(
                parse_int=str,
                parse_float=str,
                parse_constant=lambda name: self._seen(name),
                strict=is_strict,
            )
            for is_strict in (True, False)
        )

    def _seen(self, name: str) -> str:
        self._constants += 1
        return name

    def peek(self) -> str:
        while self.position < len(self.text) and self.text[self.position] in _SPACE:
            self.position += 1
        return self.text[self.position : self.position + 1]

    def value(self, *, enclosed: bool) -> None:
        start = self.position
        try:
            self._value(self._decoder, enclosed=enclosed)
        except _Broken as broken:
            error = broken.__cause__
            if not isinstance(error, JSONDecodeError) or not error.msg.startswith("Invalid control"):
                raise
            if self.text[start] == '"' and error.doc[error.pos] in "\r\n":
                raise
            self.position = start
            self._value(self._lenient, enclosed=enclosed)

    def _value(self, decoder: json.JSONDecoder, *, enclosed: bool) -> None:
        start = self.position
        self._constants = decoder is self._lenient
        try:
            if self.text[start] in '{["':
                _, self.position = decoder.raw_decode(self.text, start)
            else:
                found = _SCALAR.match(self.text, start)
                self.position = found.end() if found else start
                if enclosed and self.position == len(self.text):
                    raise _Broken
                decoder.decode(self.text[start : self.position])
        except JSONDecodeError as error:
            raise _Broken from error
        text = self.text[start : self.position]
        if self._constants:
            self.expected.rejected.append(text)
        else:
            self.expected.records.append(text.translate(_BREAKS))

    def array(self) -> None:
        self.position += 1
        if self.peek() == "]":
            self.position += 1
            return
        while True:
            if not self.peek():
                raise _Broken
            self.value(enclosed=True)
            after = self.peek()
            self.position += 1
            if after == "]":
                return
            if after != ",":
                raise _Broken

    def body(self) -> None:
        while first := self.peek():
            if first == "[":
                self.array()
            else:
                self.value(enclosed=False)


def expect(body: bytes) -> Expected:
    """The records of ``body``: the elements of an array, or values in a row."""
    broken = False
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        text, broken = body[: error.start].decode(), True
    reader = _Reader(text)
    try:
        reader.body()
    except _Broken:
        broken = True
    return reader.expected._replace(broken=broken)


def cut(body: bytes, sizes: Iterable[int]) -> list[bytes]:
    """``body`` in chunks of those sizes."""
    chunks: list[bytes] = []
    start = 0
    for size in cycle(sizes):
        if start >= len(body):
            return chunks
        chunks.append(body[start : start + size])
        start += size
    return chunks
