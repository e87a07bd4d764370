import gzip
import io
import itertools
import zlib
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from backports import zstd

from url_fetcher.errors import LimitExceeded, MalformedBody, SourceUnavailable
from url_fetcher.http.body import CHUNK_BYTES, MIB, Body


def _read(data: bytes, encoding: str) -> bytes:
    body = Body(io.BytesIO(data).read, content_encoding=encoding, max_body_mib=64, max_decompressed_mib=64)
    return b"".join(body)


def _raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(9, wbits=-15)
    return stream.compress(data) + stream.flush()


def _zstd(data: bytes) -> bytes:
    return zstd.compress(data)


_SKIPPABLE = b"\x5a\x2a\x4d\x18\x05\x00\x00\x00hello"
_EVERY = [(_raw_deflate, "deflate"), (zlib.compress, "deflate"), (gzip.compress, "gzip"), (gzip.compress, "")]
_EVERY += [(_zstd, "zstd"), (_zstd, "")]


@pytest.mark.parametrize(
    "size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 25, 3 * CHUNK_BYTES, 5_000_000]
)
@pytest.mark.parametrize(
    ("compress", "encoding"), _EVERY, ids=["raw deflate", "zlib", "gzip", "gzip file", "zstd", "zstd file"]
)
def test_output_that_is_pending_at_a_step_is_read(compress: object, encoding: str, size: int) -> None:
    """However much comes out of little input, and wherever a step of 256 KiB ends, the body is whole."""
    data = bytes(size)
    assert callable(compress)

    assert _read(compress(data), encoding) == data


@pytest.mark.parametrize("size", [1, 4_096, 9_999_999])
@pytest.mark.parametrize(("compress", "encoding"), _EVERY)
def test_a_compressed_body_that_was_cut_may_be_asked_for_again(
    compress: Callable[[bytes], bytes], encoding: str, size: int
) -> None:
    """What is whole comes out, and then an error that is worth a retry, wherever the body was cut."""
    data = bytes(range(256)) * 4_096
    whole = compress(data)
    body = Body(
        io.BytesIO(whole[: min(len(whole) - 1, size + 4)]).read,
        content_encoding=encoding,
        max_body_mib=64,
        max_decompressed_mib=64,
    )
    out = bytearray()
    with pytest.raises(SourceUnavailable, match="ends in the middle") as caught:
        out.extend(itertools.chain.from_iterable(body))

    assert (caught.value.retryable, data.startswith(bytes(out))) == (True, True)


@pytest.mark.parametrize("step", [1, 3, 1_000])
@pytest.mark.parametrize(
    "compressed",
    [
        gzip.compress(b"ab") + gzip.compress(b"") + gzip.compress(b"cd"),
        gzip.compress(b"abcd") + bytes(1_000),
        gzip.compress(b"ab") + bytes(7) + gzip.compress(b"cd"),
        gzip.compress(b"abcd") + b"\r\n",
        gzip.compress(b"abcd") + b"\n",
        gzip.compress(b"ab") + b"\r\n\0 " + gzip.compress(b"cd"),
        gzip.compress(b"") * 3 + gzip.compress(b"abcd"),
        zstd.compress(b"ab") + zstd.compress(b"") + zstd.compress(b"cd"),
        _SKIPPABLE + zstd.compress(b"abcd") + _SKIPPABLE,
    ],
    ids=[
        "gzip",
        "zeros behind",
        "zeros between",
        "CRLF",
        "LF",
        "padding between",
        "empty first",
        "zstd",
        "skippable frames",
    ],
)
def test_members_in_a_row_are_one_body(compressed: bytes, step: int) -> None:
    """Concatenated files, empty ones, zeros that pad gzip and skippable frames of Zstandard."""
    source = io.BytesIO(compressed)

    body = Body(lambda _: source.read(step), max_body_mib=1, max_decompressed_mib=1)

    assert b"".join(body) == b"abcd"


@pytest.mark.parametrize("step", [1, 3, 1_000])
@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [
        *[(name, b"abcd") for name in ("identity", "UTF-8", "none", "aws-chunked", "utf8, identity", ",")],
        ("aws-chunked,gzip", gzip.compress(b"abcd", mtime=0)),
        ("gzip, gzip", gzip.compress(gzip.compress(b"abcd", mtime=0), mtime=0)),
        ("deflate, GZIP", gzip.compress(zlib.compress(b"abcd"), mtime=0)),
        ("zstd,deflate , gzip", gzip.compress(zlib.compress(_zstd(b"abcd")), mtime=0)),
    ],
)
def test_encodings_are_undone_in_turn(encoding: str, compressed: bytes, step: int) -> None:
    """The last one first; what changes nothing is passed over."""
    source = io.BytesIO(compressed)
    body = Body(
        lambda _: source.read(step), content_encoding=encoding, max_body_mib=1, max_decompressed_mib=1
    )

    assert b"".join(body) == b"abcd"


@pytest.mark.parametrize(
    ("encoding", "named"), [("gzip, br", "'br'"), (", ".join(["gzip"] * 6), "6 encodings")]
)
def test_encodings_that_cannot_be_undone_are_named(encoding: str, named: str) -> None:
    """An unknown one, and more of them than anybody means."""
    with pytest.raises(MalformedBody, match=named):
        _read(b"", encoding)


@pytest.mark.parametrize(
    ("start", "is_refused"),
    [
        (b"<p>", True),
        (b"  <!DOCTYPE HTML>", True),
        (b'<?xml version="1.0"?><!DOCTYPE html>', True),
        (b"[1]", False),
        (b"a,b", False),
        (b'<?xml version="1.0"?><rss>', False),
    ],
)
def test_only_what_begins_as_html_may_is_refused_as_html(start: bytes, is_refused: bool) -> None:
    """Some servers send their records as text/html."""
    settings = {"content_type": "text/html; charset=utf-8", "max_body_mib": 1, "max_decompressed_mib": 1}
    body = Body(io.BytesIO(start).read, **settings)  # type: ignore[arg-type]
    with pytest.raises(MalformedBody, match="HTML") if is_refused else nullcontext():
        assert b"".join(body) == start


@pytest.mark.parametrize("member", [gzip.compress(b"abcd"), zstd.compress(b"abcd")], ids=["gzip", "zstd"])
def test_garbage_behind_a_member_is_told_after_what_is_whole(member: bytes) -> None:
    """The member's content comes out; then the body is malformed where that ends."""
    body = iter(Body(io.BytesIO(member + b"garbage").read, max_body_mib=1, max_decompressed_mib=1))
    first = next(body)
    with pytest.raises(MalformedBody, match="broken") as caught:
        next(body)

    assert (first, caught.value.offset) == (b"abcd", 4)


@pytest.mark.parametrize("compress", [gzip.compress, _zstd])
def test_the_limit_is_for_all_members_together(compress: Callable[[bytes], bytes]) -> None:
    """Many small bombs are refused as one large one is, before they are unpacked."""
    bombs = compress(bytes(400_000)) * 100
    body = Body(io.BytesIO(bombs).read, max_body_mib=64, max_decompressed_mib=1)
    out = bytearray()
    with pytest.raises(LimitExceeded, match="max_decompressed_mib"):
        out.extend(itertools.chain.from_iterable(body))

    assert len(out) <= 1024 * 1024


def test_a_window_that_takes_too_much_memory_is_refused() -> None:
    """A frame of Zstandard that needs more than 8 MiB at a time is named with the way out."""
    long = zstd.compress(bytes(20_000_000), options={zstd.CompressionParameter.window_log: 27})

    with pytest.raises(MalformedBody, match="8 MiB: compress without --long"):
        _read(long, "zstd")


def test_the_memory_for_a_bomb_is_bounded() -> None:
    """A hundred megabytes of zeros in a few KiB passes in steps."""
    bomb = zstd.compress(bytes(100_000_000))
    body = Body(io.BytesIO(bomb).read, max_body_mib=1, max_decompressed_mib=1_000)

    assert max(map(len, body)) <= CHUNK_BYTES


@pytest.mark.parametrize(("extra", "is_over"), [(0, False), (1, True)])
def test_a_body_may_have_its_limit_to_the_byte(extra: int, is_over: bool) -> None:
    """A body without a Content-Length is counted while it arrives, and ends one byte over the limit."""
    rest = io.BytesIO(b"1" * (MIB + extra))
    body = Body(rest.read, max_body_mib=1, max_decompressed_mib=9)
    with pytest.raises(LimitExceeded, match="max_body_mib") if is_over else nullcontext():
        for _ in body:
            pass

    assert body.received_bytes == MIB + extra
