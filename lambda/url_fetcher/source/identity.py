"""The identity of a source: its configured URL and query, without anything that a run adds."""

from typing import TYPE_CHECKING

from url_fetcher.http.urls import percent_encoded, with_query
from url_fetcher.source.placeholders import Values, filled_url, marked, without_braces
from url_fetcher.telling.redaction import public_url

if TYPE_CHECKING:
    from url_fetcher.source.schema import Source


def configured_url(source: "Source") -> str:
    """The source's URL with its own query, before pagination, a resume or authentication add to it."""
    # Resumes and cursors stay out of it: the same record must get the same id in every run.
    return with_query(source.url, {name: _query_text(value) for name, value in source.query.items()})


def request_url(source: "Source") -> str:
    """The same for a request: its only braces are those of placeholders, which each page fills."""
    query = {name: _query_text(value) for name, value in source.query.items()}
    return with_query(
        marked(source.url, without_braces), query, encoded=lambda text: marked(text, percent_encoded)
    )


def url_of_child(source: "Source", values: Values) -> str:
    """The URL of a child source: its own, with its parent's values but without those of a page."""
    return without_braces(filled_url(request_url(source), values))


def identity(source: "Source") -> str:
    """The text that stands for the source in every run, and from which its records' ids are made.

    It is the configured URL without secrets. Query parameters are sorted by name, because Terraform sorts
    the keys of a source and pipeline.toml does not, and both must give the same ids.
    """
    return identity_of(public_url(configured_url(source)))


def identity_of(source_url: str) -> str:
    """The same as ``identity``, computed from the ``sourceUrl`` of a delivered line."""
    base, mark, query = source_url.partition("?")
    # The sort is stable: the order of parameters with the same name may mean something to the source.
    ordered = sorted(query.split("&"), key=lambda pair: pair.partition("=")[0])
    return f"{base}{mark}{'&'.join(ordered)}"


def _query_text(value: str | float | bool) -> str:
    """The text of a query parameter's value; booleans are written as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)
