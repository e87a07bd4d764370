"""Requests signed for AWS, checked by a server that knows the signature from the bytes it received."""

import json
import logging
import traceback
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError

from local_aws.servers.aws_signature import Signer, fault, signed
from local_aws.servers.hostile_source import (
    Behaviour,
    Connection,
    HostileSource,
    Request,
    answer,
    in_turn,
    redirect,
)
from tests.url_fetcher.reading import Hostile, Secrets, bodies_of, reader_of
from url_fetcher.errors import ConfigurationError, IngestionError, SourceRejected, SourceUnavailable
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.auth.auth_kind import OwnRole
from url_fetcher.source.schema import Source

KEY, TOKEN = "wJalrXUtnFEMI/K7MDENG", "s3ssion/t0ken+" + "x" * 200
SIGNER = Signer("ASIAEXAMPLE", KEY, "eu-west-1", "execute-api", TOKEN)
ROLE = OwnRole(lambda: ReadOnlyCredentials("ASIAEXAMPLE", KEY, TOKEN), "eu-west-1")
AUTH = {"kind": "aws_sigv4", "service": "execute-api"}
URL = "https://api.example.com/"


def read(source: HostileSource, path: str = "/", role: OwnRole = ROLE, **settings: Any) -> list[bytes]:
    """Every page of the path, asked for with the role's signature."""
    return bodies_of(reader_of({"auth": AUTH, "url": source.url(path), **settings}, role=role))


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("/", {}),
        ("/?b=2&a=1&a=0&c", {}),
        ("/?when=2026-01-01T00:00:00+00:00&list=a,b;c&all=*&x='(!)'", {}),
        ("/?a=%2f%7E%c3%bc&b=ü&c=%FF&&d==", {}),
        ("/", {"query": {"q": "a b+c/d=&é", "n": 1, "yes": True}}),
        ("/a%20b/ü/c:d,e*(f)!/$x@y;z", {}),
        ("/", {"method": "POST", "body": {"query": {"match_all": {}}}}),
        ("/", {"method": "POST", "body": "plain é"}),
        ("/", {"method": "POST"}),
        ("/", {"headers": {"X-Tenant": "é  7", "Content-Type": "text/x;  a=b", "X-Amz-Target": "a  b"}}),
    ],
)
def test_what_is_sent_is_what_is_signed(hostile: Hostile, target: str, settings: dict[str, Any]) -> None:
    """Method, path, query, body and AWS's headers are signed as they come over the wire."""
    seen: list[str] = []

    def check(connection: Connection, request: Request) -> None:
        seen.append(fault(request, SIGNER))
        answer(b"[1]")(connection, request)

    source = hostile(Everywhere(check))
    read(source, target, **settings)

    assert seen == [""]


class Everywhere(dict[str, Behaviour]):
    """The same behaviour at every path."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__()
        self.behaviour = behaviour

    def get(self, path: str, default: Any = None) -> Any:  # noqa: ARG002 - dict's signature
        """The behaviour."""
        return self.behaviour


@pytest.mark.parametrize(
    "other",
    [
        Signer("ASIAEXAMPLE", "another", "eu-west-1", "execute-api", TOKEN),
        Signer("ASIAEXAMPLE", KEY, "us-east-1", "execute-api", TOKEN),
        Signer("ASIAEXAMPLE", KEY, "eu-west-1", "es", TOKEN),
        Signer("ASIAEXAMPLE", KEY, "eu-west-1", "execute-api", "another"),
    ],
)
def test_another_signer_is_refused(hostile: Hostile, other: Signer) -> None:
    """The server that checks does refuse a signature with another key, Region, service or session."""
    source = hostile({"/": signed(answer(b"[1]"), other)})

    with pytest.raises(SourceRejected, match="403"):
        read(source)


def test_service_and_region_may_be_named(hostile: Hostile) -> None:
    """A service in another Region than the function's gets a signature for that one."""
    source = hostile({"/": signed(answer(b"[1]"), Signer("ASIAEXAMPLE", KEY, "us-east-1", "es", TOKEN))})

    assert read(source, auth={"kind": "aws_sigv4", "service": "es", "region": "us-east-1"}) == [b"[1]"]


def test_a_key_of_a_user_has_no_session(hostile: Hostile) -> None:
    """Keys without a session's token sign, too."""
    signer = Signer("AKIAEXAMPLE", KEY, "eu-west-1", "execute-api")
    source = hostile({"/": signed(answer(b"[1]"), signer)})

    assert read(source, role=OwnRole(lambda: ReadOnlyCredentials("AKIAEXAMPLE", KEY, None), "eu-west-1")) == [
        b"[1]"
    ]


def test_each_request_is_signed_with_the_keys_of_its_time(hostile: Hostile) -> None:
    """A retry, a redirect at home and a page are signed anew; keys that changed meanwhile are used."""
    signers = [
        Signer("ASIAEXAMPLE", f"{KEY}{n}", "eu-west-1", "execute-api", f"{TOKEN}{n}") for n in range(3)
    ]
    keys = iter(signers)

    def current() -> ReadOnlyCredentials:
        signer = next(keys)
        return ReadOnlyCredentials(signer.access_key, signer.secret_key, signer.token)

    source = hostile(
        {
            "/": in_turn(
                signed(answer(b"", status=503), signers[0]), signed(redirect("/moved?b=2&a=1"), signers[1])
            ),
            "/moved": signed(answer(b"[1]", headers={"Link": '</2>; rel="next"'}), signers[1]),
            "/2": signed(answer(b"[2]"), signers[2]),
        }
    )

    assert read(source, role=OwnRole(current, "eu-west-1"), pagination={"kind": "link_header"}) == [
        b"[1]",
        b"[2]",
    ]


@pytest.mark.parametrize("status", [302, 307])
def test_a_signature_does_not_follow_a_redirect_elsewhere(hostile: Hostile, status: int) -> None:
    """Another origin gets neither a signature nor the session's token."""
    thief = hostile({"/": answer(b"[1]")})
    source = hostile({"/": redirect(thief.url("/"), status=status)})
    read(source)
    names = [name for name in thief.requests[0].headers if name.startswith(("x-amz", "authorization"))]

    assert names == []


def test_a_refusal_is_final(hostile: Hostile) -> None:
    """What AWS denies is not asked for again."""
    source = hostile({"/": answer(b'{"message": "User is not authorized"}', status=403)})
    with pytest.raises(SourceRejected, match="403"):
        read(source)

    assert len(source.requests) == 1


def failing() -> ReadOnlyCredentials:
    """As botocore's, when the place that gives keys does not answer."""
    raise CredentialRetrievalError(provider="p", error_msg="m")


@pytest.mark.parametrize(
    ("role", "error"),
    [
        (OwnRole(lambda: None, "eu-west-1"), ConfigurationError),
        (OwnRole(ROLE.credentials, ""), ConfigurationError),
        (OwnRole(failing, "eu-west-1"), SourceUnavailable),
    ],
)
def test_without_keys_nothing_is_sent(hostile: Hostile, role: OwnRole, error: type[IngestionError]) -> None:
    """A function without keys or Region says so before it asks."""
    source = hostile({"/": answer(b"[1]")})
    with pytest.raises(error, match="auth:"):
        read(source, role=role)

    assert source.requests == []


def test_neither_key_nor_session_is_told(hostile: Hostile, caplog: pytest.LogCaptureFixture) -> None:
    """Errors and botocore's own log lines, cleaned as the function cleans them, hold neither."""
    source = hostile({"/": answer(b"", status=403)})
    secrets = Secrets()
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SourceRejected) as caught:
        bodies_of(reader_of({"url": source.url("/"), "auth": AUTH}, role=ROLE, secrets=secrets))
    told = caplog.text + "".join(traceback.format_exception(caught.value)) + str(caught.value.details)
    cleaned = secrets.redactor.clean(told)

    assert [secret in cleaned for secret in (KEY, TOKEN)] == [False, False]


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({}, "service"),
        ({"service": "s3"}, "Invalid enum value 's3'"),
        ({"service": "es", "region": "Europe"}, "auth.region.*'Europe'"),
        ({"service": "es", "resource_arn": "*"}, r"auth.resource_arn.*'\*'"),
        ({"service": "es", "resource_arn": "arn:aws:es:eu-west-1:123456789012:*"}, "auth.resource_arn"),
        (
            {"service": "es", "resource_arn": "arn:aws:lambda:eu-west-1:123456789012:function:f"},
            "`resource_arn` is not of `service` = 'es'",
        ),
    ],
)
def test_wrong_values_are_told(auth: dict[str, str], message: str) -> None:
    """The error has the field, the value and what is allowed."""
    settings = json.loads(json.dumps({"url": URL, "auth": {"kind": "aws_sigv4"} | auth}))

    with pytest.raises(ConfigurationError, match=message):
        decode_settings(settings, Source, where="test")
