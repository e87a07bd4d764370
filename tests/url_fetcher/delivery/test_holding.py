"""A page's records, held back in bounded memory."""

import tracemalloc
from collections.abc import Sequence

import pytest

from url_fetcher.delivery.holding import MAX_HELD_BYTES, Holding
from url_fetcher.formats.splitter import Rejected

BAD = Rejected(b"{", "broken", 7)


class _Put:
    """Keeps what is passed on."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.rejected: list[Rejected] = []

    def __call__(self, records: Sequence[bytes], rejected: Sequence[Rejected]) -> None:
        self.records += records
        self.rejected += rejected


def test_nothing_is_passed_on_before_the_page_is_good() -> None:
    """Then everything is, in its order."""
    put = _Put()
    holding = Holding(put)
    holding.add([b"1", b"2"], [BAD])
    holding.add([b"3"], [])
    before = (holding.has_put, list(put.records))
    holding.release()

    assert (before, put.records, put.rejected) == ((False, []), [b"1", b"2", b"3"], [BAD])


@pytest.mark.parametrize("max_bytes", [0, 200])
def test_a_larger_page_is_passed_on_while_it_is_read(max_bytes: int) -> None:
    """From the record on that goes over the limit, and without a limit from the first on."""
    put = _Put()
    holding = Holding(put, max_bytes=max_bytes)
    holding.add([b"1"], [])
    first = len(put.records)
    holding.add([b"2"], [])
    holding.add([b"3"], [])

    assert (first, put.records, holding.has_put) == (0 if max_bytes else 1, [b"1", b"2", b"3"], True)


def test_tiny_records_are_held_in_bounded_memory() -> None:
    """What a record takes beside its bytes counts, too."""
    put = _Put()
    holding = Holding(put)
    tracemalloc.start()
    while not holding.has_put:
        holding.add([b"%d" % number for number in range(1_000, 1_100)], [])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2 * MAX_HELD_BYTES
