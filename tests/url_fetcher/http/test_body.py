import gzip
import io
import zlib

import pytest

from url_fetcher.errors import MalformedBody
from url_fetcher.http.body import CHUNK_BYTES, Body


def _read(data: bytes, encoding: str) -> bytes:
    body = Body(io.BytesIO(data).read, content_encoding=encoding, max_body_mib=64, max_decompressed_mib=64)
    return b"".join(body)


def _raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(9, wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    "size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 25, 3 * CHUNK_BYTES, 5_000_000]
)
@pytest.mark.parametrize(
    ("compress", "encoding"),
    [(_raw_deflate, "deflate"), (zlib.compress, "deflate"), (gzip.compress, "gzip"), (gzip.compress, "")],
    ids=["raw deflate", "zlib", "gzip", "gzip file"],
)
def test_output_that_is_pending_at_a_step_is_read(compress: object, encoding: str, size: int) -> None:
    """However much comes out of little input, and wherever a step of 256 KiB ends, the body is whole."""
    data = bytes(size)
    assert callable(compress)

    assert _read(compress(data), encoding) == data


@pytest.mark.parametrize("compress", [_raw_deflate, zlib.compress, gzip.compress])
def test_a_compressed_body_that_was_cut_is_refused(compress: object) -> None:
    """A body that lacks its last bytes is malformed, in any compression."""
    assert callable(compress)
    data = compress(bytes(range(256)) * 4_096)

    with pytest.raises(MalformedBody):
        _read(data[:-9], "gzip" if compress is gzip.compress else "deflate")
