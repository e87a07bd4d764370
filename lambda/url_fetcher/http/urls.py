"""Joins URLs and sets their query parameters, leaving the rest of them as it was."""

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus, urljoin

from url_fetcher.errors import AddressRefused
from url_fetcher.redaction import public_url


def joined(url: str, target: str) -> str:
    """Where a redirect or a link goes.

    Raises:
        AddressRefused: When that is not a URL; not retryable.
    """
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise AddressRefused(f"{public_url(url)}: leads to what is not a URL") from error


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these query parameters set, one of the same name replaced, the others as they were."""
    new = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
    kept = without_query(url, *parameters)
    return f"{kept}{'&' if '?' in kept else '?'}{new}" if new else kept


def without_query(url: str, *names: str) -> str:
    """The URL without these query parameters and without its fragment."""
    base, _, query = url.partition("#")[0].partition("?")
    kept = "&".join(
        pair for pair in query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in names
    )
    return f"{base}?{kept}" if kept else base
