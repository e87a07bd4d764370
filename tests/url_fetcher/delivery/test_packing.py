import json
import re
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128_hexdigest

from url_fetcher.delivery.envelope import Envelope, Lines, Origin
from url_fetcher.delivery.packing import (
    MAX_LINES,
    Entry,
    KeyedPacker,
    LinePacker,
    Packer,
    Plain,
    SinglePacker,
)

_ENVELOPE = Envelope(Origin("https://example.com/", "t", "example"))


def _lines(records: Sequence[bytes]) -> Lines:
    return _ENVELOPE.lines(records)


def _pack(packer: Packer, groups: Iterable[Sequence[bytes]]) -> list[Entry]:
    entries = [entry for group in groups for entry in packer.add(_lines(group))]
    return entries + list(packer.flush())


def _keyed_packer(pack_bytes: int) -> KeyedPacker:
    form = Plain(pack_bytes)
    return KeyedPacker("k", form, LinePacker(form))


def _records(lengths: Iterable[int]) -> list[bytes]:
    return [b'"%b%d"' % (b"x" * length, number) for number, length in enumerate(lengths)]


def _each(groups: Iterable[Sequence[bytes]]) -> list[bytes]:
    return [line for group in groups for line in _lines(group).joined().splitlines(keepends=True)]


def _greedy(lines: Iterable[bytes], max_bytes: int) -> list[bytes]:
    """The packs as they should be: a line begins another one only if it does not fit."""
    packs: list[bytes] = []
    for line in lines:
        if packs and len(packs[-1]) + len(line) <= max_bytes and packs[-1].count(b"\n") < MAX_LINES:
            packs[-1] += line
        else:
            packs.append(line)
    return packs


_groups = st.lists(st.lists(st.integers(0, 600), max_size=30).map(_records), max_size=5)
_RANDOM_KEY = re.compile("[0-9a-f]{8}")


@settings(max_examples=60, deadline=None)
@given(groups=_groups)
def test_packs_hold_every_line_in_order_and_are_full(groups: list[list[bytes]]) -> None:
    """Lines go together until the next one would exceed the size, to which the key's 8 bytes belong."""
    entries = _pack(LinePacker(Plain(1_000)), groups)

    assert [entry.data for entry in entries] == _greedy(_each(groups), 992)


@pytest.mark.parametrize(("spare_bytes", "packs"), [(0, 1), (-1, 2)])
def test_a_pack_may_be_filled_to_the_last_byte(spare_bytes: int, packs: int) -> None:
    """The size aimed at is still allowed, also when a line waited for the next ones."""
    groups = [_records([100]), _records([200, 300])]
    whole = sum(len(_lines(group).joined()) for group in groups) + 8

    assert len(_pack(LinePacker(Plain(whole + spare_bytes)), groups)) == packs


@pytest.mark.parametrize(("spare_bytes", "packs"), [(0, [2, 2, 2]), (-1, [1] * 6)])
def test_packs_after_the_first_are_as_full(spare_bytes: int, packs: list[int]) -> None:
    """What was given out takes no room of what follows, and leaves none."""
    record = _records([100])
    two = 2 * len(_lines(record).joined()) + 8

    assert [entry.lines for entry in _pack(LinePacker(Plain(two + spare_bytes)), [record] * 6)] == packs


@settings(max_examples=60, deadline=None)
@given(groups=_groups)
def test_packs_count_their_lines(groups: list[list[bytes]]) -> None:
    """What a pack says of its lines and its size is what it holds."""
    entries = _pack(LinePacker(Plain(1_000)), groups)

    assert [(entry.lines, entry.size) for entry in entries] == [
        (pack.count(b"\n"), len(pack) + 8) for pack in _greedy(_each(groups), 992)
    ]


def test_a_line_longer_than_a_pack_is_one_of_its_own() -> None:
    """It is not cut, and its neighbours do not share its pack."""
    assert [entry.lines for entry in _pack(LinePacker(Plain(600)), [_records([1, 1, 900, 1, 1])])] == [
        2,
        1,
        2,
    ]


@pytest.mark.parametrize("groups", [[_records([0] * 1_100)], [_records([0] * 275)] * 4])
def test_a_pack_has_at_most_500_lines(groups: list[list[bytes]]) -> None:
    """Firehose deaggregates no more, and what waited counts."""
    assert [entry.lines for entry in _pack(LinePacker(Plain(1_000_000)), groups)] == [500, 500, 100]


def test_without_packing_each_line_is_an_entry() -> None:
    """One line, one record of the stream."""
    groups = [_records([1, 2, 3])]
    entries = _pack(SinglePacker(), groups)

    assert [(entry.data, entry.lines) for entry in entries] == [(line, 1) for line in _each(groups)]


@pytest.mark.parametrize("packer", [LinePacker(Plain(9)), SinglePacker()])
def test_random_keys_differ(packer: Packer) -> None:
    """Keys are spread, so that shards are."""
    keys = [entry.key for entry in _pack(packer, [_records([1] * 100)])]

    assert len({key for key in keys if _RANDOM_KEY.fullmatch(key)}) > 90


def test_an_entrys_size_is_that_of_its_bytes() -> None:
    """Kinesis counts the key too, and what it has beside ASCII in UTF-8."""
    assert [Entry(b"1234", key, 1).size for key in ("ab", "é")] == [6, 6]


def test_an_entry_has_not_been_refused_yet() -> None:
    """Refusals are counted from zero on."""
    assert Entry(b"1", "a", 1).refusals == 0


def _keys_of(entry: Entry) -> set[object]:
    return {json.loads(line)["data"].get("k") for line in entry.data.splitlines()}


def test_lines_with_one_key_share_packs() -> None:
    """Under a field's value lie only records that have it, and no pack is needed twice."""
    records = [b'{"k":"%d","n":%d}' % (number % 3, number) for number in range(30)]

    entries = _pack(_keyed_packer(25_600), [records])

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
    assert [entry.key for entry in _pack(_keyed_packer(25_600), [[record]])] == [key]


@pytest.mark.parametrize(
    "record",
    [
        *(b'{"a":1}', b'{"k":null}', b'{"k":""}', b"[1]", b"7", b'{"k":"\\ud800"}'),
        pytest.param(b'{"k":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="nested too deeply"),
    ],
)
def test_a_record_without_the_field_gets_a_random_key(record: bytes) -> None:
    """Without a usable value the key is as random as without the setting."""
    (entry,) = _pack(_keyed_packer(25_600), [[record]])

    assert _RANDOM_KEY.fullmatch(entry.key)


def test_records_without_the_field_share_packs() -> None:
    """They are packed as if there were no setting."""
    assert [entry.lines for entry in _pack(_keyed_packer(25_600), [[b"1", b"2"], [b"3"]])] == [3]


@pytest.mark.parametrize("record", [b'{"k":1}', b"1"], ids=["with a key", "without"])
def test_a_pack_of_one_byte_is_no_packing(record: bytes) -> None:
    """With or without the field, each line is an entry."""
    assert [entry.lines for entry in _pack(_keyed_packer(1), [[record] * 3])] == [1, 1, 1]


def _keyed(key: int, length: int) -> bytes:
    return b'{"k":%d,"v":"%b"}' % (key, b"x" * length)


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 600)), max_size=60))
def test_packs_under_a_key_hold_every_line_in_order_and_are_full(sizes: list[tuple[int, int]]) -> None:
    """Each key has packs of its own, and its bytes belong to their size."""
    records = [_keyed(key, length) for key, length in sizes]
    entries = _pack(_keyed_packer(1_000), [records[:30], records[30:]])

    for key in ("0", "1"):
        own = [record for record in records if record.startswith(b'{"k":%b' % key.encode())]
        assert [entry.data for entry in entries if entry.key == key] == _greedy(_each([own]), 999)


@pytest.mark.parametrize(("spare_bytes", "packs"), [(0, 1), (-1, 2)])
def test_a_pack_under_a_key_may_be_filled_to_the_last_byte(spare_bytes: int, packs: int) -> None:
    """The size aimed at is still allowed; the key's two bytes of UTF-8 belong to it."""
    records = ['{"k":"é"}'.encode()] * 3
    whole = len(_lines(records).joined()) + 2

    assert len(_pack(_keyed_packer(whole + spare_bytes), [records])) == packs


def test_a_pack_under_a_key_has_at_most_500_lines() -> None:
    """The limit of Firehose is one of every pack."""
    entries = _pack(_keyed_packer(1_000_000), [[b'{"k":1}'] * 1_100])

    assert [entry.lines for entry in entries] == [500, 500, 100]


def test_a_key_may_have_256_characters() -> None:
    """Kinesis takes so many."""
    assert [entry.key for entry in _pack(_keyed_packer(25_600), [[b'{"k":"%b"}' % (b"x" * 256)]])] == [
        "x" * 256
    ]


def test_a_longer_key_is_hashed() -> None:
    """One value is one and the same hash in every run, another value another one."""
    records = [b'{"k":"%b"}' % (letter * 257) for letter in (b"x", b"y", b"x")]
    entries = _pack(_keyed_packer(25_600), [records])

    assert [(entry.key, entry.lines) for entry in entries] == [
        (xxh3_128_hexdigest(b"x" * 257), 2),
        (xxh3_128_hexdigest(b"y" * 257), 1),
    ]


_MIB = 1024 * 1024


def _lines_of_a_mib(*, more: int = 0) -> Lines:
    """Four lines under four keys, of 4 MiB in all and some bytes more."""
    added = _lines([_keyed(0, 0)]).size
    return _lines([_keyed(number, _MIB - added + (more if number == 3 else 0)) for number in range(4)])


def test_many_keys_do_not_wait_without_bound() -> None:
    """When more than 4 MiB of lines wait under keys, they all go."""
    entries = _keyed_packer(25_600).add(_lines_of_a_mib(more=1))

    assert [entry.key for entry in entries] == ["0", "1", "2", "3"]


def test_lines_of_4_mib_may_wait() -> None:
    """They leave room for packs to fill, also after others went."""
    packer = _keyed_packer(25_600)
    list(packer.add(_lines_of_a_mib(more=1)))

    assert list(packer.add(_lines_of_a_mib())) == []
