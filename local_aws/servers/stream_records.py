"""Reads what the function puts on a stream."""

import gzip

_GZIP_MAGIC = b"\x1f\x8b"


def lines_of_record(data: bytes) -> bytes:
    """The lines of a Kinesis record, whichever packing made it; no line of JSON begins as gzip does.

    Raises:
        OSError: When it begins as a gzip member and is none, or has anything else behind it.
        EOFError: When the member is cut off.
    """
    return gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
