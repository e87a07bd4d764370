"""A response's body as bounded chunks: counted, decompressed in steps, never held as a whole."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from url_fetcher.errors import LimitExceeded, MalformedBody

MIB = 1024 * 1024
CHUNK_BYTES = 256 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # zlib's window bits say the container
_GZIP_NAMES = ("gzip", "x-gzip")
_HTML_TYPES = ("text/html", "application/xhtml+xml")


class Body:
    """Iterates over the decompressed chunks of one body and counts what went by.

    Args:
        read: Gives up to that many bytes as they arrived, and none at the end.
        content_encoding: The header's value; gzip, deflate or nothing.
        content_type: The header's value; HTML is refused.
        max_body_mib: The most to be received.
        max_decompressed_mib: The most to come out of decompression, checked at each step.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        *,
        content_encoding: str = "",
        content_type: str = "",
        max_body_mib: int,
        max_decompressed_mib: int,
    ) -> None:
        self.received_bytes = 0
        self.decompressed_bytes = 0
        self._read = read
        self._encoding = content_encoding.strip().lower()
        self._content_type = content_type
        self._max_body_mib = max_body_mib
        self._max_decompressed_mib = max_decompressed_mib

    def __iter__(self) -> Iterator[bytes]:
        """Yield chunks of at most a few hundred KiB, none of them empty.

        Raises:
            LimitExceeded: When the body is larger than allowed, on the wire or decompressed; not retryable.
            MalformedBody: When it is HTML or cannot be decompressed; not retryable.
        """
        pieces = self._gunzipped_file(self._decoded(self._received()))
        for piece in pieces:
            if not self.decompressed_bytes:
                self._refuse_html(piece)
            self.decompressed_bytes += len(piece)
            yield piece

    def _received(self) -> Iterator[bytes]:
        """What the source sends, up to the limit."""
        piece = self._read(CHUNK_BYTES)
        while piece:
            self.received_bytes += len(piece)
            if self.received_bytes > self._max_body_mib * MIB:
                raise LimitExceeded(
                    f"the body is over limits.max_body_mib = {self._max_body_mib}; raise it or ask for less",
                    limit_mib=self._max_body_mib,
                )
            # Only the last piece is short: a body that was cut is seen before it is given out.
            following = self._read(CHUNK_BYTES) if len(piece) < CHUNK_BYTES else None
            yield piece
            piece = self._read(CHUNK_BYTES) if following is None else following

    def _decoded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Without the Content-Encoding."""
        if self._encoding in ("", "identity"):
            return pieces
        if self._encoding in _GZIP_NAMES:
            return self._inflated(pieces, _GZIP)
        if self._encoding == "deflate":
            return self._deflated(pieces)
        raise MalformedBody(
            f"Content-Encoding {self._encoding[:40]!r} was not asked for; gzip, deflate or none must come",
            offset=0,
        )

    def _gunzipped_file(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Without the gzip of a ``.gz`` file, recognized by its first two bytes."""
        start = b""
        while len(start) < len(_GZIP_MAGIC) and (piece := next(pieces, b"")):
            start += piece
        rest = chain([start], pieces) if start else iter(())
        return self._inflated(rest, _GZIP) if start.startswith(_GZIP_MAGIC) else rest

    def _deflated(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Deflate as RFC 9110 has it (zlib), or raw as some servers send it."""
        first = next(pieces, b"")
        is_zlib = len(first) > 1 and first[0] & 0x0F == 8 and int.from_bytes(first[:2], "big") % 31 == 0
        return self._inflated(chain([first], pieces), _ZLIB if is_zlib else _RAW_DEFLATE)

    def _inflated(self, pieces: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
        """Decompressed in steps of a chunk, over as many gzip members as there are."""
        stream, made, begun = zlib.decompressobj(window_bits), 0, False
        for piece in pieces:
            rest, is_pending = piece, False
            while rest or is_pending:
                if stream.eof:
                    if not (rest := rest.lstrip(b"\x00")):  # zeros may pad a gzip file
                        break
                    stream = zlib.decompressobj(window_bits)
                out, rest, begun = *self._step(stream, rest, made), True
                # A full step may have left output behind although all input was taken.
                is_pending = len(out) == CHUNK_BYTES
                made += len(out)
                self._refuse_too_large(made)
                if out:
                    yield out
        if begun and not stream.eof:
            raise MalformedBody("the compressed body ends in the middle", offset=made)

    def _step(self, stream: "zlib._Decompress", data: bytes, offset: int) -> tuple[bytes, bytes]:
        """At most a chunk of output, and the input that is left."""
        try:
            out = stream.decompress(data, CHUNK_BYTES)
        except zlib.error as error:
            raise MalformedBody(f"the compressed body is broken: {error}", offset=offset) from error
        return out, stream.unused_data if stream.eof else stream.unconsumed_tail

    def _refuse_too_large(self, made: int) -> None:
        if made > self._max_decompressed_mib * MIB:
            raise LimitExceeded(
                f"the decompressed body is over limits.max_decompressed_mib = {self._max_decompressed_mib}; "
                "raise it or ask for less a page",
                limit_mib=self._max_decompressed_mib,
            )

    def _refuse_html(self, first: bytes) -> None:
        """Refuse a login or error page that was answered with a status of success."""
        media_type = self._content_type.partition(";")[0].strip().lower()
        start = first[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if media_type in _HTML_TYPES or start.startswith((b"<!doctype html", b"<html")):
            raise MalformedBody(
                f"the body is a page of HTML (Content-Type {media_type or 'not given'!r}), not records: "
                "the URL may need `auth`, or be a page for people",
                offset=0,
                content_type=media_type,
            )
