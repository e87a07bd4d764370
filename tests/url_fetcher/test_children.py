"""Child requests: one for each record of a parent, whose fields the child's records carry."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from local_aws.servers.hostile_source import Behaviour, HostileSource, answer, in_turn
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile, Waits, bodies_of, reader_of
from url_fetcher.delivery import dead_letters
from url_fetcher.errors import ConfigurationError, LimitExceeded, SourceRejected
from url_fetcher.intake.decoding import decode_settings
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
