"""When a request is tried again, and how long that waits."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from url_fetcher.http.moments import seconds_until
from url_fetcher.http.retry import asked_seconds, delay_seconds, is_retried

NOW = datetime(2026, 11, 23, 1, 18, 8, tzinfo=UTC)


def asked(header: str) -> float | None:
    """The seconds that a header means at that time."""
    return seconds_until(header, lambda: NOW)


def test_these_statuses_are_tried_again() -> None:
    """An answer that is not ready, too many requests, and errors of the server but those that stay."""
    retried = [status for status in range(200, 600) if is_retried(status)]

    assert retried == [202, 408, 425, 429, 500, *(502, 503, 504), *range(506, 600)]


TIMES = {
    "0": 0.0,
    "7": 7.0,
    " 7 ": 7.0,
    "2.5": 2.5,
    "9" * 400: 1e9,
    "1795396778": 90.0,
    "1795396778000": 90.0,
    "1795396778.5": 90.5,
    format_datetime(NOW + timedelta(seconds=90), usegmt=True): 90.0,
    "Mon, 23 Nov 2026 03:18:38 +0200": 30.0,
    "Mon, 23 Nov 2026 01:18:38 -0000": 30.0,
    "Monday, 23-Nov-26 01:18:38 GMT": 30.0,
    "Mon Nov 23 01:18:38 2026": 30.0,
    "Mon Nov 23 2026 01:18:38 GMT+0000 (Coordinated Universal Time)": 30.0,
    "Mon Nov 23 2026 03:18:38 GMT+0200 (Central European Summer Time)": 30.0,
    format_datetime(NOW - timedelta(seconds=90), usegmt=True): 0.0,
    "2026-11-23T01:18:38Z": 30.0,
    "2026-11-23t01:18:38.25z": 30.25,
    "2026-11-23T03:18:38+02:00": 30.0,
    "2026-11-23T01:19Z": 52.0,
    "2026-11-23 01:18:38": 30.0,
    "2026-11-23 01:18:38 UTC": 30.0,
    "2026-11-23 03:18:38 +0200 CEST": 30.0,
    "2026-11-23T01:18:07Z": 0.0,
    "30s": 30.0,
    "1.5s": 1.5,
    "1m30s": 90.0,
    "6m0s": 360.0,
    "250ms": 0.25,
    "1h2m": 3720.0,
    "1d": 86_400.0,
    "30 seconds": 30.0,
    "1 minute": 60.0,
    "999999999999d": 1e9,
}


@pytest.mark.parametrize(("header", "seconds"), TIMES.items())
def test_a_time_is_read_in_every_spelling(header: str, seconds: float) -> None:
    """Seconds, epochs, spans, and dates; a date without a zone is UTC, one that has passed is 0 seconds."""
    assert asked(header) == seconds


@pytest.mark.parametrize(
    "header",
    [
        *("", "soon", "-1", "²", "5x", "1m30", "s", "1,5", "NaN", "inf", "1e9", "30s ago", "9" * 99 + "s"),
        "Mon, 99 Nov 2026 01:18:38 GMT",
        "Mon, 23 Nov 2026 01:18:38 +9999",
        "Mon, 23 Nov 2026 01:18:38 +99999999999",
        "2026-13-01T00:00:00Z",
    ],
)
def test_other_text_is_no_time(header: str) -> None:
    """A header that cannot be read is no reason to fail."""
    assert asked(header) is None


def test_a_date_is_compared_with_the_clock() -> None:
    """Without a clock of the caller's it is the system's, whatever its zone."""
    east = datetime.now(timezone(timedelta(hours=9))) + timedelta(days=1)
    seconds = asked_seconds(503, {"Retry-After": format_datetime(east)})

    assert seconds is not None
    assert 80_000 < seconds <= 86_400


@pytest.mark.parametrize(
    ("failures", "cap_seconds"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 20.0), (10_000, 20.0)],
)
def test_the_cap_of_a_delay_doubles_up_to_the_settings(failures: int, cap_seconds: float) -> None:
    """From half a second on, and however many tries have failed."""
    delay = delay_seconds(failures, asked_seconds=None, max_delay_seconds=20, random_=lambda: 1.0)

    assert delay == cap_seconds


def test_doubling_ends_at_a_number_that_can_be_computed() -> None:
    """Thirty doublings are seventeen years; a thousand would be no float."""
    delay = delay_seconds(10_000, asked_seconds=None, max_delay_seconds=float("inf"), random_=lambda: 1.0)

    assert delay == 0.5 * 2**30


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 0.0), (0.25, 0.5), (0.999, 1.998)])
def test_a_delay_is_drawn_from_nothing_to_its_cap(drawn: float, seconds: float) -> None:
    """Full jitter: those that failed together do not come back together."""
    delay = delay_seconds(3, asked_seconds=None, max_delay_seconds=20, random_=lambda: drawn)

    assert delay == pytest.approx(seconds)


def test_delays_differ_without_a_generator_of_the_callers() -> None:
    """The jitter is random by default."""
    delays = {delay_seconds(9, asked_seconds=None, max_delay_seconds=20) for _ in range(20)}

    assert len(delays) > 1


@pytest.mark.parametrize("asked_for", [3.0, 3_600.0])
def test_a_longer_wait_that_the_source_asks_for_is_honoured(asked_for: float) -> None:
    """Also above the maximum; nothing is added at random."""
    assert delay_seconds(1, asked_seconds=asked_for, max_delay_seconds=20) == asked_for


@pytest.mark.parametrize("asked_for", [None, 0.0, 0.001])
def test_a_shorter_wait_than_the_back_off_is_not_enough(asked_for: float | None) -> None:
    """A source that asks for no wait would otherwise get all attempts at once."""
    delay = delay_seconds(3, asked_seconds=asked_for, max_delay_seconds=20, random_=lambda: 0.5)

    assert delay == 1.0
