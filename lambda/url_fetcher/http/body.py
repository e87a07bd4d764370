"""A response's body in chunks of bounded size: counted and decompressed, never held as a whole."""

from collections.abc import Callable, Iterator
from itertools import chain

from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.http.compression import (
    GZIP,
    MAGIC_BYTES,
    RAW_DEFLATE,
    STEP_BYTES,
    ZLIB,
    ZlibMember,
    ZstdFrame,
    decompressed,
    member_of_file,
)

MIB = 1024 * 1024
CHUNK_BYTES = STEP_BYTES
_NO_ENCODINGS = ("", "identity", "none", "utf-8", "utf8", "aws-chunked")
"""Values of Content-Encoding that change nothing, some of them by mistake."""
_MAX_ENCODINGS = 5
_GZIP_NAMES = ("gzip", "x-gzip")
_HTML_TYPES = ("text/html", "application/xhtml+xml")


class Body:
    """Iterates over the decompressed chunks of one body and counts their bytes.

    Args:
        read: Returns up to that many bytes as they arrived; none at the end.
        content_encoding: The header's value: gzip, deflate or zstd, up to five of them in turn, or nothing.
        content_type: The header's value; under that of HTML, what begins with a tag is refused.
        max_body_mib: Limit of received bytes.
        max_decompressed_mib: Limit of decompressed bytes, checked at each step, against zip bombs.
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
        """Yields chunks of at most a few hundred KiB, none of them empty.

        Raises:
            LimitExceeded: When the body is larger than allowed, on the wire or decompressed; not retryable.
            MalformedBody: When it is HTML or cannot be decompressed; not retryable.
            SourceUnavailable: When the compressed data is cut short; retryable.
        """
        pieces = self._decompressed_file(self._decoded(self._received()))
        for piece in pieces:
            # Only the first piece: records may quote HTML later.
            if not self.decompressed_bytes:
                self._refuse_html(piece)
            self.decompressed_bytes += len(piece)
            yield piece

    def _received(self) -> Iterator[bytes]:
        """Yields the received bytes, up to the limit."""
        piece = self._read(CHUNK_BYTES)
        while piece:
            self.received_bytes += len(piece)
            if self.received_bytes > self._max_body_mib * MIB:
                raise LimitExceeded(
                    f"the body is over limits.max_body_mib = {self._max_body_mib}; raise it or ask for less",
                    limit_mib=self._max_body_mib,
                )
            # Only the last piece is short. Reading on before it is yielded raises for a body that was cut.
            following = self._read(CHUNK_BYTES) if len(piece) < CHUNK_BYTES else None
            yield piece
            piece = self._read(CHUNK_BYTES) if following is None else following

    def _decoded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Undoes the Content-Encoding, of several the last one first."""
        if not self._encoding:
            return pieces
        names = [name.strip() for name in self._encoding.split(",")]
        encodings = [name for name in names if name not in _NO_ENCODINGS]
        if len(encodings) > _MAX_ENCODINGS:
            raise MalformedBody(
                f"Content-Encoding has {len(encodings)} encodings; at most {_MAX_ENCODINGS} are undone"
            )
        for name in reversed(encodings):
            pieces = self._undone(name, pieces)
        return pieces

    def _undone(self, name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Undoes one encoding."""
        if name in _GZIP_NAMES:
            return self._limited(decompressed(pieces, lambda: ZlibMember(GZIP)))
        if name == "deflate":
            return self._deflated(pieces)
        if name == "zstd":
            return self._limited(decompressed(pieces, ZstdFrame))
        raise MalformedBody(
            f"Content-Encoding {name[:40]!r} was not asked for; gzip, deflate and zstd are read"
        )

    def _decompressed_file(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Undoes the compression of a ``.gz`` or ``.zst`` file, recognised by its first bytes."""
        start, rest = _peeked(pieces, MAGIC_BYTES)
        new_member = member_of_file(start)
        return self._limited(decompressed(rest, new_member)) if new_member else rest

    def _deflated(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Undoes deflate: zlib by RFC 9110, or the raw stream that some servers send."""
        first, rest = _peeked(pieces, 2)
        # A zlib header (RFC 1950): method 8, and a checksum that makes both bytes a multiple of 31.
        is_zlib = len(first) > 1 and first[0] & 0x0F == 8 and int.from_bytes(first[:2], "big") % 31 == 0
        window_bits = ZLIB if is_zlib else RAW_DEFLATE
        return self._limited(decompressed(rest, lambda: ZlibMember(window_bits)))

    def _limited(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yields decompressed bytes, up to the limit."""
        made, limit = 0, self._max_decompressed_mib
        for piece in pieces:
            made += len(piece)
            if made > limit * MIB:
                raise LimitExceeded(
                    f"the decompressed body is over limits.max_decompressed_mib = {limit}; "
                    "raise it or ask for less a page",
                    limit_mib=limit,
                )
            yield piece

    def _refuse_html(self, first: bytes) -> None:
        """Refuses a login or error page that came with a successful status."""
        media_type = self._content_type.partition(";")[0].strip().lower()
        start = first[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        # Records are sent as text/html, too: the type counts only for what begins as HTML may.
        is_marked_up = start.startswith(b"<") and (
            b"<!doctype html" in start or not start.startswith(b"<?xml")
        )
        if start.startswith((b"<!doctype html", b"<html")) or (media_type in _HTML_TYPES and is_marked_up):
            raise MalformedBody(
                f"the body is a page of HTML (Content-Type {media_type or 'not given'!r}), not records: "
                "the URL may need `auth`, or be a page for people",
                content_type=media_type,
            )


def _peeked(pieces: Iterator[bytes], count: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, at least that many if there are, and all pieces with them."""
    start = b""
    while len(start) < count and (piece := next(pieces, b"")):
        start += piece
    return start, chain([start], pieces) if start else iter(())
