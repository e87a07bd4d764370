"""Child requests: one for each record of a parent, whose fields the child's records carry."""

import gzip
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.servers.hostile_source import Behaviour, HostileSource, answer, in_turn
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.json_texts import values
from tests.url_fetcher.reading import Hostile, Waits, bodies_of, reader_of
from url_fetcher import parents
from url_fetcher.delivery import dead_letters
from url_fetcher.errors import (
    ConfigurationError,
    DeadlineExceeded,
    IngestionError,
    LimitExceeded,
    MalformedBody,
    SourceRejected,
)
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.children import NoChild
from url_fetcher.source.request import request_of
from url_fetcher.source.schema import Source

ORDERS = [{"id": 1, "customer": {"name": "Å"}}, {"id": "a/../b?c", "customer": None}]
ITEMS = {"/orders/1/items": b"[10, 11]", "/orders/a%2F..%2Fb%3Fc/items": b'[{"x": 1.50}]'}


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines of the dead letters."""
    lines: list[dict[str, Any]] = []

    class Bucket:
        def put_object(self, *, Body: bytes, **_: object) -> None:  # noqa: N803 - boto3's name
            lines.extend(map(json.loads, gzip.decompress(Body).splitlines()))

    monkeypatch.setattr(dead_letters, "s3_client", Bucket)
    return lines


def serving(
    parents: object = ORDERS, items: Mapping[str, bytes | Behaviour] | None = None
) -> dict[str, Behaviour]:
    """Orders, and the items of each."""
    found = ITEMS if items is None else items
    given = {path: each if callable(each) else answer(each) for path, each in found.items()}
    return {"/orders": answer(json.dumps(parents).encode()), **given}


def settings(source: HostileSource, **children: Any) -> dict[str, Any]:
    """Orders with their items."""
    given = {"url": source.url("/orders/{parent.id}/items"), "deliver_parents": False, **children}
    return {"url": source.url("/orders"), "children": given}


def data(stream: Stream) -> list[Any]:
    """The records on the stream."""
    return [line["data"] for line in stream.lines]


def test_each_parent_is_asked_for_its_children(hostile: Hostile, stream: Stream) -> None:
    """They carry what the request needs and what is named, beside their own bytes."""
    source = hostile(serving())
    invoke(stream, settings(source, fields=["customer.name"]))

    assert data(stream) == [
        {"parent": {"id": 1, "customer.name": "Å"}, "record": 10},
        {"parent": {"id": 1, "customer.name": "Å"}, "record": 11},
        {"parent": {"id": "a/../b?c", "customer.name": None}, "record": {"x": 1.5}},
    ]
    assert b'"record":{"x": 1.50}}' in b"".join(stream.data)


def test_parents_are_delivered_unless_they_are_not_wanted(hostile: Hostile, stream: Stream) -> None:
    """By default the source's own records come, too, as if it had no children."""
    source = hostile(serving())
    found = invoke(stream, settings(source, deliver_parents=True))

    assert data(stream)[:2] == ORDERS
    assert (found["fetched"], found["accepted"], found["dead_lettered"]) == (5, 5, 0)


def test_equal_children_of_two_parents_have_ids_of_their_own(hostile: Hostile, stream: Stream) -> None:
    """And the same ones in the next run."""
    source = hostile(serving([{"id": 1}, {"id": 2}], {"/orders/1/items": b"[0]", "/orders/2/items": b"[0]"}))
    for _ in range(2):
        invoke(stream, settings(source))
    ids = [line["id"] for line in stream.lines]

    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2
    assert stream.lines[0]["sourceUrl"] == source.url("/orders/1/items")


def test_children_have_pages(hostile: Hostile, stream: Stream) -> None:
    """Of any kind, beside the parent's values; those of the parents are another matter."""
    pages = in_turn(*(answer(b'{"items": [%d], "next": %s}' % each) for each in ((7, b'"k"'), (8, b"null"))))
    source = hostile({"/orders": answer(b'{"data": [5], "more": null}'), "/items": pages})
    children = {
        "url": source.url("/items"),
        "method": "POST",
        "headers": {"X-Order": "no {parent}"},
        "body": {"order": "{parent}", "after": "{cursor}"},
        "record_path": "items",
        "pagination": {"kind": "cursor", "path": "next"},
        "deliver_parents": False,
    }
    pagination = {"kind": "cursor", "path": "more"}
    event = {
        "url": source.url("/orders"),
        "record_path": "data",
        "pagination": pagination,
        "children": children,
    }
    invoke(stream, event)

    assert data(stream) == [{"parent": 5, "record": 7}, {"parent": 5, "record": 8}]
    assert [json.loads(each.body) for each in source.requests[1:]] == [
        {"order": 5},
        {"order": 5, "after": "k"},
    ]
    assert {each.headers["x-order"] for each in source.requests[1:]} == {"no 5"}


@pytest.mark.parametrize(
    ("parent", "children", "reason"),
    [
        ({}, {}, "missing or null"),
        ({"id": None}, {}, "missing or null"),
        ({"id": ""}, {}, "empty"),
        ({"id": True}, {}, "not text or a whole number"),
        ({"id": 1.5}, {}, "not text or a whole number"),
        ({"id": {"a": 1}}, {}, "an object"),
        ({"id": "x" * 1_025}, {}, "over 1024 characters"),
        ({"id": 10**2_000}, {}, "over 1024 characters"),
        ({"id": ".."}, {}, "step of the path"),
        ({"id": "\ud800"}, {}, "written as JSON again"),
        ({"id": "a\r\nX-Evil: 1"}, {"headers": {"X-Id": "{parent.id}"}}, "line break"),
        ({"id": " a"}, {"headers": {"X-Id": "{parent.id}"}}, "white space"),
        ({"id": "' OR 1"}, {"method": "POST", "body": "id = '{parent.id}'"}, "quotation"),
        ({"id": 1, "big": "x" * 5_000}, {"fields": ["big"]}, "over 4096"),
        (7, {}, "missing or null"),
    ],
)
def test_a_parent_that_cannot_be_asked_for_is_a_dead_letter(
    hostile: Hostile, dead: list[Any], stream: Stream, parent: object, children: dict[str, Any], reason: str
) -> None:
    """It alone: the others have their children."""
    source = hostile(serving([parent, {"id": 1}]))
    found = invoke(stream, settings(source, **children), DEAD_LETTER_BUCKET="b")

    assert (found["accepted"], found["dead_lettered"]) == (2, 1)
    assert [each["reason"] for each in dead if reason in each["reason"]]
    assert [request.path for request in source.requests] == ["/orders", "/orders/1/items"]


def test_a_parent_that_is_gone_is_a_dead_letter(hostile: Hostile, dead: list[Any], stream: Stream) -> None:
    """A record that was deleted meanwhile does not end the run."""
    source = hostile(serving([{"id": 9}, {"id": 1}]))
    found = invoke(stream, settings(source), DEAD_LETTER_BUCKET="b")

    assert (found["accepted"], found["dead_lettered"]) == (2, 1)
    assert "answers 404" in dead[0]["reason"]


def failing() -> dict[str, Behaviour]:
    """A server whose second order fails at the first attempt."""
    second = in_turn(answer(b"", status=401), answer(b"", status=401), answer(b"[2]"))
    items: dict[str, bytes | Behaviour] = {
        "/orders/1/items": b"[1]",
        "/orders/2/items": second,
        "/orders/3/items": b"[3]",
    }
    return serving([{"id": 1}, {"id": 2}, {"id": 3}], items)


def test_a_failure_names_the_child_and_goes_on_there(hostile: Hostile, stream: Stream) -> None:
    """A resume does not ask again for the children of the parents before."""
    source = hostile(failing())
    with pytest.raises(SourceRejected) as caught:
        invoke(stream, settings(source))
    details = caught.value.details
    source.behaviours["/orders/2/items"] = answer(b"[2]")  # type: ignore[index]
    invoke(stream, settings(source) | {"resume": json.loads(str(details["resume"]))})

    assert (details["child_url"], details["page"]) == (source.url("/orders/2/items"), 1)
    assert [each["record"] for each in data(stream)] == [1, 2, 3]


def test_a_page_with_other_parents_is_read_anew(hostile: Hostile, stream: Stream) -> None:
    """Whoever came before would be left out otherwise."""
    source = hostile(serving([{"id": 0}, {"id": 1}], {f"/orders/{n}/items": b"[%d]" % n for n in (0, 1)}))
    invoke(stream, settings(source) | {"resume": {"parents": [1, "0123456789abcdef"]}})

    assert [each["record"] for each in data(stream)] == [0, 1]


def test_parents_are_bounded(hostile: Hostile, stream: Stream) -> None:
    """The run fails at the bound, and goes on behind it."""
    source = hostile(serving())
    event = settings(source, max_parents=1)
    with pytest.raises(LimitExceeded, match=r"children\.max_parents = 1; raise it") as caught:
        invoke(stream, event)
    invoke(stream, event | {"resume": json.loads(str(caught.value.details["resume"]))})

    assert [each["record"] for each in data(stream)] == [10, 11, {"x": 1.5}]


def test_children_are_asked_for_at_the_pace_of_their_parents(hostile: Hostile) -> None:
    """Each request counts from the one before it, whichever of the two it was."""
    source = hostile(serving())
    waits = Waits()
    parents = reader_of(
        settings(source) | {"rate": {"min_interval_seconds": 2}},
        deadline=waits.deadline(60),
        clock=lambda: waits.now,
    )
    child = decode_settings(
        settings(source) | {"rate": {"min_interval_seconds": 2}}, Source, where="test"
    ).child
    assert child is not None
    bodies_of(parents)
    for number in (1, 1):
        bodies_of(parents.of_child(child, {"parent.id": number}))

    assert waits.seconds == [2.0, 2.0]


def test_children_share_the_limit_of_records(hostile: Hostile, stream: Stream) -> None:
    """It is for the whole source."""
    source = hostile(serving([{"id": 1}, {"id": 1}]))

    with pytest.raises(LimitExceeded, match=r"limits\.max_records = 3"):
        invoke(stream, settings(source) | {"limits": {"max_records": 3}})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"children": {"url": "https://a.test/items"}}, "no placeholder of its parent"),
        ({"children": {"url": "https://b.test/{parent.id}"}}, "origin"),
        ({"children": {"url": "https://a.test:99999/{parent.id}"}}, "children: "),
        ({"children": {"url": "https://a.test/{parent.id}/{page}"}}, 'pagination.kind = "page"'),
        ({"children": {"url": "https://a.test/{parent.id}", "body": "x"}}, 'method = "POST"'),
        ({"children": {"url": "https://{parent.id}.test/"}}, "and a host"),
        ({"children": {"url": "https://a.test/{parent.id}/{since}"}}, "`children` has no windows"),
        ({"url": "https://a.test/{parent.id}"}, "in `children`"),
        ({"resume": {"parents": [1, "a"]}}, "source without `children`"),
    ],
)
def test_children_that_cannot_be_asked_for_are_refused(
    stream: Stream, keys: dict[str, Any], words: str
) -> None:
    """Before the first request."""
    with pytest.raises(ConfigurationError) as caught:
        invoke(stream, {"url": "https://a.test/orders", **keys})

    assert words in str(caught.value)


def resume_of(caught: pytest.ExceptionInfo[IngestionError]) -> dict[str, Any]:
    """The event's `resume` that a failure gives."""
    return {"resume": json.loads(str(caught.value.details["resume"]))}


def test_a_page_that_is_asked_for_again_keeps_what_was_done(hostile: Hostile, stream: Stream) -> None:
    """An error with a good status does not make a resume forget the parents whose children were read."""
    lists = [b'{"ok": true, "data": [{"id": 1}, {"id": 2}]}', b'{"ok": false, "data": []}']
    source = hostile(failing() | {"/orders": in_turn(*map(answer, (lists[0], lists[1], lists[0])))})
    event = settings(source) | {"record_path": "data", "retry_when": [{"path": "ok", "equals": False}]}
    with pytest.raises(SourceRejected) as caught:
        invoke(stream, event)
    source.behaviours["/orders/2/items"] = answer(b"", status=400)  # type: ignore[index]
    with pytest.raises(SourceRejected) as again:
        invoke(stream, event | resume_of(caught))

    assert [each["record"] for each in data(stream)] == [1]
    assert (again.value.details["page"], resume_of(again)) == (1, resume_of(caught))


def test_a_status_that_the_user_calls_an_error_ends_the_run(hostile: Hostile, stream: Stream) -> None:
    """With a `fail_when` for 404 it is no parent without children."""
    source = hostile(serving([{"id": 9}]))

    with pytest.raises(SourceRejected, match="fail_when"):
        invoke(stream, settings(source, fail_when=[{"status": 404}]), DEAD_LETTER_BUCKET="b")


def test_an_oversized_parent_says_that_it_was_not_asked_for(
    hostile: Hostile, dead: list[Any], stream: Stream
) -> None:
    """Its own dead letter says that its children are missing, too."""
    source = hostile(serving([{"id": 1, "x": "y" * 3_000}, {"id": 1}]))
    invoke(stream, settings(source) | {"limits": {"max_record_kib": 1}}, DEAD_LETTER_BUCKET="b")

    assert [each["reason"] for each in dead] == [
        "has 3018 bytes; the limit is 1024; its children were not asked for"
    ]
    assert len(data(stream)) == 2


def test_numbers_of_a_parent_keep_their_digits(hostile: Hostile, dead: list[Any], stream: Stream) -> None:
    """None is rounded; one that no decimal number can hold makes a dead letter."""
    numbers = b'{"id": 1, "a": 1.50, "b": 0.12345678901234567890123, "c": 1e400, "d": 123456789012345678901}'
    parents = b'[%s, {"id": 1, "a": 1e99999999999999999999}, {"id": 1, "a": NaN}]' % numbers
    source = hostile({"/orders": answer(parents), "/orders/1/items": answer(b"[1]")})
    invoke(stream, settings(source, fields=["a", "b", "c", "d"]), DEAD_LETTER_BUCKET="b")
    (line,) = b"".join(stream.data).splitlines()

    assert (
        b'{"id":1,"a":1.50,"b":0.12345678901234567890123,"c":1E+400,"d":123456789012345678901},"record":1}'
        in line
    )
    assert len(dead) == 2


def test_a_url_that_a_parent_makes_too_long_is_a_dead_letter(
    hostile: Hostile, dead: list[Any], stream: Stream
) -> None:
    """It does not end the run: each resume would end at the same parent."""
    items = in_turn(*map(answer, (b"[1]", b"[2]", b"[]")))
    source = hostile(serving([{"id": "日" * 1_000}, {"id": 1}], {"/orders/1/items": items}))
    for pagination in ({"kind": "none"}, {"kind": "page"}):
        query = {"a": "{parent.id}", "b": "{parent.id}"}
        invoke(stream, settings(source, query=query, pagination=pagination), DEAD_LETTER_BUCKET="b")

    assert [each["record"] for each in data(stream)] == [1, 2]
    assert ["characters, over 16384" in each["reason"] for each in dead] == [True, True]


def test_parents_take_bounded_memory(
    hostile: Hostile, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page whose parents' fields are over the bound ends the run before the first child request."""
    monkeypatch.setattr(parents, "_MAX_WAITING_BYTES", 20)
    source = hostile(serving([{"id": 1}] * 3))
    with pytest.raises(LimitExceeded, match="ask for less a page"):
        invoke(stream, settings(source))

    assert [request.path for request in source.requests] == ["/orders"]


def test_a_repeated_page_has_no_children(hostile: Hostile, stream: Stream) -> None:
    """A source that clamps its pages is not asked twice for the children of its last one."""
    orders = in_turn(*map(answer, (b'[{"id": 1}, {"id": 2}]', b'[{"id": 3}]', b'[{"id": 3}]')))
    items: dict[str, Behaviour] = {f"/orders/{n}/items": answer(b"[%d]" % n) for n in (1, 2, 3)}
    source = hostile({"/orders": orders, **items})
    found = invoke(stream, settings(source) | {"pagination": {"kind": "page"}})

    assert [each["record"] for each in data(stream)] == [1, 2, 3]
    assert (found["parents"], found["child_requests"], found["pages"]) == (3, 3, 6)


def test_a_warning_names_the_child_request(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reader has to know whose pages are in doubt."""
    pages = in_turn(*map(answer, (b"[1, 2]", b"[3, 4]", b"[3, 4]")))
    source = hostile(serving([{"id": 1}], {"/orders/1/items": pages}))
    invoke(stream, settings(source, pagination={"kind": "page"}))

    assert f"{source.url('/orders/1/items')}: there may be more pages" in capsys.readouterr().out


@pytest.mark.parametrize("query", [{"api_key": "hunter2"}, {"token": "{parent.key}"}])
def test_a_secret_in_a_childs_url_is_not_told(
    hostile: Hostile,
    dead: list[Any],
    stream: Stream,
    capsys: pytest.CaptureFixture[str],
    query: dict[str, str],
) -> None:
    """Neither the user's nor the parent's, also where the source repeats it."""
    said = [answer(b'{"error": "no hunter2"}', status=status) for status in (404, 400)]
    source = hostile(serving([{"id": 1, "key": "hunter2"}] * 2, {"/orders/1/items": in_turn(*said)}))
    with pytest.raises(SourceRejected, match="no REDACTED") as caught:
        invoke(stream, settings(source, query=query), DEAD_LETTER_BUCKET="b")

    assert "hunter2" not in capsys.readouterr().out + str(caught.value.details)
    assert [("no REDACTED" in each["reason"], "hunter2" in each["reason"]) for each in dead] == [
        (True, False)
    ]


def test_time_that_is_up_between_children_is_told(hostile: Hostile, stream: Stream) -> None:
    """The event goes on at the next parent."""
    late = in_turn(answer(b"", status=429, headers={"Retry-After": "3600"}), answer(b"[2]"))
    source = hostile(failing() | {"/orders/2/items": late})
    with pytest.raises(DeadlineExceeded) as caught:
        invoke(stream, settings(source))
    invoke(stream, settings(source) | resume_of(caught))

    assert [each["record"] for each in data(stream)] == [1, 2, 3]


def test_parents_may_be_rows_or_elements(hostile: Hostile, stream: Stream) -> None:
    """The fields of CSV and of XML are named as in the records."""
    xml = answer(b"<r><o id='1'/></r>", headers={"Content-Type": "application/xml"})
    source = hostile({"/orders": in_turn(answer(b"id,na.me\n1,x\n"), xml), "/orders/1/items": answer(b"[7]")})
    invoke(stream, settings(source, fields=["/na.me"]) | {"format": "csv"})
    url = source.url("/orders/{parent.@id}/items")
    invoke(stream, settings(source, url=url) | {"format": "xml", "record_path": "r.o"})

    assert data(stream) == [
        {"parent": {"id": "1", "/na.me": "x"}, "record": 7},
        {"parent": {"@id": "1"}, "record": 7},
    ]


def test_each_window_has_parents(hostile: Hostile, stream: Stream) -> None:
    """Their children are asked for window by window."""
    source = hostile(serving([{"id": 1}], {"/orders/1/items": b"[1]"}))
    start = (datetime.now(UTC) - timedelta(hours=36)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = invoke(
        stream, settings(source) | {"query": {"from": "{since}"}, "windows": {"start": start, "days": 1}}
    )

    assert (found["accepted"], found["parents"]) == (2, 2)


@given(values, st.sampled_from(["url", "query", "headers", "member", "text"]))
def test_no_parent_ends_a_run(value: str, place: str) -> None:
    """Whatever stands in a record, its request can be sent as it was meant, or it has none."""
    text, url = "{parent.id}", "https://a.test/items"
    places: dict[str, dict[str, Any]] = {
        "url": {"url": f"{url}/{text}/of"},
        "query": {"query": {"o": text}},
        "headers": {"headers": {"X-O": text}},
        "member": {"method": "POST", "body": {"o": text}},
        "text": {"method": "POST", "body": f"order '{text}'"},
    }
    event = {"url": "https://a.test/orders", "children": {"url": url, **places[place]}}
    source = decode_settings(event, Source, where="test")
    assert source.children is not None
    assert source.child is not None
    try:
        parent = source.children.parent_of(b'{"id": %s}' % value.encode())
        reader = reader_of(event).of_child(source.child, parent.values)
    except (NoChild, MalformedBody):
        return
    sent = request_of(source.child, reader._pager.step)

    assert re.fullmatch(r"https://a\.test/items(/[^/?#]+/of)?(\?o=[^&#]*)?", sent.url)
    assert all(text == text.strip() and "\n" not in text for text in sent.headers.values())
