"""Finds the end of a CSV row over any number of chunks, without parsing it."""

import re
from functools import cache

_FIELD, _PLAIN, _QUOTED, _CLOSED, _BROKEN, _CARRIAGE_RETURN, _ESCAPED, _IN_FIELD = range(8)
_LF, _CR = b"\n\r"
_LINE_ENDS = {0: rb"\r\n", _LF: rb"\n", _CR: rb"\r"}


class RowPatterns:
    """Patterns of a dialect for the ends of fields and rows, by the byte that ends a line (0: not known yet).

    Args:
        delimiter: The byte between fields.
        quote: The byte around a field; empty if there is none.
        escape: The byte that makes the next one literal; empty if there is none.
    """

    def __init__(self, delimiter: bytes, quote: bytes, escape: bytes) -> None:
        self.delimiter, self.quote, self.escape = (
            delimiter[0],
            *(sign[0] if sign else -1 for sign in (quote, escape)),
        )
        comma, marks = re.escape(delimiter), re.escape(quote) + re.escape(escape)
        self.in_quotes = re.compile(b"[" + (marks or b'"') + b"]")
        self.field_ends = {
            end: re.compile(b"[" + comma + re.escape(escape) + text + b"]")
            for end, text in _LINE_ENDS.items()
        }
        self.line_ends = {end: re.compile(b"[" + text + b"]") for end, text in _LINE_ENDS.items()}
        self.rows = {end: self._row(comma, quote, escape, _LINE_ENDS[end]) for end in (_LF, _CR)}

    @staticmethod
    def _row(comma: bytes, quote: bytes, escape: bytes, end: bytes) -> re.Pattern[bytes]:
        """A pattern for a whole well-formed row; the scanner follows any other row step by step.

        Possessive quantifiers (``*+``) rule out backtracking, which a hostile row could make quadratic.
        """
        q, e = re.escape(quote), re.escape(escape)
        plain = b"[^" + comma + e + end + b"]*+"
        if not quote:
            field = plain
        else:
            quoted = (
                q + b"[^" + q + e + b"]*+(?:" + q + q + b"[^" + q + e + b"]*+)*+" + q + rb"(?:\r(?=\n))?+"
            )
            field = b"(?:" + quoted + b"|[^" + q + comma + e + end + b"]" + plain + b")?+"
        return re.compile(field + b"(?:" + comma + field + b")*+" + end)


@cache
def patterns(delimiter: str, quote: str, escape: str) -> RowPatterns:
    """The patterns of a dialect, compiled once."""
    return RowPatterns(delimiter.encode(), quote.encode(), escape.encode())


class RowScanner:
    """Follows quotes and line ends only; the decoder validates.

    A quote opens a field only at the field's beginning, and a row ends at a line end outside of quotes. A
    closing quote that is followed by anything but a delimiter or a line end breaks the row, which then ends
    with the line. The byte after an escape character is literal. The first row decides whether lines end
    with LF or CRLF, or with CR alone.

    Args:
        signs: The patterns of the dialect.
    """

    def __init__(self, signs: RowPatterns) -> None:
        self._signs = signs
        self._after_quote = bytes([signs.delimiter, _CR, _LF])
        self.line_end = 0
        """The byte that ends a line; 0 until the first row has ended."""
        self.reset()

    def reset(self) -> None:
        """Begins a new row at the next byte."""
        self._state = self._before_escape = _FIELD
        self._is_new = True
        self.quote_offset = -1
        """The offset of the last quoted field; -1 before the first."""
        self.broken_offset = -1
        """The offset at which the row is broken; -1 if it is not."""

    @property
    def is_quoted(self) -> bool:
        """True while a quote is open."""
        return self._state == _QUOTED or (self._state == _ESCAPED and self._before_escape == _QUOTED)

    def end_body(self) -> None:
        """Decides which line end the only row had, if no other row showed it."""
        self.line_end = self.line_end or (_CR if self._state == _CARRIAGE_RETURN else _LF)

    def scan(self, data: bytearray, start: int, *, offset: int) -> int:
        """Returns the index after the row's line end, or -1 if all of ``data`` belongs to the row.

        Args:
            data: Bytes of the body.
            start: The first index that was not scanned yet.
            offset: The offset of ``data`` in the body.
        """
        # Most rows arrive whole, and one match costs a third of the steps below.
        if self._is_new and self.line_end and (row := self._signs.rows[self.line_end].match(data, start)):
            return row.end()
        self._is_new = False
        position = start
        while position < len(data):
            if self._state == _CARRIAGE_RETURN:
                self.line_end = _LF if data[position] == _LF else _CR
                return position + (self.line_end == _LF)
            if self._state == _ESCAPED:
                self._state, position = self._before_escape, position + 1
            elif self._state == _QUOTED:
                position = self._quoted(data, position)
                if not position:
                    return -1
            elif data[position] == self._signs.quote and self._state in (_FIELD, _CLOSED):
                if self._state == _FIELD:
                    self.quote_offset = offset + position
                self._state = _QUOTED
                position += 1
            else:
                position = self._unquoted(data, position, offset)
                if position < 0 or self._state == _PLAIN:
                    return position
        return -1

    def _quoted(self, data: bytearray, position: int) -> int:
        """The index after the next quote or escape character; 0 if there is none."""
        found = self._signs.in_quotes.search(data, position)
        if not found:
            return 0
        if data[found.start()] == self._signs.escape:
            self._state, self._before_escape = _ESCAPED, _QUOTED
        else:
            self._state = _CLOSED
        return found.end()

    def _unquoted(self, data: bytearray, position: int, offset: int) -> int:
        """The index after the next delimiter, escape or line end; -1 for none. A plain state ends the row."""
        if self._state == _CLOSED and data[position] not in self._after_quote:
            self._state = _BROKEN
            self.broken_offset = offset + position
        is_broken = self._state == _BROKEN
        ends = self._signs.line_ends if is_broken else self._signs.field_ends
        found = ends[self.line_end].search(data, position)
        if not is_broken:
            self._state = _PLAIN
        if not found:
            return -1
        byte = data[found.start()]
        # In a broken row only line ends are searched, so ``byte`` is one.
        if byte == self._signs.delimiter:
            self._state = _FIELD
        elif byte == self._signs.escape:
            self._state, self._before_escape = _ESCAPED, _IN_FIELD
        elif byte == _CR and not self.line_end:
            self._state = _CARRIAGE_RETURN
        else:
            self.line_end = byte
            self._state = _PLAIN
        return found.end()
