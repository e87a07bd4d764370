"""Gzip members of lines: read back by Python's own gzip and zlib, never by the compressor that made them."""

import gzip
import json
import random
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sources import source
from local_aws.servers.stream_records import lines_of_record
from tests.url_fetcher.streams import ORIGIN
from url_fetcher.delivery.envelope import Envelope, Lines
from url_fetcher.delivery.gzip_members import GzipMembers
from url_fetcher.delivery.packing import Entry, KeyedPacker, LinePacker, Packer

_KIB = 1024
_PACK_BYTES = 24 * _KIB
_MAX_BYTES = 1000 * _KIB
_ENVELOPE = Envelope(ORIGIN)


def _packer(pack_bytes: int = _PACK_BYTES, max_bytes: int = _MAX_BYTES) -> LinePacker:
    return LinePacker(GzipMembers(pack_bytes, max_bytes))


def _pack(packer: Packer, records: Sequence[bytes], *, at_a_time: int = 500) -> list[Entry]:
    groups = [records[start : start + at_a_time] for start in range(0, len(records), at_a_time)]
    entries = [entry for group in groups for entry in packer.add(_ENVELOPE.lines(group))]
    return entries + list(packer.flush())


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


@settings(max_examples=100, deadline=None)
@given(records=_records(), pack_bytes=_pack_sizes, max_bytes=_max_sizes, at_a_time=st.integers(1, 100))
def test_members_read_back_to_the_lines(
    records: list[bytes], pack_bytes: int, max_bytes: int, at_a_time: int
) -> None:
    """Whatever the records are, the members in a row are a gzip file of the lines in their order."""
    entries = _pack(_packer(pack_bytes, max_bytes), records, at_a_time=at_a_time)

    assert gzip.decompress(b"".join(entry.data for entry in entries)) == _ENVELOPE.lines(records).data


@settings(max_examples=100, deadline=None)
@given(records=_records(), pack_bytes=_pack_sizes, max_bytes=_max_sizes, at_a_time=st.integers(1, 100))
def test_an_entry_is_one_member_of_its_lines(
    records: list[bytes], pack_bytes: int, max_bytes: int, at_a_time: int
) -> None:
    """No line is cut in two, and an entry says how many it has."""
    entries = _pack(_packer(pack_bytes, max_bytes), records, at_a_time=at_a_time)
    members = [_members(entry.data) for entry in entries]

    assert [[member.count(b"\n"), member[-1:]] for (member,) in members] == [
        [entry.lines, b"\n"] for entry in entries
    ]


@settings(max_examples=100, deadline=None)
@given(records=_records(), pack_bytes=_pack_sizes, max_bytes=_max_sizes, at_a_time=st.integers(1, 100))
def test_no_entry_is_larger_than_the_service_takes(
    records: list[bytes], pack_bytes: int, max_bytes: int, at_a_time: int
) -> None:
    """Whatever was foreseen, the limit holds."""
    entries = _pack(_packer(pack_bytes, max_bytes), records, at_a_time=at_a_time)

    assert [entry.size for entry in entries if entry.size > max_bytes] == []


@settings(max_examples=60, deadline=None)
@given(records=_records(), pack_bytes=_pack_sizes, max_bytes=_max_sizes)
def test_members_under_a_key_read_back_to_its_lines(
    records: list[bytes], pack_bytes: int, max_bytes: int
) -> None:
    """Each key has members of its own with its lines in their order, within the limit."""
    members = GzipMembers(pack_bytes, max_bytes)
    entries = _pack(KeyedPacker("k", members, LinePacker(members)), records)

    for key in map(str, range(5)):
        own = [record for record in records if record.startswith(b'{"k":%b,' % key.encode())]
        found = [entry for entry in entries if entry.key == key]
        assert gzip.decompress(b"".join(entry.data for entry in found)) == _ENVELOPE.lines(own).data
        assert all(entry.size <= max_bytes for entry in found)


@pytest.fixture(scope="module")
def small_records(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The benchmark's records of 191 bytes."""
    folder = tmp_path_factory.mktemp("source")
    body = json.loads((folder / source(folder, records=40_000)).read_text())
    return [json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() for each in body]


def test_members_fill_billed_units(small_records: list[bytes]) -> None:
    """A million of the benchmark's records take at most 3,000 units of 25,000 bytes."""
    entries = _pack(_packer(), small_records)
    units = sum(-(-entry.size // 25_000) for entry in entries)

    assert units * 1_000_000 <= 3_000 * len(small_records)


def test_few_members_exceed_the_size_aimed_at(small_records: list[bytes]) -> None:
    """Nearly every one fits into the unit for which its lines were waited for."""
    entries = _pack(_packer(), small_records)

    assert sum(entry.size > _PACK_BYTES for entry in entries) <= 0.03 * len(entries)


def test_members_adapt_to_records_that_compress_less(small_records: list[bytes]) -> None:
    """After a change of the data one member is too large, and the following fit again."""
    drawn = random.Random(1)
    entries = _pack(_packer(), [*small_records[:10_000], *(_random_text(drawn, 600) for _ in range(5_000))])

    assert sum(entry.size > _PACK_BYTES for entry in entries) <= 3


def test_members_adapt_to_records_that_compress_more() -> None:
    """After a change of the data the units are soon full again."""
    drawn = random.Random(1)
    records = [_random_text(drawn, 600) for _ in range(2_000)]
    packer = _packer()
    _pack(packer, records)
    entries = _pack(packer, [b'{"n":%d,"v":"%b"}' % (number, b"x" * 200) for number in range(200_000)])

    assert min(entry.size for entry in entries[30:-1]) > 0.8 * _PACK_BYTES


def test_equal_records_do_not_wait_without_bound() -> None:
    """However well they compress, a member holds no more than would fit without compression."""
    entries = _pack(_packer(), [b'"' + b"x" * 10_000 + b'"'] * 1_000)
    longest = max(len(lines_of_record(entry.data)) for entry in entries)

    assert 0.9 * _MAX_BYTES < longest < _MAX_BYTES


def _lines(plain: Iterable[bytes]) -> Lines:
    pieces = list(plain)
    ends = [sum(map(len, pieces[: count + 1])) for count in range(len(pieces))]
    return Lines(b"".join(pieces), ends, pieces)


@pytest.mark.parametrize("length", [1, 65_535, 65_536, 1_000_000])
def test_noise_is_stored(length: int) -> None:
    """A member is never larger than its lines with the frame of a stored one, also where blocks end."""
    members = GzipMembers(_PACK_BYTES, _MAX_BYTES)
    noise = random.Random(1).randbytes(length)
    member = members.data([noise])

    assert len(member) <= length + 18 + 5 * -(-length // 65_535)
    assert _members(member) == [noise]


def test_a_member_of_noise_may_fill_the_longest_record() -> None:
    """What is told of the worst case is enough, to the byte."""
    members = GzipMembers(_PACK_BYTES, _MAX_BYTES)
    noise = random.Random(1).randbytes(_MAX_BYTES - members.overhead_bytes)

    assert len(members.data([noise])) == _MAX_BYTES


def test_members_have_the_same_bytes_in_every_run() -> None:
    """No time and no name is in them."""
    entries = [_pack(_packer(), [b'{"a":%d}' % number for number in range(1_000)]) for _ in range(2)]

    assert [entry.data for entry in entries[0]] == [entry.data for entry in entries[1]]
