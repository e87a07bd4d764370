"""Decompression in steps of bounded size: gzip and deflate by zlib, Zstandard by its own library."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from url_fetcher.errors import MalformedBody, SourceUnavailable

STEP_BYTES = 256 * 1024
GZIP, ZLIB, RAW_DEFLATE = 31, 15, -15  # zlib's window bits select the container
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE_MAGIC = b"\x2a\x4d\x18"
MAGIC_BYTES = 4
"""Bytes that are needed to recognise a file's compression."""

# Zeros pad a tape, and some servers send a line end behind the file. No member begins with these.
_NOT_PADDING = re.compile(rb"[^\x00\t\n\r ]")
# zlib copies the input that follows a member. Small pieces keep that cheap for files of many tiny members.
_REST_BYTES = 4 * 1024
# 8 MiB, the maximum of RFC 9659 for a Content-Encoding: it bounds the decoder's memory.
_ZSTD_WINDOW_LOG = 23


class Decompressor:
    """The base of one member or frame."""

    _stream: Any

    @property
    def eof(self) -> bool:
        """True once its end was reached."""
        return bool(self._stream.eof)

    def step(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """Returns at most one step of output, the unused input, and True if more output needs no input.

        Raises:
            MalformedBody: When it is broken.
        """
        raise NotImplementedError


class ZlibMember(Decompressor):
    """A gzip member, or a stream of deflate.

    Args:
        window_bits: As zlib's.
    """

    def __init__(self, window_bits: int) -> None:
        self._stream = zlib.decompressobj(window_bits)

    def step(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """As ``Decompressor.step``."""
        stream = self._stream
        try:
            out = stream.decompress(data, STEP_BYTES)
        except zlib.error as error:
            raise MalformedBody(f"the compressed body is broken: {error}") from error
        rest = stream.unused_data if stream.eof else stream.unconsumed_tail
        # A full step may leave output inside zlib although all input was taken.
        return out, rest, len(out) == STEP_BYTES


class ZstdFrame(Decompressor):
    """A frame of Zstandard (RFC 8878) with a window of at most 8 MiB."""

    def __init__(self) -> None:
        # Imported here because few sources need it, and it would slow every cold start.
        from backports import zstd

        self._error = zstd.ZstdError
        self._stream = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        )

    def step(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """As ``Decompressor.step``."""
        stream = self._stream
        try:
            out = stream.decompress(data, STEP_BYTES)
        except self._error as error:
            advice = (
                "; its window has over 8 MiB: compress without --long and --ultra"
                if "memory" in str(error)
                else ""
            )
            raise MalformedBody(f"the compressed body is broken: {error}{advice}") from error
        return out, stream.unused_data if stream.eof else b"", not stream.eof and not stream.needs_input


def member_of_file(start: bytes) -> Callable[[], Decompressor] | None:
    """Returns the decompressor for a file that begins like this; None if it is not compressed."""
    if start.startswith(_GZIP_MAGIC):
        return lambda: ZlibMember(GZIP)
    is_skippable = start[:1] and start[0] & 0xF0 == 0x50 and start[1:MAGIC_BYTES] == _SKIPPABLE_MAGIC
    return ZstdFrame if start.startswith(_ZSTD_MAGIC) or is_skippable else None


def decompressed(pieces: Iterable[bytes], new_member: Callable[[], Decompressor]) -> Iterator[bytes]:
    """Yields the decompressed bytes of any number of members, one step at a time.

    Raises:
        MalformedBody: When a member is broken, or other bytes follow the last one; not retryable.
        SourceUnavailable: When the input ends inside a member; retryable.
    """
    member, made, begun = new_member(), 0, False
    for piece in pieces:
        position, has_more, limit = 0, False, STEP_BYTES
        while position < len(piece) or has_more:
            if member.eof:
                begin = _NOT_PADDING.search(piece, position)
                if not begin:
                    break
                position, member, limit = begin.start(), new_member(), _REST_BYTES
            begun = True
            given = piece[position : position + limit]
            try:
                out, left, has_more = member.step(given)
            except MalformedBody as error:
                raise MalformedBody(str(error), offset=made) from error.__cause__
            position += len(given) - len(left)
            made += len(out)
            if out:
                yield out
    if begun and not member.eof:
        raise SourceUnavailable(
            f"the compressed body ends in the middle, after {made} bytes of what it holds: it was cut short, "
            "or is incomplete at the source"
        )
