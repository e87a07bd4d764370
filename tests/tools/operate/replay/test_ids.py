"""A record that was a dead letter is on the stream as if it had never been one."""

import gzip
import json

import pytest

from local_aws.servers.hostile_source import HostileSource, answer
from tests.url_fetcher.invoking import Stream, invoke
from tools.operate.replay.stored import Replayable
from url_fetcher.delivery import dead_letters
from url_fetcher.delivery.envelope import Lines
from url_fetcher.source.schema import Limits, Source

DEEP = '{"a":\n [[1, "ü"]]}'


class Store:
    """Keeps the objects of dead letters."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
        """As boto3's."""
        self.lines += gzip.decompress(Body).splitlines()
        return {}


@pytest.mark.parametrize("query", ["", "?b=1&a=2&api_key=secret"], ids=["plain", "with parameters"])
@pytest.mark.parametrize("is_old", [False, True], ids=["now", "of an older version"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (f"[{DEEP}]", "application/json"),
        (DEEP.replace("\n", " ") + " \r\n", "application/x-ndjson"),
    ],
    ids=["json", "ndjson"],
)
def test_its_line_is_the_one_of_a_later_run(
    monkeypatch: pytest.MonkeyPatch, query: str, is_old: bool, body: str, content_type: str
) -> None:
    """Replayed under another limit than it was rejected under, it has the id of a fetch under that one."""
    store, later = Store(), Stream()
    monkeypatch.setattr(dead_letters, "s3_client", lambda: store)
    with HostileSource({"/": answer(body.encode(), content_type=content_type)}) as source:
        event = {"url": source.url(f"/{query}")}
        invoke(Stream(), event | {"limits": {"max_nesting": 2}}, DEAD_LETTER_BUCKET="lake")
        invoke(later, event)
    (stored,) = map(json.loads, store.lines)
    if is_old:
        del stored["id"]
    sources = {"it": Source(url=event["url"], limits=Limits(max_nesting=3))}
    again = Replayable(is_packed=False, max_line_bytes=1_000_000, sources=sources)
    (wanted,) = later.lines
    made = again.of(json.dumps(stored).encode())

    assert isinstance(made, Lines)
    assert json.loads(made.joined()) | {"timestamp": ""} == wanted | {"timestamp": ""}
