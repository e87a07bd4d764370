"""What identifies a source: its configured URL and query, before a run adds anything."""

from typing import TYPE_CHECKING

from url_fetcher.http.urls import with_query
from url_fetcher.telling.redaction import public_url

if TYPE_CHECKING:
    from url_fetcher.source.schema import Source


def configured_url(source: "Source") -> str:
    """The source's URL with its own query; without what pagination, a resume and authentication add."""
    return with_query(source.url, {name: _query_text(value) for name, value in source.query.items()})


def identity(source: "Source") -> str:
    """What tells the source from others, the same in every run: the seed of its records' ids.

    It is the configured URL without secrets. Its parameters are sorted, because their order is no part of
    what is asked for: Terraform sorts the keys of a source, pipeline.toml keeps them.
    """
    return identity_of(public_url(configured_url(source)))


def identity_of(source_url: str) -> str:
    """As `identity`, from what a record's line has as ``sourceUrl``."""
    base, mark, query = source_url.partition("?")
    # Stable: of parameters with the same name the order may mean something.
    ordered = sorted(query.split("&"), key=lambda pair: pair.partition("=")[0])
    return f"{base}{mark}{'&'.join(ordered)}"


def _query_text(value: str | float | bool) -> str:
    """A query parameter's text; booleans as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)
