"""Reads the user's input: a URL with headers and secrets from the environment, or a configured source."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from tools.probe.look import name_of
from url_fetcher.http.transport import Credentials
from url_fetcher.telling.redaction import secrets_in

AUTHORIZATION = "PROBE_AUTHORIZATION"
API_KEY = "PROBE_API_KEY"
_PLACEHOLDER = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
_HEADER = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*?)\s*", re.DOTALL)


class GivenError(Exception):
    """When the user's input cannot be used; the message says how to write it."""


class Given(NamedTuple):
    """A source as far as the user knows it.

    Attributes:
        settings: The source's settings, without secrets.
        credentials: The credentials that the user gave; None if there are none.
        secrets: Texts that must never be printed.
        doubts: Notes for the user on uncertain settings.
    """

    settings: dict[str, Any]
    credentials: Credentials | None
    secrets: tuple[str, ...]
    doubts: tuple[str, ...]


def from_url(url: str, headers: Sequence[str], environ: Mapping[str, str]) -> Given:
    """Returns the source at a URL.

    Args:
        url: With its query; parameters with a secret's name become the source's ``auth``.
        headers: Each as ``Name: value``.
        environ: May have PROBE_AUTHORIZATION, the value of that header, or PROBE_API_KEY as ``Name: value``.

    Raises:
        GivenError: When one of them has another form.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise GivenError(
            "the URL must begin with https:// (or http://) and a host, without user and password; "
            f"give these in {AUTHORIZATION}"
        )
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    hidden = set(secrets_in(url))
    open_pairs = [(name, value) for name, value in pairs if value not in hidden]
    closed = {name: value for name, value in pairs if value in hidden}
    if len({name for name, _ in open_pairs}) < len(open_pairs):
        raise GivenError("the URL has a query parameter twice; a source's `query` holds each once")
    settings: dict[str, Any] = {
        "name": name_of(url),
        "url": urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", "")),
    }
    if given := dict(map(_header, headers)):
        settings["headers"] = given
    if open_pairs:
        settings["query"] = dict(open_pairs)
    found = _with_auth(settings, closed, environ)
    if parts.scheme == "http":
        found = found._replace(doubts=("url: http:// needs fetch.allow_http = true", *found.doubts))
    return found


def with_request(given: Given, method: str, body: str) -> Given:
    """The source with a method and a body.

    Args:
        given: The source.
        method: Empty: POST if there is a body, else GET.
        body: A JSON object, which is sent as JSON, or any other text.

    Raises:
        GivenError: When a GET has a body, or a text begins as a JSON object does and is none.
    """
    if not body:
        return given._replace(settings=given.settings | ({"method": method} if method == "POST" else {}))
    if method == "GET":
        raise GivenError("METHOD=GET: only a POST has a body; leave out METHOD or BODY")
    table: Any = body
    if body.lstrip().startswith("{"):
        try:
            table = json.loads(body)
        except ValueError as error:
            raise GivenError(f"BODY begins as JSON does, but is not JSON: {error}") from error
    # TOML has no null; mostly it stands where the first page has no cursor.
    sent = _without_nulls(table)
    doubts = ("body: members that are null are left out, because TOML has no null",) if sent != table else ()
    settings = given.settings | {"method": "POST", "body": sent}
    return given._replace(settings=settings, doubts=(*given.doubts, *doubts))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value if each is not None] if isinstance(value, list) else value


def from_source(source: Mapping[str, Any], environ: Mapping[str, str]) -> Given:
    """Returns a configured source; a secret in the environment replaces its own."""
    found = _with_auth({}, {}, environ)
    doubts = [f"children: were not asked for; `make try SOURCE={source.get('name')}` does"]
    return found._replace(settings=dict(source), doubts=tuple(doubts if source.get("children") else ()))


def _with_auth(settings: dict[str, Any], query: Mapping[str, str], environ: Mapping[str, str]) -> Given:
    """Adds the ``auth`` that sends the user's secrets to the settings."""
    headers: dict[str, str] = {}
    auth: dict[str, Any] | None = None
    arn = _PLACEHOLDER + str(settings.get("name", ""))
    if value := environ.get(AUTHORIZATION, "").strip():
        headers["Authorization"] = value
        auth = {**_by_scheme(value), "secret_arn": arn}
    if text := environ.get(API_KEY, ""):
        name, value = _header(text, setting=API_KEY)
        headers[name] = value
        auth = auth or {"kind": "api_key", "name": name, "secret_arn": arn}
    if query and not auth:
        auth = {"kind": "api_key", "location": "query", "name": next(iter(query)), "secret_arn": arn}
    if not auth:
        return Given(settings, None, (), ())
    texts = [*headers.values(), *query.values(), *(value.rpartition(" ")[2] for value in headers.values())]
    doubts = ["auth.secret_arn is a placeholder: store the secret in Secrets Manager and put its ARN here"]
    if len(headers) + len(query) > 1:
        doubts.append('auth: more than one secret was given, the block sends one; see auth.kind = "headers"')
    return Given({**settings, "auth": auth}, Credentials(headers, dict(query)), tuple(texts), tuple(doubts))


def _by_scheme(value: str) -> dict[str, Any]:
    scheme, space, _ = value.partition(" ")
    if scheme.lower() == "basic":
        return {"kind": "basic"}
    if not space:
        return {"kind": "bearer", "prefix": ""}
    return {"kind": "bearer"} if scheme == "Bearer" else {"kind": "bearer", "prefix": scheme}


def _header(text: str, setting: str = "HEADERS") -> tuple[str, str]:
    found = _HEADER.fullmatch(text)
    if not found:
        # The text is not quoted, because it may be a secret.
        raise GivenError(f"{setting}: a header is written as Name: value")
    return found[1], found[2]
