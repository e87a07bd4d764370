"""Finds where a response's head ends and how long its body is, strictly by RFC 9112.

http.client guesses when a server breaks the rules: with an unknown Transfer-Encoding the chunk sizes become
part of the body, a line without a colon ends the headers, and a chunk size may be negative. A wrong
guess would become records, so everything that is not understood is refused here.
"""

import http.client
import io
import re
from contextlib import suppress
from typing import Any, cast

MAX_HEAD_BYTES = 256 * 1024
"""Limit for all heads before one body, interim ones included, and again for its trailers."""

_MAX_LINES = 99  # http.client takes 100 header lines and counts the empty one
_MAX_LINE_BYTES = 65_536  # http.client's own
_MAX_SIZE_LINE_BYTES = 4_096
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"  # RFC 9110, 5.5: no controls, no bare CR
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] +([1-9][0-9]{2})(?: " + _TEXT + rb")?")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:" + _TEXT)
_CHUNK_SIZE = re.compile(rb"0*([0-9A-Fa-f]{1,15})[ \t]*(?:;" + _TEXT + rb")?\r?\n")
_SUCCESS = range(200, 300)
_SWITCHING_PROTOCOLS = 101


class BrokenHttp(http.client.HTTPException):
    """When an answer breaks HTTP, so that it is unclear where its body begins or ends."""


class FramedResponse(http.client.HTTPResponse):
    """A response whose head, length and chunks are checked."""

    def begin(self) -> None:
        """Reads the head of the final response.

        Raises:
            BrokenHttp: When it has a syntax error, is too long, or frames its body in an unknown way.
            BadStatusLine: When the answer is not HTTP/1.
            IncompleteRead: When the connection ends in the head.
        """
        body = self.fp
        self.fp = io.BufferedReader(io.BytesIO(_Lines(body).head()))
        try:
            super().begin()
        finally:
            self.fp = body
        self.headers.defects.clear()  # urllib3 would log them together with the URL and its secrets
        if fault := self._framing_fault():
            if self.status in _SUCCESS:
                raise BrokenHttp(fault)
            # The status of a redirect or an error counts whatever its framing, but its body is not read, and
            # the next answer does not come on the same connection.
            self.chunked, self.length, self.will_close = False, 0, True

    def _framing_fault(self) -> str:
        """The reason why the body's length is unclear (RFC 9112, 6.3); empty if it is clear."""
        codings = self.headers.get_all("Transfer-Encoding", [])
        lengths = self.headers.get_all("Content-Length", [])
        if codings and lengths:
            return "it has both Transfer-Encoding and Content-Length"
        if codings and [each.lower() for each in codings] != ["chunked"]:
            return f"Transfer-Encoding {', '.join(codings)[:40]!r} is not understood, only 'chunked' is"
        if len(set(lengths)) > 1:
            return f"it has two Content-Lengths: {lengths[0][:40]!r} and {lengths[1][:40]!r}"
        if lengths and not lengths[0].isdecimal():
            return f"Content-Length {lengths[0][:40]!r} is not a number of bytes"
        return ""

    def _get_chunk_left(self) -> int | None:
        """The rest of the current chunk, None after the last one; http.client calls this to read chunks."""
        if self.chunk_left:
            return self.chunk_left
        if self.chunk_left is not None:
            self._end_chunk()
        self.chunk_left = self._chunk_size() or None
        if self.chunk_left is None:
            self._discard_trailers()
            cast("Any", self)._close_conn()  # noqa: SLF001 - http.client's own way to end a response
        return self.chunk_left

    def _end_chunk(self) -> None:
        """Reads the line break after a chunk."""
        end = self.fp.read(2)
        if end in (b"", b"\r"):
            raise http.client.IncompleteRead(b"")
        if end != b"\r\n":
            raise BrokenHttp("a chunk is longer than its size says")

    def _chunk_size(self) -> int:
        line = self.fp.readline(_MAX_SIZE_LINE_BYTES + 1)
        if size := _CHUNK_SIZE.fullmatch(line):
            return int(size[1], 16)
        if len(line) > _MAX_SIZE_LINE_BYTES:
            raise BrokenHttp(f"a chunk's size line is over {_MAX_SIZE_LINE_BYTES} bytes")
        # A line without its end may hold only the first of several digits.
        if not line.endswith(b"\n"):
            raise http.client.IncompleteRead(b"")
        raise BrokenHttp(f"a chunk has the size {line[:20]!r}")

    def _discard_trailers(self) -> None:
        """Reads the trailers; some servers close the connection instead, and the body is complete anyway."""
        lines = _Lines(self.fp)
        with suppress(http.client.IncompleteRead):
            while lines.next():
                pass


class _Lines:
    """The lines of heads or trailers, up to ``MAX_HEAD_BYTES`` in total."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._left_bytes = MAX_HEAD_BYTES

    def next(self) -> bytes:
        """The next line without its end."""
        limit = min(self._left_bytes, _MAX_LINE_BYTES)
        line = self._file.readline(limit + 1)
        if len(line) > limit:
            raise BrokenHttp(f"its headers are over {MAX_HEAD_BYTES} bytes, or one over {_MAX_LINE_BYTES}")
        if not line.endswith(b"\n"):
            raise http.client.IncompleteRead(b"")
        self._left_bytes -= len(line)
        # The line break may be a lone LF (RFC 9112, 2.2).
        return line.removesuffix(b"\n").removesuffix(b"\r")

    def head(self) -> bytes:
        """The head of the final response; interim ones before it are skipped (RFC 9110, 15.2)."""
        while True:
            status, head = self._message()
            if status >= _SUCCESS.start or status == _SWITCHING_PROTOCOLS:
                return head

    def _message(self) -> tuple[int, bytes]:
        """The status and the head of one response."""
        first = self.next()
        status = _STATUS_LINE.fullmatch(first)
        if not status:
            raise http.client.BadStatusLine("")
        fields: list[bytes] = []
        for number, line in enumerate(iter(self.next, b""), 1):
            if number > _MAX_LINES:
                raise BrokenHttp(f"its head is over {_MAX_LINES} lines")
            if line.startswith((b" ", b"\t")) and fields:
                fields[-1] += b" " + line.strip(b" \t")  # a folded line (RFC 9112, 5.2)
            else:
                fields.append(line.rstrip(b" \t"))
        for number, field in enumerate(fields, 1):
            if not _FIELD.fullmatch(field):
                # It is not shown: a header may hold a secret.
                raise BrokenHttp(f"header {number} of its head cannot be read")
        return int(status[1]), b"\r\n".join([first, *fields, b"", b""])
