"""Gzip members of lines: read back by Python's own gzip and zlib, never by the compressor that made them."""

import gzip
import json
import random
import zlib
from base64 import b64encode
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sources import source
from local_aws.servers.stream_records import lines_of_record
from tests.url_fetcher.streams import ORIGIN
from url_fetcher.delivery.envelope import Envelope
from url_fetcher.delivery.gzip_members import GzipMembers, member
from url_fetcher.delivery.packing import Entry, KeyedPacker, LinePacker, Packer

_KIB = 1024
_PACK_BYTES = 24 * _KIB
_MAX_BYTES = 1000 * _KIB
_ENVELOPE = Envelope(ORIGIN)


def _pack(
    records: Sequence[bytes],
    *,
    pack_bytes: int = _PACK_BYTES,
    max_bytes: int = _MAX_BYTES,
    at_a_time: int = 500,
    key_field: str = "",
) -> list[Entry]:
    members = GzipMembers(pack_bytes, max_bytes)
    packer: Packer = LinePacker(members)
    packer = KeyedPacker(key_field, members, packer) if key_field else packer
    groups = [records[start : start + at_a_time] for start in range(0, len(records), at_a_time)]
    entries = [entry for group in groups for entry in packer.add(_ENVELOPE.lines(group))]
    entries += [*packer.flush(), *members.rest()]
    members.stop()
    return entries


def _members(data: bytes) -> list[bytes]:
    """What each member of a file holds, by zlib alone."""
    found: list[bytes] = []
    while data:
        reader = zlib.decompressobj(wbits=31)
        found.append(reader.decompress(data))
        assert reader.eof
        data = reader.unused_data
    return found


def _random_text(drawn: random.Random, length: int) -> bytes:
    return b'"%b"' % b64encode(drawn.randbytes(length))[:length]


def _random_utf8(drawn: random.Random, length: int) -> bytes:
    codes = (
        drawn.choice((range(0x20, 0x7F), range(0x80, 0x800), range(0x800, 0xD800))) for _ in range(length)
    )
    return json.dumps("".join(chr(drawn.choice(each)) for each in codes), ensure_ascii=False).encode()


_KINDS: dict[str, Callable[[random.Random, int], bytes]] = {
    "equal": lambda _, length: b'"%b"' % (b"x" * length),
    "random hex": lambda drawn, length: b'"%b"' % drawn.randbytes(length).hex()[:length].encode(),
    "random base64": _random_text,
    "random UTF-8": lambda drawn, length: _random_utf8(drawn, length // 3),
    "an object": lambda drawn, length: b'{"k":%d,"v":"%b"}' % (drawn.randrange(5), b"y" * length),
}


@st.composite
def _records(draw: st.DrawFn) -> list[bytes]:
    """Runs of records of one kind and length, so that the ratio changes in the middle."""
    runs = draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(_KINDS)), st.integers(0, 4_000), st.integers(1, 80)), max_size=6
        )
    )
    drawn = random.Random(draw(st.integers(0, 1_000)))
    return [_KINDS[kind](drawn, length) for kind, length, count in runs for _ in range(count)]


_pack_sizes = st.integers(1, 64).map(lambda kib: kib * _KIB)
_max_sizes = st.integers(8, 64).map(lambda kib: kib * _KIB)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(records=_records(), pack_bytes=_pack_sizes, max_bytes=_max_sizes, at_a_time=st.integers(1, 100))
def test_members_hold_the_lines_within_the_limit(
    records: list[bytes], pack_bytes: int, max_bytes: int, at_a_time: int
) -> None:
    """In a row they are a gzip file of the lines; each is an entry of whole lines, and not too large."""
    entries = _pack(records, pack_bytes=pack_bytes, max_bytes=max_bytes, at_a_time=at_a_time)
    members = [_members(entry.data) for entry in entries]

    assert gzip.decompress(b"".join(entry.data for entry in entries)) == _ENVELOPE.lines(records).joined()
    assert [[lines.count(b"\n"), lines[-1:]] for (lines,) in members] == [
        [entry.lines, b"\n"] for entry in entries
    ]
    assert [entry.size for entry in entries if entry.size > max_bytes] == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(records=_records(), pack_bytes=_pack_sizes, max_bytes=_max_sizes)
def test_members_under_a_key_read_back_to_its_lines(
    records: list[bytes], pack_bytes: int, max_bytes: int
) -> None:
    """Each key has members of its own with its lines in their order, within the limit."""
    entries = _pack(records, pack_bytes=pack_bytes, max_bytes=max_bytes, key_field="k")

    for key in map(str, range(5)):
        own = [record for record in records if record.startswith(b'{"k":%b,' % key.encode())]
        found = [entry for entry in entries if entry.key == key]
        assert gzip.decompress(b"".join(entry.data for entry in found)) == _ENVELOPE.lines(own).joined()
        assert all(entry.size <= max_bytes for entry in found)


@pytest.fixture(scope="module")
def small_records(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The benchmark's records of 191 bytes."""
    folder = tmp_path_factory.mktemp("source")
    body = json.loads((folder / source(folder, records=20_000)).read_text())
    return [json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() for each in body]


@pytest.fixture(scope="module")
def small_entries(small_records: list[bytes]) -> list[Entry]:
    """What becomes of them."""
    return _pack(small_records)


def test_members_fill_billed_units(small_records: list[bytes], small_entries: list[Entry]) -> None:
    """A million of the benchmark's records take at most 3,000 units of 25,000 bytes."""
    units = sum(-(-entry.size // 25_000) for entry in small_entries)

    assert units * 1_000_000 <= 3_000 * len(small_records)


def test_few_members_exceed_the_size_aimed_at(small_entries: list[Entry]) -> None:
    """Nearly every one fits into the unit for which its lines were waited for."""
    assert sum(entry.size > _PACK_BYTES for entry in small_entries) <= 0.03 * len(small_entries)


def test_members_adapt_to_records_that_compress_less(small_records: list[bytes]) -> None:
    """After a change of the data those that were already begun are too large, and the following fit again."""
    drawn = random.Random(1)
    entries = _pack([*small_records[:10_000], *(_random_text(drawn, 600) for _ in range(5_000))])
    too_large = [entry for entry in entries if entry.size > _PACK_BYTES]

    assert len(too_large) <= 8 < len(entries) // 10


def test_members_adapt_to_records_that_compress_more() -> None:
    """After a change of the data the units are soon full again."""
    drawn = random.Random(1)
    hard = [_random_text(drawn, 600) for _ in range(2_000)]
    easy = [b'{"n":%d,"v":"%b"}' % (number, b"x" * 200) for number in range(200_000)]
    late = _pack([*hard, *easy])[-50:-1]

    assert min(entry.size for entry in late) > 0.8 * _PACK_BYTES


def test_equal_records_do_not_wait_without_bound() -> None:
    """However well they compress, a member holds no more than would fit without compression."""
    entries = _pack([b'"' + b"x" * 10_000 + b'"'] * 1_000)
    longest = max(len(lines_of_record(entry.data)) for entry in entries)

    assert 0.9 * _MAX_BYTES < longest < _MAX_BYTES


@pytest.mark.parametrize("length", [1, 65_535, 65_536, 1_000_000])
def test_noise_is_stored(length: int) -> None:
    """A member is never larger than a stored one's frame around its lines, also where blocks end."""
    made = member(random.Random(1).randbytes(length))

    assert len(made) <= length + 18 + 5 * -(-length // 65_535)


@pytest.mark.parametrize("length", [1, 65_535, 65_536, 1_000_000])
def test_noise_reads_back(length: int) -> None:
    """What is stored is a member as good as one that is compressed."""
    noise = random.Random(1).randbytes(length)

    assert _members(member(noise)) == [noise]


def test_a_member_of_noise_may_fill_the_longest_record() -> None:
    """What is told of the worst case is enough, to the byte."""
    overhead_bytes = GzipMembers(_PACK_BYTES, _MAX_BYTES).overhead_bytes

    assert len(member(random.Random(1).randbytes(_MAX_BYTES - overhead_bytes))) == _MAX_BYTES


def test_members_have_the_same_bytes_in_every_run(
    small_records: list[bytes], small_entries: list[Entry]
) -> None:
    """No time and no name is in them, and how fast a thread is decides nothing."""
    assert [entry.data for entry in _pack(small_records)] == [entry.data for entry in small_entries]
