"""Where a run of JSON values may be cut between two of them."""

import re
from collections.abc import Iterator

_OPENING = re.compile(rb'\{[ \t\r\n]*+"(?:[^"\\]|\\.){0,64}+"[ \t\r\n]*+:')
_SPACE = b" \t\r\n"
_MOST_HITS = 64
_MOST_GUESSES = 3
_LONGEST_REST = 16
_STEP = {ord("{"): -1, ord("["): -1, ord("}"): 1, ord("]"): 1}


class Cuts:
    """Proposes cuts: cheap guesses first, then one that is exact as long as the JSON is valid.

    A guess is where the opening of the records (``{"firstKey":``), learned from one of them, stands
    last. Whoever decodes up to a cut learns whether it was one: no prefix of a JSON array that ends
    inside an element can be closed and be valid, so a wrong guess can only fail. Sources whose
    inner objects open alike defeat guessing; after a miss the guesses rest for ever longer.

    Args:
        separator: What stands between two values: a comma in an array, else a newline.
    """

    def __init__(self, separator: bytes) -> None:
        self._separator = separator
        self._opening = b""
        self._rest = 0
        self._next_rest = 1

    def learn(self, record: bytes) -> None:
        """Take the opening from a record that begins with ``{"key":``; others teach nothing."""
        found = _OPENING.match(record)
        if found:
            self._opening = found.group()

    def missed(self) -> None:
        """The guesses were wrong: let them rest."""
        self._rest = self._next_rest
        self._next_rest = min(2 * self._next_rest, _LONGEST_REST)

    def hit(self) -> None:
        """A guess was right: trust the next."""
        self._next_rest = 1

    def guesses(self, data: bytearray, start: int) -> Iterator[int]:
        """Indices of separators, the last first; a few at most."""
        if self._rest:
            self._rest -= 1
            return
        if not self._opening:
            return
        end = len(data)
        guessed = 0
        for _ in range(_MOST_HITS):
            end = data.rfind(self._opening, start + 1, end)
            if end < 0:
                return
            before = data[max(start, end - 256) : end]
            kept = before.rstrip(_SPACE if self._separator == b"," else b"")
            if kept.endswith(self._separator):
                yield end - len(before) + len(kept) - 1
                guessed += 1
                if guessed == _MOST_GUESSES:
                    return

    def exact(self, data: bytearray, start: int) -> int:
        """The index of the last separator outside of strings and brackets, or -1.

        Counts brackets between strings by bulk operations, so that the cost is of the order of
        copying ``data`` and does not depend on how values nest. ``start`` is where a value begins.
        """
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
                        return start + end - len(piece) + position
                    depth += _STEP.get(byte, 0)
            end -= len(piece) + 1
        return -1
