"""Translates what requests, urllib3 and sockets raise into the errors of a source."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions

from url_fetcher.errors import AddressRefused, SourceError, SourceRejected, SourceTimeout, SourceUnavailable
from url_fetcher.redaction import public_url

if TYPE_CHECKING:
    from url_fetcher.connection import Dialer


@contextmanager
def translated(url: str, dialer: "Dialer") -> Iterator[None]:
    """Turn foreign errors into ours, the cause kept.

    Raises:
        SourceError: Of the kind that says the same; retryable if asking again may help.
    """
    try:
        yield
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        OSError,
    ) as error:
        raise _translate(error, public_url(url), dialer) from error


def _translate(error: Exception, url: str, dialer: "Dialer") -> SourceError:
    """The error of our tree that says the same."""
    chain = list(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError | ssl.CertificateError) for each in chain):
        return SourceRejected(f"{url}: its certificate cannot be verified; it must be valid for this host")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | ValueError):
        return AddressRefused(f"{url}: not a URL that can be asked for", cause=type(error).__name__)
    if any(isinstance(each, TimeoutError | urllib3.exceptions.TimeoutError) for each in chain):
        limit = (
            "the deadline" if dialer.deadline.passed else f"{dialer.read_timeout_seconds:g} s without a byte"
        )
        return SourceTimeout(f"{url}: no answer or no more of it: {limit} passed", cause=type(error).__name__)
    if any(isinstance(each, http.client.IncompleteRead) for each in chain):
        return SourceUnavailable(f"{url}: the body was cut short", cause=type(error).__name__)
    return SourceUnavailable(
        f"{url}: the connection failed: {type(chain[-1]).__name__}", cause=type(error).__name__
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, by cause, by context and, as urllib3 does, by argument."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        waiting += [one for one in inner if isinstance(one, BaseException)]
