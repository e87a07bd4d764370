"""An RSS feed: XML of the latest items, among which one is added, one corrected and one dropped."""

import time
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer, head
from tests.recipes.recipe import (
    Case,
    RecipeContract,
    Refusal,
    Source,
)
from url_fetcher.errors import MalformedBody, SourceUnavailable

PATH = "/about-aws/whats-new/recent/feed/"
WAIT_SECONDS, LATEST = 1, 20


def item(number: int, title: str = "A <new> thing & more / für alle") -> dict[str, Any]:
    """An item as its record has to be."""
    return {
        "guid": {"@isPermaLink": "false", "#text": f"guid-{number}"},
        "title": title,
        "description": f"<p>Number {number} &amp; <b>bold</b></p>",
        "dc:creator": "Jürgen",
        "category": [f"general:products/{number}", "marketing:x"],
        "enclosure": {"@url": f"https://example.com/{number}.mp3?a=1&b=2", "@length": "12"},
    }


def written(one: dict[str, Any]) -> str:
    """An item in the feed, its description in CDATA."""
    guid, enclosure = one["guid"], one["enclosure"]
    categories = "".join(f"<category>{escape(each)}</category>" for each in one["category"])
    return (
        f'<item><guid isPermaLink="false">{guid["#text"]}</guid><title>{escape(one["title"])}</title>'
        f"<description><![CDATA[{one['description']}]]></description>"
        f"<dc:creator>{one['dc:creator']}</dc:creator><!-- an item -->{categories}"
        f'<enclosure url={quoteattr(enclosure["@url"])} length="{enclosure["@length"]}"/></item>\n'
    )


@dataclass
class Feed:
    """The feed, of which only the latest items are in the document.

    Attributes:
        items: The newest first.
        cuts: In how many of the next answers the connection breaks within the items.
        limits: Whether requests are too many until ``WAIT_SECONDS`` have passed.
        is_down: Whether a page of HTML is there instead.
    """

    items: list[dict[str, Any]] = field(default_factory=lambda: [item(n) for n in reversed(range(30))])
    cuts: int = 0
    limits: bool = False
    is_down: bool = False
    refused: list[float] = field(default_factory=list)

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The latest items."""
        return self.items[:LATEST]

    def __call__(self, connection: Connection, request: Request) -> None:
        """One request."""
        if self.limits and self._is_too_soon():
            answer(b"", status=429, headers={"Retry-After": str(WAIT_SECONDS)})(connection, request)
            return
        if self.is_down:
            html = b"<!DOCTYPE html><html><body>Down</body></html>"
            answer(html, content_type="text/html")(connection, request)
            return
        items = "".join(map(written, self.items[:LATEST]))
        content = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>News</title><ttl>60</ttl>\n'
            f"{items}</channel></rss>"
        ).encode()
        known = {"Content-Type": "application/rss+xml;charset=UTF-8", "Content-Length": str(len(content))}
        if self.cuts:
            self.cuts -= 1
            connection.send(head(headers=known) + content[: len(content) // 2])
            connection.sock.close()
            return
        connection.send(head(headers=known) + content)

    def _is_too_soon(self) -> bool:
        self.refused.append(time.monotonic())
        return self.refused[-1] - self.refused[0] < WAIT_SECONDS


class TestRssFeed(RecipeContract):
    case = Case(
        "rss-feed",
        Feed,
        paths=[PATH],
        limit={"limits": True},
        waited={"refused": 2},
        # A portal that answers 200 with HTML.
        refusal=Refusal("a page of HTML", error=MalformedBody, api={"is_down": True}),
    )

    def test_a_cut_feed_loses_nothing(self, api: Feed, source: Source) -> None:
        """There is no resume: a run after the failure brings the whole feed, with the ids that were put."""
        api.cuts = 5
        with pytest.raises(SourceUnavailable) as caught:
            self.ingested(source)
        api.cuts = 0

        rest = self.ingested(source)

        before = {line["id"] for line in caught.value.stream.lines}  # type: ignore[attr-defined]
        assert "resume" not in caught.value.details
        assert rest.values == api.expected
        assert before <= {line["id"] for line in rest.lines}

    def test_the_next_run_brings_what_changed_with_another_id(self, api: Feed, source: Source) -> None:
        """A new item and a corrected one are new; the others, which have moved, are what they were."""
        first = self.ingested(source)
        api.items = [item(30), *api.items]
        api.items[5] = item(26, "Corrected")

        second = self.ingested(source)

        known = {line["id"] for line in first.lines}
        assert second.values == api.expected
        assert [line["data"] for line in second.lines if line["id"] not in known] == [
            item(30),
            item(26, "Corrected"),
        ]
