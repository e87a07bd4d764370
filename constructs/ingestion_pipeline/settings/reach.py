"""What can be known before a deploy of whether the function may fetch a source.

The function checks each address again when it connects: only then is it known what a host's name stands for.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from ingestion_pipeline.settings.rules import Problem, is_token
from ingestion_pipeline.settings.sources.problems import UncheckedSource
from ingestion_pipeline.settings.tables.fetch import FetchSettings


def unreachable(sources: Sequence[UncheckedSource], fetch: FetchSettings) -> list[Problem]:
    """The problems of all URLs that the function would refuse.

    Args:
        sources: Without problems of their own.
        fetch: Says what is allowed.
    """
    return [
        Problem(f"sources[{index}].{key}", url, advice)
        for index, source in enumerate(sources)
        for key, url in _urls(source)
        for advice in _refusals(url, fetch)
    ]


def _urls(source: UncheckedSource | None) -> Iterator[tuple[str, str]]:
    """Each URL of a source that is known, by its key."""
    if source is None:
        return
    places = {"url": source, "auth.token_url": source.get("auth"), "children.url": source.get("children")}
    for key, table in places.items():
        url = table.get(key.rpartition(".")[2]) if isinstance(table, Mapping) else None
        if isinstance(url, str) and not is_token(url):
            yield key, url


def _refusals(url: str, fetch: FetchSettings) -> Iterator[str]:
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme == "http" and not fetch.allow_http:
        yield "begins with http://: use https://, or set fetch.allow_http = true"
    if fetch.allowed_hosts and not any(_matches(host, allowed) for allowed in fetch.allowed_hosts):
        yield f"has the host {host}, which is not in fetch.allowed_hosts: add it there"
    if not fetch.allow_private_networks and _is_private(host):
        yield f"has the private address {host}: set fetch.allow_private_networks = true if that is meant"


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
