"""Spans of time: each is asked for once, one behind the other, up to now."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import ConfigurationError, LimitExceeded, SourceRejected
from url_fetcher.source.pages.windows import Window, Windows

NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW - timedelta(days=10)
WINDOWS = {"from_parameter": "from", "to_parameter": "to", "start": f"{START:%Y-%m-%dT%H:%M:%SZ}", "days": 4}
TIMES = [START + timedelta(days=day) for day in range(10)]
SIZE = 3


def _read(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def by_time(*, fail_at: int = 0) -> Behaviour:
    """Records by their time, of a span of at most 4 days, its end excluded, in pages by offset."""
    asked = []

    def behave(connection: Connection, request: Request) -> None:
        asked.append(request)
        start, end = (_read(request.query[name]) for name in ("from", "to"))
        assert end - start <= timedelta(days=4)
        if len(asked) == fail_at:
            answer(b"", status=410)(connection, request)
            return
        found = [day for day, time in enumerate(TIMES) if start <= time < end]
        offset = int(request.query.get("offset", 0))
        page = {"items": found[offset : offset + SIZE], "total": len(found)}
        answer(json.dumps(page).encode())(connection, request)

    return behave


def settings(url: str) -> dict[str, Any]:
    """A source in windows, whose pages have offsets."""
    pagination = {"kind": "offset", "total_path": "total", "size": SIZE}
    return {"url": url, "record_path": "items", "windows": WINDOWS, "pagination": pagination}


def test_every_window_is_paged_to_its_end(hostile: Hostile, stream: Stream) -> None:
    """No record is missed between two windows, none comes twice where the end is excluded."""
    source = hostile({"/": by_time()})
    invoke(stream, settings(source.url("/")))

    assert [line["data"] for line in stream.lines] == list(range(10))


def test_the_end_of_one_window_is_the_start_of_the_next(hostile: Hostile, stream: Stream) -> None:
    """The first begins with ``start``, the last ends with now."""
    source = hostile({"/": answer(b'{"items": [], "total": 0}')})
    began = datetime.now(UTC).replace(microsecond=0)
    invoke(stream, settings(source.url("/")))
    spans = [(_read(request.query["from"]), _read(request.query["to"])) for request in source.requests]

    assert [spans[0][0], *(end for _, end in spans[:-1])] == [start for start, _ in spans]
    assert (spans[0][0], timedelta() <= spans[-1][1] - began < timedelta(minutes=1)) == (START, True)


def test_windows_with_the_same_records_are_no_loop(hostile: Hostile, stream: Stream) -> None:
    """The guard against a repeated page begins anew in each window."""

    def behave(connection: Connection, request: Request) -> None:
        items = [] if int(request.query["page"]) > 1 else ["the same"]
        answer(json.dumps({"items": items}).encode())(connection, request)

    event = settings(hostile({"/": behave}).url("/")) | {"pagination": {"kind": "page"}}
    invoke(stream, event)

    assert [line["data"] for line in stream.lines] == ["the same"] * 3


@pytest.mark.parametrize("fail_at", [2, 3, 4, 5])
def test_a_window_goes_on_after_an_error(hostile: Hostile, stream: Stream, fail_at: int) -> None:
    """The error's ``resume`` names the page within the window, and the windows behind it follow."""
    event = settings(hostile({"/": by_time(fail_at=fail_at)}).url("/"))
    with pytest.raises(SourceRejected) as caught:
        invoke(stream, event)
    invoke(stream, event | {"resume": json.loads(str(caught.value.details["resume"]))})

    assert [line["data"] for line in stream.lines] == list(range(10))


def test_windows_need_no_pagination(hostile: Hostile, stream: Stream) -> None:
    """A window may be one page; one that fails is where to go on."""
    asked: list[Request] = []

    def behave(connection: Connection, request: Request) -> None:
        asked.append(request)
        body = json.dumps({"items": [len(asked)]}).encode()
        answer(body if len(asked) != 2 else b"", status=200 if len(asked) != 2 else 410)(connection, request)

    event = settings(hostile({"/": behave}).url("/")) | {"pagination": {"kind": "none"}}
    with pytest.raises(SourceRejected) as caught:
        invoke(stream, event)
    invoke(stream, event | {"resume": json.loads(str(caught.value.details["resume"]))})

    assert [line["data"] for line in stream.lines] == [1, 3, 4]


def test_the_pages_of_all_windows_count(hostile: Hostile, stream: Stream) -> None:
    """max_pages is for the whole source."""
    event = settings(hostile({"/": by_time()}).url("/"))
    event["pagination"] |= {"max_pages": 2}

    with pytest.raises(LimitExceeded, match="max_pages = 2"):
        invoke(stream, event)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("rfc3339", "2024-02-29T23:00:01Z"),
        ("rfc3339_ms", "2024-02-29T23:00:01.000Z"),
        ("date", "2024-02-29"),
        ("epoch", "1709247601"),
        ("epoch_ms", "1709247601000"),
    ],
)
def test_a_bound_is_written_in_each_form(form: str, written: str) -> None:
    """Always in UTC."""
    windows = msgspec.convert(WINDOWS | {"format": form}, Windows)
    start = datetime(2024, 2, 29, 23, 0, 1, tzinfo=UTC)

    url = windows.applied("https://a.test/?from=x&q=1", Window(start, start))

    assert url == f"https://a.test/?q=1&from={written.replace(':', '%3A')}&to={written.replace(':', '%3A')}"


@pytest.mark.parametrize(
    ("form", "until"),
    [
        ("rfc3339", "2024-02-29T23:59:59Z"),
        ("rfc3339_ms", "2024-02-29T23:59:59.999Z"),
        ("date", "2024-02-29"),
        ("epoch", 1_709_251_199),
        ("epoch_ms", 1_709_251_199_999),
    ],
)
def test_an_end_that_the_source_includes_is_the_moment_before(form: str, until: object) -> None:
    """In the unit of the form, so that neither a moment comes twice nor one is missed; the start stays."""
    windows = msgspec.convert(WINDOWS | {"format": form, "includes_end": True}, Windows)
    whole = msgspec.convert(WINDOWS | {"format": form}, Windows)
    window = Window(datetime(2024, 2, 28, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))

    assert windows.values(window) == {"since": whole.values(window)["since"], "until": until}


def test_windows_are_shorter_than_a_day_and_go_beyond_now(hostile: Hostile, stream: Stream) -> None:
    """They tile the time from the start to so many days ahead."""
    source = hostile({"/": answer(b"[]")})
    start = NOW - timedelta(hours=3)
    hours = {"seconds": 43_200, "days_ahead": 1, "start": f"{start:%Y-%m-%dT%H:%M:%SZ}"}
    windows = {key: value for key, value in WINDOWS.items() if key != "days"} | hours
    invoke(stream, {"url": source.url("/"), "windows": windows})
    spans = [(_read(request.query["from"]), _read(request.query["to"])) for request in source.requests]

    assert [spans[0][0], *(end for _, end in spans[:-1])] == [start for start, _ in spans]
    assert [(end - start) // timedelta(hours=1) for start, end in spans] == [12, 12, 3]


def test_windows_in_the_future_have_a_start_there() -> None:
    """A forecast may begin after now, if the windows end after that."""
    start = NOW + timedelta(days=2)
    windows = msgspec.convert(WINDOWS | {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "days_ahead": 3}, Windows)

    assert windows.first(None, windows.last_moment(NOW)) == Window(start, NOW + timedelta(days=3))


@given(
    start=st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 30)),
    days=st.integers(1, 3_650),
    lasting=st.timedeltas(timedelta(seconds=1), timedelta(days=9_000)),
)
def test_windows_tile_the_time_until_now(start: datetime, days: int, lasting: timedelta) -> None:
    """Whatever the bounds are, there is no gap, no overlap and no window that is too long."""
    start = start.replace(microsecond=0, tzinfo=UTC)
    lasting = min(timedelta(seconds=lasting.total_seconds() // 1), datetime.max.replace(tzinfo=UTC) - start)
    now = (start + lasting).replace(microsecond=0)
    windows = Windows(
        from_parameter="a",
        to_parameter="b",
        start=f"{start.replace(tzinfo=None).isoformat()}Z",
        days=days,
    )
    found = [windows.first(None, now)]
    while following := windows.following(found[-1], now):
        found.append(following)

    assert [found[0].start, *(each.end for each in found)] == [*(each.start for each in found), now]
    assert found[0].start == start
    assert all(timedelta() < each.end - each.start <= timedelta(days=days) for each in found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": "2024-01-01"}, "must be a time in UTC such as 2024-01-31T00:00:00Z"),
        ({"start": "2024-02-30T00:00:00Z"}, "'2024-02-30T00:00:00Z' is no time"),
        ({"start": "9999-12-31T23:59:59Z"}, "is in the future"),
        ({"days": 0}, "days: Expected `int` >= 1"),
        ({"seconds": 60}, "exactly one of `days` and `seconds`"),
        ({"days": None}, "exactly one of `days` and `seconds`"),
        ({"days": None, "seconds": 60, "format": "date"}, "set `days` instead of `seconds`"),
        ({"from_parameter": ""}, "needs `from_parameter` and `to_parameter`"),
        ({"to_parameter": "from"}, "are the same"),
        ({"format": "%Y"}, "format"),
    ],
)
def test_windows_that_cannot_work_are_refused(stream: Stream, change: dict[str, Any], words: str) -> None:
    """With the field, its value and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        invoke(stream, settings("http://127.0.0.1:1/") | {"windows": WINDOWS | change})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    "resume",
    [
        {"offset": 3},
        {"window": ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]},
        {"window": [WINDOWS["start"], "9999-01-01T00:00:00Z"]},
        {"window": [WINDOWS["start"], WINDOWS["start"]]},
        {"window": ["now", "then"]},
        {"window": [WINDOWS["start"]]},
    ],
)
def test_a_resume_of_another_window_is_refused(stream: Stream, resume: dict[str, Any]) -> None:
    """A window that the source does not have, and a page without its window."""
    with pytest.raises(ConfigurationError, match="resume"):
        invoke(stream, settings("http://127.0.0.1:1/") | {"resume": resume})
