"""What a source is told by, and so what the ids of its records depend on."""

from typing import Any

import pytest

from tests.url_fetcher.reading import ARN
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.identity import identity
from url_fetcher.source.schema import Source

ORDERS: dict[str, Any] = {"url": "https://api.example.com/orders?status=paid&sort=id"}


def identity_of(settings: dict[str, Any]) -> str:
    """The identity of the source with these settings."""
    return identity(decode_settings(settings, Source, where="test"))


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "orders"},
        {"headers": {"X-Tenant": "7"}},
        {"auth": {"kind": "api_key", "secret_arn": ARN, "location": "query", "name": "k"}},
        {"pagination": {"kind": "page", "size_parameter": "size", "size": 7, "first": 3}},
        {"pagination": {"kind": "cursor"}},
        {"format": "ndjson", "record_path": "items"},
        {"limits": {"max_records": 1}, "rate": {"min_interval_seconds": 1}, "retry": {"max_attempts": 1}},
        {"url": "https://api.example.com/orders?sort=id&status=paid"},
        {"url": "https://api.example.com/orders", "query": {"sort": "id", "status": "paid"}},
        {"url": "https://api.example.com/orders?status=open", "query": {"sort": "id", "status": "paid"}},
        {"url": "https://me:secret@api.example.com/orders?status=paid&sort=id#top"},
    ],
)
def test_how_a_source_is_read_does_not_identify_it(settings: dict[str, Any]) -> None:
    """Its name, authentication, pagination, format and limits may change, and the ids stay."""
    assert identity_of(ORDERS | settings) == identity_of(ORDERS)


def test_a_secret_in_the_url_does_not_identify_a_source() -> None:
    """A key may be rotated, and the ids stay; nor is the key in the seed."""
    urls = [{"url": f"https://api.example.com/orders?api_key={key}"} for key in ("hunter2", "hunter3")]

    assert {identity_of(url) for url in urls} == {"https://api.example.com/orders?api_key=REDACTED"}


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "https://api.example.com/customers?status=paid&sort=id"},
        {"url": "https://api.example.org/orders?status=paid&sort=id"},
        {"url": "https://api.example.com/orders?status=open&sort=id"},
        {"url": "https://api.example.com/orders"},
        {"query": {"status": "open"}},
        {"query": {"page": 2}},
    ],
)
def test_url_and_query_identify_a_source(settings: dict[str, Any]) -> None:
    """Another host, path or configured parameter is another source."""
    assert identity_of(ORDERS | settings) != identity_of(ORDERS)


def test_parameters_of_one_name_keep_their_order() -> None:
    """Where a parameter is repeated its order may mean something."""
    urls = [{"url": f"https://api.example.com/orders?{query}"} for query in ("a=1&a=2", "a=2&a=1")]

    assert len({identity_of(url) for url in urls}) == 2
