"""Lines as gzip members, as large as one billed unit after compression: `fetch.packing = "gzip"`."""

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from zlib import crc32

from isal.igzip_lib import COMP_GZIP, compress

from url_fetcher.delivery.packing import Entry

_MEMBERS_AHEAD = 4
_LEVEL = 1
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_TRAILER_BYTES = 8
_MAX_BLOCK_BYTES = 65_535
_BLOCK_HEADER_BYTES = 5
_FIRST_SHARE = 1 / 4
_MEAN_GAIN = 1 / 4
_DEVIATION_GAIN = 1 / 4
_DEVIATIONS = 3
_FULL_SHARE = 0.5


class GzipMembers:
    """Compresses as many lines into a member as will fill an entry, by what the members before them took.

    The compressed size is known only afterwards, and compressing twice costs more than a member that is
    a little too large or too small. So the size is predicted: from the mean share that
    was left of the members before and its mean deviation, as TCP foresees its timeout (RFC 6298).
    A member that gets larger than predicted is sent as it is: it never exceeds the service's limit,
    because it holds no more lines than would fit without compression.

    A thread compresses while the next lines are read. An entry is given when four more have been begun,
    not as soon as it is ready, so that the same lines make the same members however fast the thread is.

    Args:
        pack_bytes: The size aimed at for an entry after compression, key included.
        max_bytes: The largest entry that the service takes, key included.
    """

    # A reader of gzip cuts the lines, so no limit of Firehose's applies to them.
    max_lines = 2**63 - 1

    def __init__(self, pack_bytes: int, max_bytes: int) -> None:
        self.overhead_bytes = _overhead_bytes(max_bytes)
        self._pack_bytes = pack_bytes
        self._max_lines_bytes = max_bytes - self.overhead_bytes
        self._expected = _ExpectedShare()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gzip")
        self._begun: deque[tuple[Future[bytes], str, int, int]] = deque()

    def room(self, key_bytes: int) -> int:
        """The bytes of lines that probably fill an entry; never more than fit into the largest one."""
        wanted = (self._pack_bytes - key_bytes) / self._expected.upper
        return min(int(wanted), self._max_lines_bytes - key_bytes)

    def entries(self, lines: Sequence[bytes], key: str, count: int) -> Iterator[Entry]:
        """Begins a member of ``count`` lines under ``key``. Yields those that were begun long enough ago."""
        plain = b"".join(lines)
        # A member that was not waited for until it was full is small, and small ones compress worse.
        telling_bytes = len(plain) if len(plain) >= _FULL_SHARE * self.room(0) else 0
        self._begun.append((self._thread.submit(member, plain), key, count, telling_bytes))
        while len(self._begun) > _MEMBERS_AHEAD:
            yield self._next()

    def rest(self) -> Iterator[Entry]:
        """Yields the members that are not finished yet."""
        while self._begun:
            yield self._next()

    def stop(self) -> None:
        """Ends the thread and begins no more members."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _next(self) -> Entry:
        made, key, count, telling_bytes = self._begun.popleft()
        data = made.result()
        if telling_bytes:
            self._expected.observe(len(data) / telling_bytes)
        return Entry(data, key, count)


def member(plain: bytes) -> bytes:
    """The gzip member of ``plain``, which is not empty; at most the frame of a stored one larger.

    Example:
        >>> gzip.decompress(member(b'{"id":1}'))
        b'{"id":1}'
    """
    made = compress(plain, _LEVEL, COMP_GZIP)
    return made if len(made) <= len(plain) + _overhead_bytes(len(plain)) else _stored(plain)


class _ExpectedShare:
    """Predicts the compressed size of lines as a share of their bytes."""

    def __init__(self) -> None:
        self.upper = _FIRST_SHARE
        self._mean = self._deviation = 0.0

    def observe(self, share: float) -> None:
        """Learns from the share of a full member."""
        if self._mean:
            error = share - self._mean
            self._deviation += _DEVIATION_GAIN * (abs(error) - self._deviation)
            self._mean += _MEAN_GAIN * error
        else:
            self._mean, self._deviation = share, share / 16
        self.upper = self._mean + _DEVIATIONS * self._deviation


def _stored(plain: bytes) -> bytes:
    """A member without compression; ISA-L's own may exceed it a little."""
    pieces = [_HEADER]
    for start in range(0, len(plain), _MAX_BLOCK_BYTES):
        block = plain[start : start + _MAX_BLOCK_BYTES]
        is_last = start + _MAX_BLOCK_BYTES >= len(plain)
        pieces += struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF), block
    pieces.append(struct.pack("<II", crc32(plain), len(plain)))
    return b"".join(pieces)


def _overhead_bytes(plain_bytes: int) -> int:
    """The most bytes that a member has beside the bytes that it stores."""
    blocks = -(-plain_bytes // _MAX_BLOCK_BYTES)
    return len(_HEADER) + _TRAILER_BYTES + _BLOCK_HEADER_BYTES * blocks
