"""What can be known before a deploy of whether the function may fetch a source.

The function checks each address again when it connects: only then is it known what a host's name stands for.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from ingestion_pipeline.settings.rules import Problem, is_token
from ingestion_pipeline.settings.sources.problems import UncheckedSource, named
from ingestion_pipeline.settings.tables.fetch import FetchSettings

PRIVATE_HOSTS = (
    r"^(localhost|.*\.localhost|0x[0-9a-f]+(\.(0x[0-9a-f]+|[0-9]+)){0,3}|[0-9]+(\.[0-9]+){0,2}"
    r"|(0[0-9]*|10|127|22[4-9]|23[0-9]|24[0-9]|25[0-5])(\.[0-9]+){3}"
    r"|(100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])|172\.(1[6-9]|2[0-9]|3[01]))(\.[0-9]+){2}"
    r"|(169\.254|192\.168|198\.1[89])(\.[0-9]+){2}|(192\.0\.[02]|192\.88\.99|198\.51\.100|203\.0\.113)\.[0-9]+"
    r"|\[([^23]|[23][0-9a-f]{0,2}:|2001:0?db8:|2002:).*)$"
)
"""Hosts that are not the Internet's, in lower case; a number is an odd form of an IPv4 address."""


def unreachable(sources: Sequence[UncheckedSource], fetch: FetchSettings) -> list[Problem]:
    """The problems of all URLs that the function would refuse.

    Args:
        sources: Without problems of their own.
        fetch: Says what is allowed.
    """
    return [
        named(source, Problem(f"sources[{index}].{key}", url, advice))
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
    literal = f"[{host}]" if ":" in host else host
    if not fetch.allow_private_networks and re.search(PRIVATE_HOSTS, literal):
        yield f"has the private address {host}: set fetch.allow_private_networks = true if that is meant"


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
