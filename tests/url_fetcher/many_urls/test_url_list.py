"""A list of URLs in S3, cut into messages, in as many invocations as it takes."""

import bz2
import io
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.url_fetcher.invoking import Stream
from tests.url_fetcher.queues import DEAD, WORK, Queues, consumed, counted, record, refusal, run_with
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import (
    ConfigurationError,
    ConfigurationUnavailable,
    WorkQueueUnavailable,
)
from url_fetcher.many_urls import list_object
from url_fetcher.many_urls.url_list import ListTask

URI = "s3://lake/lists/urls.txt"


class Bucket:
    """S3 behind the client's seam: one object, read by ranges."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag = '"1"'
        self.asked: list[dict[str, Any]] = []

    def get_object(self, **asked: Any) -> dict[str, Any]:
        """As boto3's."""
        self.asked.append(asked)
        if asked.get("IfMatch", self.etag) != self.etag:
            raise refusal("PreconditionFailed", 412)
        first, last = map(int, asked["Range"].removeprefix("bytes=").split("-"))
        if first >= len(self.content):
            raise refusal("InvalidRange", 416)
        return {"Body": io.BytesIO(self.content[first : last + 1]), "ETag": self.etag}


def listed(bucket: Bucket, queues: Queues, event: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of the answer to an event with a list whose version is known."""
    given = {"urls_from": URI, "etag": bucket.etag, **(event or {})}
    return counted(run_with(given, stream=Stream(), queues=queues, s3=bucket))


def urls_in(queues: Queues) -> list[Any]:
    """All items of the messages in the work queue."""
    return [item for event in queues.work for item in event.get("urls", ())]


def many(count: int) -> list[str]:
    """So many URLs."""
    return [f"https://example.com/{number}" for number in range(count)]


def test_a_list_becomes_messages() -> None:
    """Each URL is in a message with up to a hundred others and the keys for all."""
    queues, urls = Queues(), many(1_050)
    body = listed(Bucket("\n".join(urls).encode()), queues, {"format": "json"})

    assert (
        urls_in(queues),
        {event["format"] for event in queues.work},
        body["messages"],
        body["urls_listed"],
    ) == (
        urls,
        {"json"},
        11,
        1_050,
    )


def test_a_line_may_be_a_source() -> None:
    """NDJSON of sources and URLs may be mixed; blank lines, any line ends and a mark are no matter."""
    queues = Queues()
    content = b'\xef\xbb\xbfhttps://a.test/\r\n\n  \r\n{"url": "https://b.test/", "format": "csv"}\n'
    listed(Bucket(content), queues)

    assert urls_in(queues) == ["https://a.test/", {"url": "https://b.test/", "format": "csv"}]


def unread(line: str, *, truncated: bool = False, offset: int = 18) -> dict[str, Any]:
    """The dead letter of a line that is no text."""
    return {"urls": [{"line": line, "offset": offset, "truncated": truncated}]}


@pytest.mark.parametrize(
    ("line", "letter", "reason"),
    [
        (b"ftp://a.test/", {"url": "ftp://a.test/"}, "byte 18 of the list is neither a URL"),
        (b'{"url": "https://b.test/"', {"url": '{"url": "https://b.test/"'}, "is not JSON"),
        (b'{"a": 1}', {"urls": [{"a": 1}]}, "has no `url`"),
        (
            b'{"url": "https://b.test/", "urls": []}',
            {"urls": [{"url": "https://b.test/", "urls": []}]},
            "has urls",
        ),
        (b"https://b.test/\xff", unread(r"https://b.test/\xff"), "is not UTF-8"),
        (b'{"url": "https://b.test/\xe9"}', unread(r'{"url": "https://b.test/\xe9"}'), "is not UTF-8"),
        (
            b"https://b.test/" + b"x" * 2_000_000,
            unread("https://b.test/" + "x" * 1_009, truncated=True),
            "is over 32768",
        ),
        (b"[" * 20_000, {"url": "[" * 20_000}, "is neither a URL"),
    ],
    ids=["scheme", "cut", "no url", "urls", "bytes", "bytes in an object", "long", "deep"],
)
def test_a_line_that_is_none_is_a_dead_letter(line: bytes, letter: dict[str, Any], reason: str) -> None:
    """It is there alone, with its place and its reason; the lines around it are sent."""
    queues = Queues()
    listed(Bucket(b"\n".join([b"https://a.test/1\r", line, b"https://a.test/2"])), queues)
    told = queues.taken[DEAD][0]["MessageAttributes"]

    assert (urls_in(queues), queues.dead, reason in told["error"]["StringValue"]) == (
        ["https://a.test/1", "https://a.test/2"],
        [letter],
        True,
    )


@pytest.mark.parametrize("line", [b"%s/\xff", b'{"url": "%s/\xff"}', b"%s/" + b"x" * 40_000])
def test_the_dead_letter_of_a_line_that_is_no_text_is_never_fetched(hostile: Hostile, line: bytes) -> None:
    """Sent again it ends there again: what is left of the line may be another URL."""
    source, queues, again = hostile({}), Queues(), Queues()
    listed(Bucket(line % source.url("").encode()), queues)
    consumed([record(1, queues.dead[0], received=3)], stream=Stream(), queues=again)

    assert (source.requests, again.dead) == ([], queues.dead)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://lake/config/x",
        "s3://lake/lists/",
        "s3://lake/lists",
        "s3://other/lists/x",
        "https://lake/lists/x",
        5,
        ["s3://lake/lists/x"],
        "s3://lake/lists/" + "x" * 1_024,
    ],
    ids=lambda uri: str(uri)[:30],
)
def test_lists_lie_in_one_place(uri: object) -> None:
    """Nothing else of the bucket, and no other bucket, is read for whoever may send an event."""
    bucket = Bucket(b"https://a.test/")
    with pytest.raises(ConfigurationError, match="lists are read below s3://lake/lists/ only"):
        listed(bucket, Queues(), {"urls_from": uri})

    assert bucket.asked == []


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\x1f\x8b\x08\x00", "is compressed with gzip"),
        (bz2.compress(b"https://a.test/", 1), "is compressed with bzip2"),
        (b"\xfd7zXZ\x00", "is compressed with xz"),
        (b"\x28\xb5\x2f\xfd\x04", "is compressed with zstd"),
        (b"PK\x03\x04", "is a zip archive"),
        ("https://a.test/".encode("utf-16"), "is UTF-16"),
        ("https://a.test/".encode("utf-16-be"), "is UTF-16"),
        (b' \n["https://a.test/"]', "is a JSON array"),
        (b'\xef\xbb\xbf["https://a.test/"]', "is a JSON array"),
        (b'{\r\n  "url": "https://a.test/"\r\n}', "is a JSON object over several lines"),
        (b"\n<!DOCTYPE html>\n<p>", "is HTML"),
    ],
)
@pytest.mark.parametrize("etag", ["", '"1"'])
def test_other_forms_are_refused_as_a_whole(content: bytes, match: str, etag: str) -> None:
    """A file that is no list of lines does not become a dead letter for each."""
    queues = Queues()
    with pytest.raises(ConfigurationError, match=match):
        listed(Bucket(content), queues, {"etag": etag})

    assert queues.requests == []


def test_an_empty_list_is_no_error() -> None:
    """There is nothing to send."""
    queues = Queues()

    assert (listed(Bucket(b""), queues)["urls_listed"], queues.requests) == (0, [])


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("NoSuchKey", 404, ConfigurationError),
        ("AccessDenied", 403, ConfigurationError),
        ("SlowDown", 503, ConfigurationUnavailable),
    ],
)
def test_a_list_that_cannot_be_read_fails_the_event(
    code: str, status: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether trying again may help is told by the error."""
    bucket = Bucket(b"")

    def refuse(**_: object) -> dict[str, Any]:
        raise refusal(code, status)

    monkeypatch.setattr(bucket, "get_object", refuse)
    with pytest.raises(error, match=code):
        listed(bucket, Queues())


@pytest.mark.parametrize(
    "place",
    [
        {"offset": 5, "etag": None},
        {"offset": -1, "etag": '"1"'},
        {"offset": "5", "etag": '"1"'},
        {"offset": 5, "etag": '"1"', "in_line": 1},
    ],
)
def test_a_place_without_sense_is_refused(place: dict[str, Any]) -> None:
    """Only what the function sent itself goes on in the middle."""
    with pytest.raises(ConfigurationError, match="etag"):
        listed(Bucket(b"https://a.test/"), Queues(), place)


@pytest.mark.parametrize(
    "given", [{"WORK_QUEUE_URL": ""}, {"WORK_QUEUE_IS_READ": "false"}, {"DEAD_LETTER_QUEUE_URL": ""}]
)
def test_without_queues_there_are_no_lists(given: Any) -> None:
    """The error says which setting makes them; what is sent to a queue that nobody reads would be lost."""
    with pytest.raises(ConfigurationError, match=r"queue\.enabled"):
        run_with({"urls_from": URI}, stream=Stream(), queues=Queues(), s3=Bucket(b""), **given)


def test_refused_entries_are_sent_again() -> None:
    """What SQS refuses of a request is sent until it is taken."""
    queues = Queues(refuse=lambda call, entry: call % 2 == 1 and int(entry["Id"]) % 3 == 0)
    listed(Bucket("\n".join(many(2_000)).encode()), queues)

    assert sorted(urls_in(queues)) == sorted(many(2_000))


class Stopping:
    """Decides where invocations run out of time."""

    def __init__(self, stops: Iterator[bool]) -> None:
        self._stops = stops

    def __get__(self, task: object, owner: object = None) -> bool:
        return next(self._stops)


def hops(bucket: Bucket, queues: Queues, event: dict[str, Any]) -> int:
    """Consume the list's own messages until none is left; how many there were."""
    waiting, count, seen = [event], 0, 0
    while waiting:
        count += 1
        assert consumed([record(count, waiting.pop())], stream=Stream(), queues=queues, s3=bucket) == []
        new, seen = queues.work[seen:], len(queues.work)
        waiting += [each for each in new if "urls_from" in each]
    return count


LINES = st.sampled_from([b"", b"https://a.test/%d", b"nothing %d", b"https://long.test/%d/" + b"x" * 40_000])


@settings(max_examples=40)
@given(
    lines=st.lists(LINES, max_size=150),
    piece_bytes=st.integers(40_000, 200_000),
    stops=st.lists(st.booleans(), max_size=20),
    ends=st.booleans(),
)
def test_each_line_is_done_once_over_all_invocations(
    lines: list[bytes], piece_bytes: int, stops: list[bool], ends: bool
) -> None:
    """Wherever the time is up, each URL is in one message and each other line one dead letter."""
    numbered = [line % number if b"%" in line else line for number, line in enumerate(lines)]
    bucket = Bucket(b"\n".join(numbered) + (b"\n" if ends else b""))
    queues = Queues()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_object, "PIECE_BYTES", piece_bytes)
        patch.setattr(ListTask, "_is_late", Stopping(itertools.chain(stops, itertools.repeat(False))))
        hops(bucket, queues, {"urls_from": URI})
    urls = [line.decode() for line in numbered if line.startswith(b"https://a")]
    others = [line.decode()[:1024] for line in numbered if line and not line.startswith(b"https://a")]
    dead = [event.get("url") or event["urls"][0]["line"] for event in queues.dead]

    assert (urls_in(queues), dead) == (urls, others)


@settings(max_examples=30)
@given(stops=st.lists(st.booleans(), max_size=10), crash=st.integers(1, 12))
def test_after_a_crash_nothing_is_missing(stops: list[bool], crash: int) -> None:
    """An invocation that fails in the middle comes again from its own start: each URL at least once."""
    urls = many(3_000)
    bucket = Bucket("\n".join(urls).encode())
    queues = Queues()
    event: dict[str, Any] = {"urls_from": URI}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_object, "PIECE_BYTES", 33_000)
        patch.setattr(ListTask, "_is_late", Stopping(itertools.chain(stops, itertools.repeat(False))))
        send = queues.send_message_batch
        calls = itertools.count(1)

        def crashing(**asked: Any) -> Any:
            if next(calls) == crash:
                raise refusal("InternalFailure", 500)
            return send(**asked)

        patch.setattr(queues, "send_message_batch", crashing)
        waiting, number, seen = [event], 0, 0
        while waiting:
            number += 1
            one = waiting.pop()
            if consumed([record(number, one)], stream=Stream(), queues=queues, s3=bucket):
                waiting.append(one)
            new, seen = queues.work[seen:], len(queues.work)
            waiting += [each for each in new if "urls_from" in each]

    assert set(urls_in(queues)) == set(urls)


def test_a_list_that_changes_is_noticed() -> None:
    """What is sent on holds what the list was; another one under the same name is not mixed with it."""
    bucket, queues = Bucket("\n".join(many(3_000)).encode()), Queues()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ListTask, "_is_late", True)
        listed(bucket, queues)
    bucket.etag = '"2"'
    on = next(each for each in queues.work if "urls_from" in each)
    with pytest.raises(ConfigurationError, match="has changed"):
        listed(bucket, Queues(), on)


def test_a_list_that_changes_in_the_first_attempt_is_noticed() -> None:
    """An invocation that dies after some of its messages comes again, and must not read another list."""
    bucket, queues = Bucket("\n".join(many(3_000)).encode()), Queues()
    event: dict[str, Any] = {"urls_from": URI}
    consumed([record(1, event)], stream=Stream(), queues=queues, s3=bucket)
    (on,) = queues.work
    consumed([record(2, on)], stream=Stream(), queues=Queues(), s3=bucket)
    bucket.etag, bucket.content = '"2"', b"https://b.test/"
    failed = consumed([record(2, on, received=2)], stream=Stream(), queues=queues, s3=bucket)

    assert (on, failed, urls_in(queues)) == (
        {"urls_from": URI, "offset": 0, "etag": '"1"', "in_line": False},
        ["m2"],
        [],
    )


def test_without_time_it_still_gets_on() -> None:
    """Each invocation does at least one step, so that a list ends however little time there is."""
    bucket, queues = Bucket(b"\n".join(b"https://a.test/%d" % n + b"x" * 30_000 for n in range(50))), Queues()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ListTask, "_is_late", True)
        count = hops(bucket, queues, {"urls_from": URI})

    assert (len(urls_in(queues)), count > 1) == (50, True)


def test_if_the_queue_fails_the_event_fails() -> None:
    """It is retried from its start."""
    with pytest.raises(WorkQueueUnavailable):
        listed(Bucket(b"https://a.test/"), Queues(fail={WORK: refusal("ServiceUnavailable", 503)}))


def test_a_body_is_json_that_sqs_takes() -> None:
    """Characters that SQS refuses are escaped, and the item is the same."""
    queues = Queues()
    listed(
        Bucket('{"url": "https://a.test/", "body": "\uffff\ufffe\\u0001é", "method": "POST"}'.encode()),
        queues,
    )
    text = queues.taken[WORK][0]["MessageBody"]

    assert (set("\uffff\ufffe\x01") & set(text), urls_in(queues)[0]["body"]) == (set(), "\uffff\ufffe\x01é")
