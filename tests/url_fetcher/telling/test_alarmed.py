"""What the alarms are told: counts by service alone, of what does not come again."""

from typing import Any

import pytest

from local_aws.servers.hostile_source import answer
from tests.url_fetcher.invoking import Stream, invoke, lines_of
from tests.url_fetcher.queues import Queues, consumed, record, run_with
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import ConfigurationError, IngestionError

BAD = answer(b"", status=404)


def alarmed(lines: list[dict[str, Any]]) -> list[dict[str, int]]:
    """The counts by service alone, of each event that has some."""
    found = [
        {each["Name"]: line[each["Name"]] for each in directive["Metrics"]}
        for line in lines
        if "_aws" in line
        for directive in line["_aws"]["CloudWatchMetrics"]
        if directive["Dimensions"] == [["service"]]
    ]
    assert not any(0 in each.values() for each in found)
    return found


def test_an_event_that_failed_and_warned_is_seen_whatever_its_source(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same line has the counts a second time, under the dimension `service` alone."""
    source = hostile({"/": answer(b'[1, "%s", oops' % (b"x" * 2_000))})
    with pytest.raises(IngestionError):
        invoke(stream, {"url": source.url("/"), "limits": {"max_record_kib": 1}})

    assert alarmed(lines_of(capsys)) == [{"failed": 1, "dead_lettered": 1}]


def test_a_sign_of_further_pages_is_seen(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """An ingestion with a warning ends well, and an alarm can stand on it."""
    source = hostile({"/": answer(b'{"value": [1], "@odata.nextLink": "/2"}')})
    invoke(stream, {"url": source.url("/"), "record_path": "value", "pagination": {"kind": "next_url"}})

    assert alarmed(lines_of(capsys)) == [{"warnings": 1}]


@pytest.mark.parametrize(("received", "seen"), [(1, []), (2, []), (3, [{"failed": 1}])])
def test_a_message_counts_once_when_no_attempt_is_left(
    hostile: Hostile,
    stream: Stream,
    capsys: pytest.CaptureFixture[str],
    received: int,
    seen: list[dict[str, int]],
) -> None:
    """What comes again may still succeed; at the last attempt it is a dead letter."""
    url = hostile({"/": BAD}).url("/")
    consumed([record(1, {"url": url}, received=received)], stream=stream, queues=Queues())

    assert alarmed(lines_of(capsys)) == seen


@pytest.mark.parametrize(("received", "seen"), [(1, []), (3, [{"urls_failed": 1}])])
def test_a_url_among_many_counts_once(
    hostile: Hostile,
    stream: Stream,
    capsys: pytest.CaptureFixture[str],
    received: int,
    seen: list[dict[str, int]],
) -> None:
    """It goes to the queue as an event of its own, which counts there, unless this was its last attempt."""
    url = hostile({"/": BAD}).url("/")
    consumed([record(1, {"urls": [url]}, received=received)], stream=stream, queues=Queues())

    assert alarmed(lines_of(capsys)) == seen


def test_without_a_queue_a_url_counts_at_once(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing comes again."""
    with pytest.raises(IngestionError):
        run_with({"urls": [hostile({"/": BAD}).url("/")]}, stream=stream)

    assert alarmed(lines_of(capsys)) == [{"failed": 1, "urls_failed": 1}]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"source": "nobody"}, "nobody"),
        ({"name": "posts", "url": "nowhere"}, "posts"),
        ({"name": "posts", "url": "https://127.0.0.1:1/", "retry": {"max_attempts": 1}}, "posts"),
        ({"source": ["no", "name"]}, ""),
        ("no event", ""),
    ],
)
def test_an_error_names_its_source(
    stream: Stream, capsys: pytest.CaptureFixture[str], event: object, name: str
) -> None:
    """Also one before the source was found: the log can be searched by it."""
    with pytest.raises(IngestionError):
        run_with(event, stream=stream)
    (line,) = [line for line in lines_of(capsys) if line.get("level") == "ERROR"]

    assert line["source_name"] == name


def test_the_default_source_is_named_by_its_own_name(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event says nothing."""
    sources = '[{"name": "posts", "url": "https://127.0.0.1:1/", "retry": {"max_attempts": 1}}]'
    with pytest.raises(IngestionError):
        run_with({}, stream=stream, SOURCES=sources)
    (line,) = [line for line in lines_of(capsys) if line.get("level") == "ERROR"]

    assert line["source_name"] == "posts"


def test_a_url_among_many_names_its_source(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name stands beside the URLs, for all of them, or in an item."""
    url = hostile({"/": BAD}).url("/")
    event = {"name": "posts", "urls": [url, {"name": "other", "url": url}]}
    consumed([record(1, event)], stream=stream, queues=Queues())
    lines = [line for line in lines_of(capsys) if line.get("level") == "ERROR"]

    assert sorted(line["source_name"] for line in lines) == ["other", "posts"]


def test_a_dead_letter_names_the_source(stream: Stream, capsys: pytest.CaptureFixture[str]) -> None:
    """The line that says where the event went."""
    consumed([record(1, {"source": "nobody"}, received=3)], stream=stream, queues=Queues())
    warned = [line for line in lines_of(capsys) if line.get("level") == "WARNING"]

    assert [(line["message"], line["source_name"]) for line in warned] == [
        ("message sent to the dead letters", "nobody")
    ]


def test_a_wrong_environment_is_seen(stream: Stream, capsys: pytest.CaptureFixture[str]) -> None:
    """An event that never got as far as a source failed, too."""
    with pytest.raises(ConfigurationError):
        run_with({}, stream=stream, LOG_LEVEL="loud")

    assert alarmed(lines_of(capsys)) == [{"failed": 1}]
