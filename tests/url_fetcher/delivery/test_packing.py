import json
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from url_fetcher.delivery.envelope import Envelope, Lines, Origin
from url_fetcher.delivery.packing import MAX_LINES, Entry, KeyedPacker, LinePacker, Packer, SinglePacker

_ENVELOPE = Envelope(Origin("https://example.com/", "t", "example"))


def _lines(records: Sequence[bytes]) -> Lines:
    return _ENVELOPE.lines(records)


def _pack(packer: Packer, groups: Iterable[Sequence[bytes]]) -> list[Entry]:
    entries = [entry for group in groups for entry in packer.add(_lines(group))]
    return entries + list(packer.flush())


def _records(lengths: Iterable[int]) -> list[bytes]:
    return [b'"%b%d"' % (b"x" * length, number) for number, length in enumerate(lengths)]


_groups = st.lists(st.lists(st.integers(0, 600), max_size=30).map(_records), max_size=5)


@settings(max_examples=60, deadline=None)
@given(groups=_groups)
def test_packs_hold_every_line_in_order(groups: list[list[bytes]]) -> None:
    """Joined again, the packs are the lines as they came."""
    entries = _pack(LinePacker(1_000), groups)

    assert b"".join(entry.data for entry in entries) == b"".join(_lines(group).data for group in groups)


@settings(max_examples=60, deadline=None)
@given(groups=_groups)
def test_packs_count_their_lines(groups: list[list[bytes]]) -> None:
    """What a pack says of its lines and its size is what it holds."""
    entries = _pack(LinePacker(1_000), groups)

    assert [(entry.lines, entry.size) for entry in entries] == [
        (entry.data.count(b"\n"), len(entry.data) + len(entry.key)) for entry in entries
    ]


@settings(max_examples=60, deadline=None)
@given(groups=_groups)
def test_only_a_single_line_exceeds_the_size(groups: list[list[bytes]]) -> None:
    """A pack above the size aimed at is one long line."""
    entries = _pack(LinePacker(600), groups)

    assert all(entry.size <= 600 or entry.lines == 1 for entry in entries)


def test_packs_are_full() -> None:
    """No pack is closed while the next line would fit."""
    entries = _pack(LinePacker(5_000), [_records([80] * 7)] * 30)

    assert all(entry.size > 5_000 - 250 for entry in entries[:-1])


def test_a_pack_has_at_most_500_lines() -> None:
    """Firehose deaggregates no more."""
    entries = _pack(LinePacker(1_000_000), [_records([0] * 1_100)])

    assert [entry.lines for entry in entries] == [MAX_LINES, MAX_LINES, 100]


def test_without_packing_each_line_is_an_entry() -> None:
    """One line, one record of the stream."""
    assert [entry.lines for entry in _pack(SinglePacker(), [_records([1, 2, 3])])] == [1, 1, 1]


@pytest.mark.parametrize("packer", [LinePacker(200), SinglePacker()])
def test_random_keys_differ(packer: Packer) -> None:
    """Keys are spread, so that shards are."""
    entries = _pack(packer, [_records([1] * 100)])

    assert len({entry.key for entry in entries}) > 0.9 * len(entries)


def _keys_of(entry: Entry) -> set[object]:
    return {json.loads(line)["data"].get("k") for line in entry.data.splitlines()}


def test_lines_with_one_key_share_packs() -> None:
    """Under a field's value lie only records that have it, and no pack is needed twice."""
    records = [b'{"k":"%d","n":%d}' % (number % 3, number) for number in range(30)]

    entries = _pack(KeyedPacker("k", 25_600), [records])

    assert [(entry.key, _keys_of(entry)) for entry in entries] == [
        (str(number), {str(number)}) for number in range(3)
    ]


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (b'{"k":"a\\u00e9"}', "aé"),
        (b'{"k":17}', "17"),
        (b'{"k":{"a":1}}', '{"a":1}'),
        (b'{"x":1,"k":true}', "true"),
    ],
)
def test_a_key_is_the_fields_text(record: bytes, key: str) -> None:
    """A string is its own key, other values are their JSON text."""
    assert [entry.key for entry in _pack(KeyedPacker("k", 25_600), [[record]])] == [key]


@pytest.mark.parametrize("record", [b'{"a":1}', b'{"k":null}', b'{"k":""}', b"[1]", b"7", b'{"k":"\\ud800"}'])
def test_a_record_without_the_field_gets_a_random_key(record: bytes) -> None:
    """Without a usable value the key is as random as without the setting."""
    entries = _pack(KeyedPacker("k", 25_600), [[record]])

    assert [len(entry.key) for entry in entries] == [8]


def test_a_long_key_is_hashed() -> None:
    """Kinesis takes 256 characters; a longer value is one and the same hash."""
    entries = _pack(KeyedPacker("k", 25_600), [[b'{"k":"%b"}' % (b"x" * 257)]] * 2)

    assert [len(entry.key) for entry in entries] == [32]


def test_many_keys_do_not_wait_without_bound() -> None:
    """When 4 MiB of lines wait under keys, they go."""
    packer = KeyedPacker("k", 25_600)
    records = [b'{"k":%d,"v":"%b"}' % (number, b"x" * 5_000) for number in range(1_000)]

    assert len(list(packer.add(_lines(records)))) > 500
