"""Which objects belong to a span of time."""

from datetime import UTC, datetime

import pytest

from tools.operate.replay.listing import Span, instant

TEN = "errors/processing-failed/year=2026/month=11/day=23/hour=10/x"
WRITTEN = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (None, None, True),
        ("2026-11-23", "2026-11-24", True),
        ("2026-11-23T10:30", None, True),
        ("2026-11-23T11:00", None, False),
        (None, "2026-11-23T10:00", False),
        (None, "2026-11-23T10:01", True),
        ("2026-11-23T12:00+02:00", "2026-11-23T13:00+02:00", True),
    ],
)
def test_an_object_belongs_to_the_hour_of_its_key(start: str | None, end: str | None, is_in: bool) -> None:
    """It may have records of any minute of that hour; `end` itself is outside."""
    span = Span(instant(start) if start else None, instant(end) if end else None)

    assert span.has(TEN, WRITTEN) is is_in


@pytest.mark.parametrize("key", ["errors/x", "errors/year=2026/month=99/day=23/hour=10/x"])
@pytest.mark.parametrize(("start", "is_in"), [("2026-11-25", True), ("2026-11-25T00:00:01", False)])
def test_one_without_an_hour_counts_by_when_it_was_written(key: str, start: str, is_in: bool) -> None:
    """Somebody may have put it there."""
    assert Span(instant(start)).has(key, WRITTEN) is is_in


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    """A span that is guessed might replay everything."""
    with pytest.raises(ValueError, match=r"Invalid isoformat|month must be"):
        instant(text)
