"""That the comparison of lake and source misses nothing that is missing, wrong or twice."""

import gzip
from typing import Any

import pytest

from local_aws.demo.lake import Comparison, Lake, compare, compare_count
from local_aws.emulator.instance import Emulator


def line(data: str, id_: str = "1") -> bytes:
    """A record line around ``data``."""
    return b'{"timestamp":"2026-11-23T01:18:08.129Z","sourceUrl":"https://x","id":"%s","data":%s}' % (
        id_.encode(),
        data.encode(),
    )


def test_equal_content_is_complete() -> None:
    """Every record once, whatever the order."""
    result = compare([b'{"a":1}', b"2"], [line("2"), line('{"a":1}')])

    assert (result.is_complete, result.duplicates) == (True, 0)


def test_one_missing_record_is_found() -> None:
    """A single record that is in no line makes it incomplete and is named."""
    result = compare([b"1", b"2"], [line("1")])

    assert (result.is_complete, result.missing) == (False, [b"2"])


@pytest.mark.parametrize("stored", ["1", "1.00", '{"a": 1.0}', '{"a":1}'])
def test_a_reserialized_record_is_missing(stored: str) -> None:
    """Equal values in other bytes are not the source's record."""
    result = compare([b'{"a":1.0}', b"1.0"], [line(stored)])

    assert (len(result.missing), len(result.unknown)) == (2, 1)


def test_a_record_that_the_source_has_twice_must_be_there_twice() -> None:
    """Equal records count each for itself."""
    result = compare([b"1", b"1"], [line("1")])

    assert result.missing == [b"1"]


def test_a_duplicate_with_the_same_id_is_counted_and_allowed() -> None:
    """At-least-once delivery is complete, and said."""
    result = compare([b"1"], [line("1"), line("1")])

    assert (result.is_complete, result.duplicates) == (True, 1)


def test_a_duplicate_with_another_id_is_wrong() -> None:
    """A reader could not drop it."""
    result = compare([b"1"], [line("1", "a"), line("1", "b")])

    assert (result.is_complete, result.differing_ids) == (False, 1)


@pytest.mark.parametrize("broken", [b"", b"null", b"{}", b"not json", line("1")[:-5], b"\xff"])
def test_what_is_no_record_line_is_wrong(broken: bytes) -> None:
    """Half a line, other JSON or rubbish makes it incomplete even if all records are there."""
    result = compare([b"1"], [line("1"), broken])

    assert result.unknown == [broken]


@pytest.mark.parametrize(
    ("expected", "lines", "missing", "duplicates"), [(2, 2, 0, 0), (3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 1, 0)]
)
def test_without_known_records_their_number_is_compared(
    expected: int, lines: int, missing: int, duplicates: int
) -> None:
    """For any other source the function's own count is what the lake must hold."""
    result = compare_count(expected, [line(str(n)) for n in range(lines)])

    assert (len(result.missing), result.duplicates) == (missing, duplicates)


LETTER = (
    b'{"timestamp":"t","sourceUrl":"u","id":null,"reason":"is over max_record_kib","offset":0,'
    b'"data":"{","truncated":true,"totalBytes":2000000}'
)


@pytest.mark.parametrize(("told", "there", "missing"), [(1, 1, 0), (2, 1, 1), (0, 0, 0)])
def test_a_dead_letter_is_accounted_for(told: int, there: int, missing: int) -> None:
    """It is no record and no rubbish; one that the function tells of and that is nowhere is missing."""
    result = compare_count(1, [line("1"), *[LETTER] * there], told)

    assert (len(result.missing), result.unknown, len(result.dead_letters)) == (missing, [], there)
    assert result.is_complete == (not missing)


def test_the_lake_reads_every_object_once_plain_or_gzip(aws: Emulator) -> None:
    """Lines come back as stored, across more objects than one listing holds is not shown."""
    s3: Any = aws.client("s3")
    s3.create_bucket(Bucket="read-lake")
    s3.put_object(Bucket="read-lake", Key="b", Body=gzip.compress(b"3\n4\x0c\x85\n"))
    s3.put_object(Bucket="read-lake", Key="a", Body=b"1\n2\n")
    lake = Lake(s3, "read-lake")
    lake.look()
    lake.look()

    assert lake.lines == [b"1", b"2", b"3", b"4\x0c\x85"]


def test_nothing_at_all_is_not_complete() -> None:
    """An empty lake cannot pass for a full one."""
    assert not compare([b"1"], []).is_complete
    assert Comparison(expected=0).is_complete
