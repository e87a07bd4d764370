"""An event of many URLs: all ingested at once, each failing alone."""

import gzip
import itertools
import json
import threading
from typing import Any, cast

import pytest

from local_aws.servers.hostile_source import (
    Connection,
    HostileSource,
    Request,
    answer,
    drip,
    endless,
)
from tests.url_fetcher.invoking import Context, Stream, lines_of
from tests.url_fetcher.queues import (
    DEAD,
    WORK,
    Queues,
    consumed,
    counted,
    record,
    refusal,
    run_with,
    tried,
)
from tests.url_fetcher.reading import ARN, Hostile, Secrets
from tests.url_fetcher.streams import ORIGIN
from url_fetcher.delivery.counters import DeliveryReport
from url_fetcher.errors import (
    ConfigurationError,
    DeadLettersRejected,
    DeliveryError,
    IngestionError,
    StreamRejected,
    UrlsFailed,
    WorkQueueUnavailable,
)
from url_fetcher.many_urls.shared_sink import SharedSink
from url_fetcher.many_urls.url_items import MAX_MESSAGE_BYTES, messages_of

DEEP: Any = []
for _ in range(20_000):
    DEEP = [DEEP]
GOOD = answer(b'[{"id": 1}, {"id": 2}]')
BAD = answer(b"", status=404)


def urls(source: HostileSource, count: int, path: str = "/") -> list[str]:
    """That many URLs of a path."""
    return [source.url(f"{path}?n={number}") for number in range(count)]


def test_all_urls_are_ingested(hostile: Hostile, stream: Stream) -> None:
    """The records of each URL are on the stream, under its own sourceUrl."""
    given = urls(hostile({"/": GOOD}), 50)
    run_with({"urls": given}, stream=stream)

    assert sorted((line["sourceUrl"], line["data"]["id"]) for line in stream.lines) == sorted(
        (url, number) for url in given for number in (1, 2)
    )


def test_records_of_many_urls_share_one_of_the_stream(hostile: Hostile, stream: Stream) -> None:
    """Fifty URLs of two records are one Kinesis record."""
    run_with({"urls": urls(hostile({"/": GOOD}), 50)}, stream=stream)

    assert len(stream.data) == 1


def test_ids_are_those_of_the_url_alone(hostile: Hostile, stream: Stream) -> None:
    """A record has the same id whether its URL comes alone or with others."""
    given = urls(hostile({"/": GOOD}), 3)
    run_with({"urls": given}, stream=stream)
    alone = Stream()
    for url in given:
        run_with({"url": url}, stream=alone)

    assert sorted(line["id"] for line in stream.lines) == sorted(line["id"] for line in alone.lines)


def test_keys_hold_for_all_and_items_have_their_own(hostile: Hostile, stream: Stream) -> None:
    """Beside `urls` stand keys for all; an item that is an object adds to them and replaces them."""
    source = hostile({"/a": answer(b'{"items": [1]}'), "/b": answer(b'{"rows": [2]}')})
    items = [source.url("/a"), {"url": source.url("/b"), "record_path": "rows", "name": None}]
    run_with({"urls": items, "record_path": "items", "format": "json"}, stream=stream)

    assert sorted(line["data"] for line in stream.lines) == [1, 2]


def test_connections_are_kept(hostile: Hostile, stream: Stream) -> None:
    """A host is asked through a connection for each thread, however many URLs it has."""
    source = hostile({"/": GOOD})
    run_with({"urls": urls(source, 60)}, stream=stream)

    assert source.connections <= 8


def test_no_more_than_eight_are_fetched_at_once(hostile: Hostile, stream: Stream) -> None:
    """Eight requests are under way together, and a ninth never is."""
    meeting, late = threading.Barrier(8), threading.Event()
    under_way: list[int] = [0, 0]
    lock = threading.Lock()

    def behave(connection: Connection, request: Request) -> None:
        with lock:
            under_way[0] += 1
            under_way[1] = max(under_way)
        meeting.wait(timeout=10)
        late.wait(0.05)
        with lock:
            under_way[0] -= 1
        GOOD(connection, request)

    run_with({"urls": urls(hostile({"/": behave}), 16)}, stream=stream)

    assert under_way == [0, 8]


def test_a_failed_url_is_sent_alone(hostile: Hostile, stream: Stream) -> None:
    """It is an event of its own in the work queue, which counts this attempt; the others are ingested."""
    source, queues = hostile({"/": GOOD, "/bad": BAD}), Queues()
    event = {"urls": [*urls(source, 5), source.url("/bad")], "format": "json"}
    failed = consumed([record(1, event)], stream=stream, queues=queues)
    (sent,) = queues.taken[WORK]

    assert (failed, len(stream.lines), queues.work, sent["MessageAttributes"], sent["DelaySeconds"] > 0) == (
        [],
        10,
        [{"format": "json", "url": source.url("/bad")}],
        {"attempts": {"DataType": "Number", "StringValue": "1"}},
        True,
    )


def test_at_the_last_attempt_it_is_a_dead_letter(hostile: Hostile, stream: Stream) -> None:
    """The dead letter is the event of that one URL, with its own reason."""
    source, queues = hostile({"/": GOOD, "/bad": BAD}), Queues()
    event = {"urls": [*urls(source, 2), source.url("/bad")]}
    consumed([record(1, event)], stream=stream, queues=queues, MAX_ATTEMPTS="1")
    told = queues.taken[DEAD][0]["MessageAttributes"]

    assert (queues.dead, queues.work, told["error_type"]["StringValue"]) == (
        [{"url": source.url("/bad")}],
        [],
        "SourceRejected",
    )


def test_urls_that_were_not_begun_are_sent_on(hostile: Hostile, stream: Stream) -> None:
    """While eight URLs hang until the end, the others go to the queue together, and the eight alone."""
    source, queues = hostile({"/": GOOD, "/slow": drip()}), Queues()
    slow, good = urls(source, 8, "/slow"), urls(source, 3)
    consumed([record(1, {"urls": [*slow, *good]})], stream=stream, queues=queues, context=Context(4))
    together = [each["urls"] for each in queues.work if "urls" in each]

    assert (together, sorted(each["url"] for each in queues.work if "url" in each)) == ([good], slow)


def test_a_url_that_hangs_has_its_own_limit(hostile: Hostile, stream: Stream) -> None:
    """It fails at its own timeout, and all others are ingested."""
    source, queues = hostile({"/": GOOD, "/slow": drip()}), Queues()
    event = {"urls": [source.url("/slow"), *urls(source, 30)], "limits": {"timeout_seconds": 3}}
    consumed([record(1, event)], stream=stream, queues=queues)

    assert (len(stream.lines), [each["url"] for each in queues.work]) == (60, [source.url("/slow")])


def test_more_than_a_message_holds_is_shared_out(hostile: Hostile, stream: Stream) -> None:
    """The first hundred are ingested, and the others become messages of up to a hundred."""
    given, queues = urls(hostile({"/": GOOD}), 250), Queues()
    consumed([record(1, {"urls": given})], stream=stream, queues=queues)

    assert (len(stream.lines), [each["urls"] for each in queues.work]) == (200, [given[100:200], given[200:]])


@pytest.mark.parametrize(("received", "before"), [(2, 0), (1, 1), (3, 2)])
def test_an_event_that_comes_again_is_split(
    hostile: Hostile, stream: Stream, received: int, before: int
) -> None:
    """One of its URLs may have ended the process, so each is an event of its own from now on."""
    source, queues = hostile({"/": GOOD}), Queues()
    given = urls(source, 50)
    event = {"urls": given, "format": "json"}
    consumed([record(1, event, received=received, attributes=tried(before))], stream=stream, queues=queues)
    counts = {each["MessageAttributes"]["attempts"]["StringValue"] for each in queues.taken[WORK]}

    assert (source.requests, queues.work, counts) == (
        [],
        [{"format": "json", "url": url} for url in given],
        {str(received + before - 1)},
    )


def test_a_large_event_that_comes_again_is_split_in_two_steps(stream: Stream) -> None:
    """Messages of a hundred come first: ten thousand of one URL might not be sent in time."""
    given, queues = [f"https://a.test/{number}" for number in range(250)], Queues()
    consumed([record(1, {"urls": given}, received=2)], stream=stream, queues=queues)

    assert [each["urls"] for each in queues.work] == [given[:100], given[100:200], given[200:]]


class Closed(Stream):
    """A stream that is gone."""

    def put_records(self, **_: object) -> Any:
        """As boto3's."""
        raise refusal("ResourceNotFoundException", 400)


def test_if_the_stream_fails_the_message_fails(hostile: Hostile) -> None:
    """Nothing counts as done and nothing is sent: the message comes again as it is."""
    source, queues = hostile({"/": GOOD, "/bad": BAD}), Queues()
    event = {"urls": [*urls(source, 20), source.url("/bad")]}

    assert (consumed([record(1, event)], stream=Closed(), queues=queues), queues.requests) == (["m1"], [])


def test_the_streams_error_is_raised(hostile: Hostile) -> None:
    """Invoked directly, the event fails with it."""
    with pytest.raises(StreamRejected):
        run_with({"urls": urls(hostile({"/": GOOD}), 20)}, stream=Closed(), queues=Queues())


def test_a_record_without_a_place_fails_all(hostile: Hostile, stream: Stream) -> None:
    """A record that is undeliverable while no bucket is named is no URL's own fault."""
    source = hostile({"/": answer(b'["%s"]' % (b"x" * 2_000))})
    event = {"urls": urls(source, 2), "limits": {"max_record_kib": 1}}
    with pytest.raises(DeadLettersRejected):
        run_with(event, stream=stream, queues=Queues())


def test_if_the_queue_takes_nothing_the_message_fails(hostile: Hostile, stream: Stream) -> None:
    """A URL that can neither be ingested nor sent makes the whole message come again."""
    source = hostile({"/": GOOD, "/bad": BAD})
    queues = Queues(fail={WORK: refusal("ServiceUnavailable", 503)})
    with pytest.raises(WorkQueueUnavailable):
        run_with({"urls": [source.url("/"), source.url("/bad")]}, stream=stream, queues=queues)

    assert len(stream.lines) == 2


def test_without_a_queue_the_error_names_what_failed(hostile: Hostile, stream: Stream) -> None:
    """A direct invocation that has no work queue tells which URLs failed, and why."""
    source = hostile({"/": GOOD, "/bad": BAD})
    with pytest.raises(UrlsFailed, match=r"1 of 4 URLs.*/bad \(SourceRejected: .* answers 404"):
        run_with({"urls": [*urls(source, 3), source.url("/bad")]}, stream=stream)


def test_the_answer_counts_urls(hostile: Hostile, stream: Stream) -> None:
    """Invoked directly, the answer says how many there were, failed and were sent on."""
    source = hostile({"/": GOOD, "/bad": BAD})
    given = [source.url("/bad"), *urls(source, 101)]
    body = counted(run_with({"urls": given}, stream=stream, queues=Queues()))

    assert {name: body[name] for name in ("recordsProcessed", "fetched", "pages", "urls")} | {
        "failed": body["urls_failed"],
        "on": body["urls_sent_on"],
    } == {"recordsProcessed": 198, "fetched": 198, "pages": 99, "urls": 102, "failed": 1, "on": 2}


def test_the_counters_are_those_of_one_source(hostile: Hostile, stream: Stream) -> None:
    """A URL among many is counted as it is alone, in everything but the time that it took."""
    url = hostile({"/": GOOD}).url("/")
    together = counted(run_with({"urls": [url]}, stream=stream))
    alone = counted(run_with({"url": url}, stream=Stream()))
    names = [name for name, count in alone.items() if isinstance(count, int)]

    assert {name: together[name] for name in names} == {name: alone[name] for name in names}


def test_metrics_count_urls(hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]) -> None:
    """An event of many URLs is one line of metrics, with the URLs that were tried and those that failed."""
    source = hostile({"/": GOOD, "/bad": BAD})
    run_with({"urls": [source.url("/bad"), *urls(source, 2)]}, stream=stream, queues=Queues())
    (line,) = [line for line in lines_of(capsys) if "_aws" in line]
    measured = {each["Name"]: line[each["Name"]] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}

    assert (line["source"], measured) == ("event", {"accepted": 4, "urls": 3, "urls_failed": 1})


@pytest.mark.parametrize(
    ("event", "match"),
    [
        ({"urls": {}}, "urls is dict"),
        ({"urls": "https://example.com"}, "urls is str"),
        ({"urls": []}, "urls has 0 items"),
        ({"urls": ["https://example.com"] * 100_000}, "urls has 100000 items; 1 to 10000"),
        ({"urls": ["https://example.com/\ud800"]}, "is not JSON in UTF-8"),
        ({"urls": [DEEP]}, "is nested too deeply"),
        ({"urls": ["https://example.com"], "headers": DEEP}, "is nested too deeply"),
        ({"urls": ["https://example.com"], "url": "https://example.com"}, "together with url"),
        ({"urls": ["https://example.com"], "source": "s"}, "together with source"),
        ({"urls": ["https://example.com"], "body": "x" * 20_000}, "keys for all URLs are 20011 bytes"),
        (
            {"urls": ["https://example.com"], "urls_from": "s3://lake/lists/x"},
            "urls_from .*together with urls",
        ),
    ],
)
def test_what_is_no_event_of_urls_is_refused(stream: Stream, event: dict[str, Any], match: str) -> None:
    """The error names the key, what it is and what is allowed."""
    with pytest.raises(ConfigurationError, match=match):
        run_with(event, stream=stream, queues=Queues())


@pytest.mark.parametrize(
    "item",
    [
        5,
        [],
        {},
        "no URL",
        {"url": 5},
        {"urls": ["https://example.com"]},
        {"url": "https://example.com", "urls": ["https://example.com"]},
        {"url": "https://example.com", "urls_from": "s3://lake/lists/x"},
        {"url": "https://example.com", "source": "s"},
        {"url": "https://example.com", "x": 1},
        json.loads("[" * 90 + "]" * 90),
    ],
    ids=str,
)
def test_an_item_that_is_none_fails_alone(hostile: Hostile, stream: Stream, item: object) -> None:
    """It is sent alone, in a form in which it fails again for the same reason; the others are ingested."""
    source, queues = hostile({"/": GOOD}), Queues()
    consumed([record(1, {"urls": [item, source.url("/")]})], stream=stream, queues=queues)
    (sent,) = queues.work
    again = Queues()
    consumed([record(1, sent, attributes=tried(2))], stream=Stream(), queues=again)

    assert (len(stream.lines), again.dead) == (2, [sent])


def test_an_item_may_use_a_secret_only_as_a_configured_source_does(hostile: Hostile, stream: Stream) -> None:
    """An item with the `auth` of another origin fails before anything is asked."""
    source, queues, secrets = hostile({"/": GOOD}), Queues(), Secrets("hunter2x")
    auth = {"kind": "bearer", "secret_arn": ARN}
    configured = json.dumps([{"name": "s", "url": "https://api.example.com/", "auth": auth}])
    event = {"urls": [{"url": source.url("/"), "auth": auth}]}
    run_with(event, stream=stream, queues=queues, secrets=secrets, SOURCES=configured)

    assert (source.requests, secrets.calls, len(queues.work)) == ([], 0, 1)


def test_items_with_a_secret_read_it_once(hostile: Hostile, stream: Stream) -> None:
    """However many URLs are asked with it at once, Secrets Manager is asked once."""
    source, secrets = hostile({"/": GOOD}), Secrets("hunter2x")
    auth = {"kind": "bearer", "secret_arn": ARN}
    configured = json.dumps([{"name": "s", "url": source.url("/"), "auth": auth}])
    run_with({"urls": urls(source, 20), "auth": auth}, stream=stream, secrets=secrets, SOURCES=configured)

    assert (
        secrets.calls,
        {request.headers.get("authorization") for request in source.requests},
    ) == (1, {"Bearer hunter2x"})


def echoing(connection: Connection, request: Request) -> None:
    """Redirect to where the key stands under another name."""
    answer(b"", status=302, headers={"Location": f"/gone?echo={request.query.get('api_key', '')}"})(
        connection, request
    )


def test_a_secret_in_a_url_is_not_told(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """Log lines, errors and dead letters' reasons hide it, also where the source echoes it."""
    source, queues = hostile({"/": echoing}), Queues()
    given = [source.url(f"/?api_key=hunter{number}xyz") for number in range(3)]
    with pytest.raises(IngestionError) as caught:
        run_with({"urls": given}, stream=stream)
    consumed([record(1, {"urls": given})], stream=stream, queues=queues, MAX_ATTEMPTS="1")
    told = capsys.readouterr().out + str(caught.value)
    told += str([each["MessageAttributes"] for each in queues.taken[DEAD]])

    assert ("hunter" in told, len(queues.dead)) == (False, 3)


def test_a_rate_that_leaves_no_request_is_refused(hostile: Hostile, stream: Stream) -> None:
    """If a share of the rate is longer than the invocation, the first URL fails with what to change."""
    source = hostile({"/": GOOD})
    event = {"urls": [source.url("/")], "rate": {"min_interval_seconds": 60}}
    with pytest.raises(UrlsFailed, match=r"waits 300 s before a request.*queue\.max_concurrency"):
        run_with(event, stream=stream)


def test_a_failed_url_with_a_rate_keeps_it(hostile: Hostile, stream: Stream) -> None:
    """Sent alone, it is an event of one URL, because only those share the rate with all invocations."""
    source, queues = hostile({"/bad": BAD}), Queues()
    event = {"urls": [source.url("/bad")], "rate": {"min_interval_seconds": 0.001}}
    consumed([record(1, event)], stream=stream, queues=queues)

    assert queues.work == [event]


def test_an_endless_body_is_bounded(hostile: Hostile, stream: Stream) -> None:
    """Eight bodies without an end fail at their limit, each alone."""
    source, queues = hostile({"/": endless()}), Queues()
    event = {"urls": urls(source, 8), "limits": {"max_body_mib": 1}}
    consumed([record(1, event)], stream=stream, queues=queues)

    assert len(queues.work) == 8


@pytest.mark.parametrize("size", [10, 200, 1_000, 9_000])
def test_messages_are_of_a_hundred_urls_and_64_kib(size: int) -> None:
    """Each message is within both bounds, and together they hold every item in order."""
    items = [f"https://example.com/{number}/".ljust(size, "x") for number in range(350)]
    made = list(messages_of({"format": "json"}, items))
    found = [json.loads(body)["urls"] for body in made]

    assert (
        [url for each in found for url in each] == items,
        max(map(len, made)) <= MAX_MESSAGE_BYTES,
        max(map(len, found)) <= 100,
    ) == (True, True, True)


def test_pages_of_each_url_are_followed(hostile: Hostile, stream: Stream) -> None:
    """Pagination works for each URL as for one alone."""
    source = hostile({"/": answer(b'{"items": [1], "next": "/2"}'), "/2": answer(b'{"items": [2]}')})
    event = {
        "urls": urls(source, 3),
        "record_path": "items",
        "pagination": {"kind": "next_url", "path": "next"},
    }
    run_with(event, stream=stream)

    assert sorted(line["data"] for line in stream.lines) == [1, 1, 1, 2, 2, 2]


def test_whatever_the_shared_sink_raises_fails_the_event(
    hostile: Hostile, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compressor without memory loses records of other URLs than the one that meets the error."""
    compressed = itertools.count()

    def member(plain: bytes) -> bytes:
        if next(compressed) == 0:
            raise MemoryError
        return gzip.compress(plain)

    monkeypatch.setattr("url_fetcher.delivery.gzip_members.member", member)
    given, queues = urls(hostile({"/": answer(b"[%s]" % b",".join([b'"abc"'] * 2_000))}), 40), Queues()
    packing = {"PACKING": "gzip", "PACK_KIB": "5"}
    failed = consumed([record(1, {"urls": given})], stream=stream, queues=queues, **packing)

    assert (failed, queues.requests) == (["m1"], [])


def test_an_error_in_a_thread_that_is_late_fails_the_event() -> None:
    """Whoever closes the sink gets it, although nobody waits for the thread any more."""

    class Ended:
        report = DeliveryReport()

        def put(self, *_: object) -> None:
            raise MemoryError

        def close(self) -> None:
            pass

    sink = SharedSink(cast("Any", Ended()))
    with pytest.raises(MemoryError):
        sink.put(ORIGIN, [b"1"])
    with pytest.raises(DeliveryError):
        sink.put(ORIGIN, [b"2"])
    with pytest.raises(MemoryError):
        sink.close()
