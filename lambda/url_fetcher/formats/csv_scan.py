"""Where one CSV row ends, found over any number of chunks and without parsing it."""

import re

_FIELD, _PLAIN, _QUOTED, _CLOSED, _BROKEN, _CARRIAGE_RETURN = range(6)
_QUOTE, _COMMA, _LF, _CR = b'",\n\r'
_AFTER_QUOTE = b",\r\n"
_FIELD_ENDS = {0: re.compile(rb"[,\r\n]"), _LF: re.compile(rb"[,\n]"), _CR: re.compile(rb"[,\r]")}
_FIELD_TEXT = rb'(?:"[^"]*+(?:""[^"]*+)*+"(?:\r(?=\n))?+|[^",%(end)b][^,%(end)b]*+)?+'
_ROW_TEXT = _FIELD_TEXT + rb"(?:," + _FIELD_TEXT + rb")*+%(end)b"
_ROWS = {ord(end): re.compile(_ROW_TEXT % {b"end": end}) for end in (b"\n", b"\r")}
_LINE_ENDS = {0: re.compile(rb"[\r\n]"), _LF: re.compile(rb"\n"), _CR: re.compile(rb"\r")}


class RowScanner:
    """Follows quotes and line ends only; validation is left to the decoder.

    A quote opens a field only at the field's beginning, and a row ends at a line end outside of
    quotes. Anything but a comma or a line end behind a closing quote breaks the row, which then ends
    with the line. The first row decides whether lines end with LF (also behind CR) or with CR alone.
    """

    def __init__(self) -> None:
        self.line_end = 0
        """The byte that ends a line; 0 until the first row has ended."""
        self.reset()

    def reset(self) -> None:
        """Begin a new row at the next byte."""
        self._state = _FIELD
        self._is_new = True
        self.quote_offset = -1
        """Where the last quoted field begins in the body; -1 before the first."""
        self.broken_offset = -1
        """Where the row is broken in the body; -1 if it is not."""

    @property
    def is_quoted(self) -> bool:
        """Whether a quote is open."""
        return self._state == _QUOTED

    def end_body(self) -> None:
        """Decide what ended the only row, if no other did."""
        self.line_end = self.line_end or (_CR if self._state == _CARRIAGE_RETURN else _LF)

    def scan(self, data: bytearray, start: int, *, offset: int) -> int:
        """The index behind the row's line end, or -1 when all of ``data`` belongs to the row.

        Args:
            data: Bytes of the body.
            start: The first index that was not scanned yet.
            offset: Where ``data`` begins in the body.
        """
        # Most rows arrive whole, and one match costs a third of the steps below.
        if self._is_new and self.line_end and (row := _ROWS[self.line_end].match(data, start)):
            return row.end()
        self._is_new = False
        position = start
        while position < len(data):
            if self._state == _CARRIAGE_RETURN:
                self.line_end = _LF if data[position] == _LF else _CR
                return position + (self.line_end == _LF)
            if self._state == _QUOTED:
                position = data.find(b'"', position) + 1
                if not position:
                    return -1
                self._state = _CLOSED
            elif data[position] == _QUOTE and self._state in (_FIELD, _CLOSED):
                if self._state == _FIELD:
                    self.quote_offset = offset + position
                self._state = _QUOTED
                position += 1
            else:
                position = self._unquoted(data, position, offset)
                if position < 0 or self._state == _PLAIN:
                    return position
        return -1

    def _unquoted(self, data: bytearray, position: int, offset: int) -> int:
        """The index behind the next comma or line end, or -1; the state is plain when the row has ended."""
        if self._state == _CLOSED and data[position] not in _AFTER_QUOTE:
            self._state = _BROKEN
            self.broken_offset = offset + position
        is_broken = self._state == _BROKEN
        found = (_LINE_ENDS if is_broken else _FIELD_ENDS)[self.line_end].search(data, position)
        if not is_broken:
            self._state = _PLAIN
        if not found:
            return -1
        byte = data[found.start()]
        if byte == _COMMA:
            self._state = _FIELD
        elif byte == _CR and not self.line_end:
            self._state = _CARRIAGE_RETURN
        else:
            self.line_end = byte
            self._state = _PLAIN
        return found.end()
