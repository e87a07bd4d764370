"""Secrets of every kind of character, looked for in everything that leaves the process."""

import base64
import gzip
import json
import logging
import re
import string
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest

from local_aws.servers.hostile_source import (
    Behaviour,
    Connection,
    HostileSource,
    Request,
    answer,
    head,
    in_turn,
    redirect,
    reset,
)
from tests.url_fetcher.invoking import ENVIRON, Context, Stream
from tests.url_fetcher.reading import ARN, Hostile, Objects, Secrets
from url_fetcher.clients import Clients
from url_fetcher.delivery import dead_letters
from url_fetcher.errors import IngestionError
from url_fetcher.handler import run
from url_fetcher.telling.logs import take_over

SECRETS = {
    "letters": "hunterTwoSecret",
    "digits": "90417263548",
    "punctuation": f"Zq7{string.punctuation}Zq7",
    "spaces": "open sesame  now",
    "escapes": r"pw%41%zz\u0041\n\x41%25end",
    "plus and slash": "q+r/s=t+u/v==",
    "Latin-1": "pässwörð¿ÿ",
    "beyond Latin-1": "пароль-密码-€",
    "emoji": "key😀🔑key",
    "separators": "a\u2028b\u2029c\u200bd\u0085e",
    "a token": ".".join(base64.urlsafe_b64encode(bytes(range(at, at + 60))).decode() for at in (0, 99, 180)),
    "long": "0123456789abcdef" * 120,
    "four characters": "k#9Z",
}


def lower(text: str) -> str:
    """Percent-encoded with digits in lower case."""
    return "".join(
        f"%{byte:02x}" if byte > 126 or not chr(byte).isalnum() else chr(byte) for byte in text.encode()
    )


ENCODERS: tuple[Callable[[str], str], ...] = (
    str,
    lower,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
    lambda text: text.encode().decode("latin-1"),
    lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
)


_ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|\\([^ux])", re.IGNORECASE)


def unescaped(escape: "re.Match[str]") -> str:
    """The character that an escape stands for."""
    return chr(int(escape[1] or escape[2], 16)) if escape[1] or escape[2] else escape[3]


def found(secret: str, told: str) -> list[str]:
    """The forms of a secret that stand in a text, or in what it decodes to."""
    readings = {told, unquote(told), unquote_plus(told), unquote(told, "latin-1")}
    readings |= {_ESCAPE.sub(unescaped, reading) for reading in readings}
    forms = {encode(secret) for encode in ENCODERS}
    return [form for form in forms if any(form in reading for reading in readings)]


def asked(request: Request) -> str:
    """All of a request that may be secret."""
    headers = [request.headers.get(name, "") for name in ("authorization", "x-key")]
    return "".join([*headers, request.query.get("k", "")])


def echo_in_location(connection: Connection, request: Request) -> None:
    """Redirect in circles, each time to where everything asked for is in lower-case escapes."""
    redirect(f"/?echo={lower(asked(request))}&echo={quote(asked(request))}")(connection, request)


def echo_elsewhere(connection: Connection, request: Request) -> None:
    """Redirect to a host that is not allowed, and whose user is the secret."""
    redirect(f"http://{quote(asked(request), safe='')}:x@127.0.0.2/?key={quote_plus(asked(request))}")(
        connection, request
    )


def echo_without_colon(connection: Connection, request: Request) -> None:
    """Break the headers with a line that holds everything, which urllib3 logs."""
    line = asked(request).encode().decode("latin-1").encode("latin-1").replace(b"\x85", b"")
    broken = head(headers={"Content-Length": "2"}).removesuffix(b"\r\n") + line + b"\r\n\r\n"
    connection.send(broken + b"[]")


def echo_in_link(connection: Connection, request: Request) -> None:
    """Name a next page on another host, with everything in its query."""
    link = f"<http://127.0.0.2/?k2={lower(asked(request))}>; rel=next"
    answer(b"[1]", headers={"Link": link})(connection, request)


BEHAVIOURS: dict[str, Behaviour] = {
    "succeeds": answer(b'1\n{"a": 2}\n{bad\n', content_type="application/x-ndjson"),
    "401": answer(b"", status=401),
    "503": answer(b"", status=503),
    "resets": in_turn(reset(), reset(head() + b"[1")),
    "redirects": echo_in_location,
    "redirects elsewhere": echo_elsewhere,
    "breaks its headers": echo_without_colon,
    "links": echo_in_link,
}

AUTHS: dict[str, Mapping[str, str]] = {
    "bearer": {"kind": "bearer", "secret_arn": ARN},
    "basic": {"kind": "basic", "secret_arn": ARN},
    "header": {"kind": "api_key", "secret_arn": ARN, "name": "X-Key"},
    "query": {"kind": "api_key", "secret_arn": ARN, "location": "query", "name": "k"},
    "oauth2": {"kind": "oauth2_client_credentials", "secret_arn": ARN},
}


PAIRS = [
    pytest.param(SECRETS[secret], AUTHS[auth], BEHAVIOURS[behaviour], id=f"{secret}, {auth}, {behaviour}")
    for row, secret in enumerate(SECRETS)
    for column, behaviour in enumerate(BEHAVIOURS)
    for auth in [list(AUTHS)[(row + column) % len(AUTHS)]]
]
"""Each secret with each behaviour, each secret with each authentication, and each of both with each other."""


class Store:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def put_object(self, *, Body: bytes, **_: object) -> object:  # noqa: N803 - boto3's name
        """As S3."""
        self.bodies.append(gzip.decompress(Body))
        return {}


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    """What ``take_over`` changes in the process is put back."""
    root = logging.getLogger()
    before = root.handlers, threading.excepthook, sys.unraisablehook, warnings.showwarning
    yield
    logging.captureWarnings(False)
    root.handlers, threading.excepthook, sys.unraisablehook, warnings.showwarning = before


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it says led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def everything(
    source: HostileSource,
    auth: Mapping[str, str],
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """All that leaves the process in one invocation, in one text."""
    if auth["kind"] == "oauth2_client_credentials":
        auth = {**auth, "token_url": source.url("/token")}
    store, stream, told = Store(), Stream(), ""
    monkeypatch.setattr(dead_letters, "s3_client", lambda: store)
    names = ("username", "password", "token", "api_key", "client_id", "client_secret")
    settings: dict[str, Any] = {"url": source.url("/"), "auth": auth, "retry": {"max_attempts": 1}}
    settings["pagination"] = {"kind": "link_header"}
    objects = Objects(json.dumps([settings]))
    secrets = Secrets(json.dumps(dict.fromkeys(names, secret)))
    clients = Clients(kinesis=stream, secrets_manager=secrets, s3=objects)
    take_over(clients.redactor)
    environ = ENVIRON | {"SOURCES_URI": objects.uri, "LOG_LEVEL": "DEBUG", "DEAD_LETTER_BUCKET": "b"}
    try:
        told += str(run({}, Context(), environ=environ, clients=clients))
    except IngestionError as error:
        told += "".join(traceback.format_exception(error)) + repr(error.details)
        told += "".join(f"{each!s} {each!r} {vars(each)} {each.args!r}" for each in chain(error))
    captured = capsys.readouterr()
    return "\n".join([told, captured.out, captured.err, *map(bytes.decode, [*stream.data, *store.bodies])])


@pytest.mark.parametrize(("secret", "auth", "behaviour"), PAIRS)
def test_nothing_that_leaves_the_process_tells_a_secret(
    hostile: Hostile,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    secret: str,
    auth: Mapping[str, str],
    behaviour: Behaviour,
) -> None:
    """Answers, errors and their chain, log records, both streams, records and dead letters hold no form."""
    token = answer(
        json.dumps({"access_token": "t0ken" + "".join(filter(str.isalnum, lower(secret)))}).encode()
    )
    source = hostile({"/": behaviour, "/token": token})

    assert found(secret, everything(source, auth, secret, monkeypatch, capsys)) == []


def test_a_secret_that_is_told_is_found() -> None:
    """The search sees a secret in each of its forms."""
    missed = [
        (name, at)
        for name, secret in SECRETS.items()
        for at, encode in enumerate(ENCODERS)
        if not found(secret, f"before {encode(secret)} after")
    ]

    assert missed == []
