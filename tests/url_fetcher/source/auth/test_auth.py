"""Who asks: secrets sent where they belong and nowhere else."""

import base64
import json
import traceback
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local_aws.servers.hostile_source import (
    Behaviour,
    Connection,
    HostileSource,
    Request,
    answer,
    drip,
    gzip_bomb,
    in_turn,
    redirect,
    reset,
)
from tests.url_fetcher.reading import ARN, Hostile, Secrets, bodies_of, reader_of
from url_fetcher.deadline import Deadline
from url_fetcher.errors import (
    AddressRefused,
    ConfigurationError,
    IngestionError,
    MalformedBody,
    SourceRejected,
    SourceTimeout,
    SourceUnavailable,
)
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.schema import Source

SECRET = "hunter2/ü&=s3cret"
BEARER = {"kind": "bearer", "secret_arn": ARN}
KEY_HEADER = {"kind": "api_key", "secret_arn": ARN, "name": "X-Key"}
KEY_QUERY = {"kind": "api_key", "secret_arn": ARN, "location": "query", "name": "api_key"}

CLIENT_AUTH = {
    "kind": "oauth2_client_credentials",
    "secret_arn": ARN,
    "token_url": "https://login.example.com/token",
}
KEY_ALONE = {"kind": "basic", "secret_arn": ARN, "password_key": ""}
TWO_HEADERS = {
    "kind": "headers",
    "secret_arn": ARN,
    "headers": {"X-Api-Key": "api_key", "X-App-Key": "token"},
}


def oauth(source: HostileSource, **more: Any) -> dict[str, Any]:
    """Client credentials with that server's /token."""
    return {"kind": "oauth2_client_credentials", "secret_arn": ARN, "token_url": source.url("/token")} | more


CLIENT = json.dumps({"client_id": "id:1", "client_secret": "s e+cret"})


def token(value: str, **more: object) -> Behaviour:
    """Answer with a token."""
    return answer(json.dumps({"access_token": value, "token_type": "Bearer", **more}).encode())


def demanding(header: str, value: str) -> Behaviour:
    """Answer records to requests with that header, 401 to others."""

    def behave(connection: Connection, request: Request) -> None:
        is_right = request.headers.get(header) == value
        answer(b"[1]" if is_right else b"", status=200 if is_right else 401)(connection, request)

    return behave


@pytest.mark.parametrize(
    ("auth", "secret", "header", "value"),
    [
        (BEARER, "abc", "authorization", "Bearer abc"),
        (BEARER, "abc\n", "authorization", "Bearer abc"),
        (BEARER, '{"token": "abc"}', "authorization", "Bearer abc"),
        (BEARER | {"secret_key": "k"}, '{"k": "abc"}', "authorization", "Bearer abc"),
        (BEARER | {"prefix": "Token"}, "abc", "authorization", "Token abc"),
        (BEARER | {"prefix": "ApiKey"}, "aWQ6a2V5", "authorization", "ApiKey aWQ6a2V5"),
        (BEARER | {"prefix": ""}, "abc", "authorization", "abc"),
        (KEY_HEADER, "abc", "x-key", "abc"),
        (KEY_HEADER | {"name": "X-Shopify-Access-Token"}, "shpat_1", "x-shopify-access-token", "shpat_1"),
        (KEY_ALONE, "sk_test_1\n", "authorization", "Basic c2tfdGVzdF8xOg=="),
        (KEY_ALONE, '{"username": "sk_test_1"}', "authorization", "Basic c2tfdGVzdF8xOg=="),
        (
            {"kind": "basic", "secret_arn": ARN},
            '{"username": "me@example.com/token", "password": "zendesk"}',
            "authorization",
            "Basic " + base64.b64encode(b"me@example.com/token:zendesk").decode(),
        ),
        (
            {"kind": "basic", "secret_arn": ARN},
            '{"username": "me", "password": "pässword"}',
            "authorization",
            "Basic " + base64.b64encode("me:pässword".encode()).decode(),
        ),
        (
            {"kind": "basic", "secret_arn": ARN},
            '{"username": "key", "password": ""}',
            "authorization",
            "Basic a2V5Og==",
        ),
    ],
)
def test_a_secret_is_sent_as_the_source_wants_it(
    hostile: Hostile, auth: dict[str, str], secret: str, header: str, value: str
) -> None:
    """Tokens, keys, users and passwords reach the source in their header."""
    source = hostile({"/": demanding(header, value)})

    assert bodies_of(reader_of({"url": source.url("/"), "auth": auth}, secrets=Secrets(secret))) == [b"[1]"]


def test_several_headers_come_from_one_secret(hostile: Hostile) -> None:
    """Each header has the value of its key; the secret is read once."""
    source = hostile({"/": answer(b"[1]")})
    secrets = Secrets('{"api_key": "a1", "token": "b2"}')
    bodies_of(reader_of({"url": source.url("/"), "auth": TWO_HEADERS}, secrets=secrets))
    headers = source.requests[0].headers

    assert (headers["x-api-key"], headers["x-app-key"], secrets.calls) == ("a1", "b2", 1)


def test_a_user_with_a_colon_is_refused(hostile: Hostile) -> None:
    """The server would take what follows the colon for the password."""
    source = hostile({"/": answer(b"[1]")})
    with pytest.raises(ConfigurationError, match="has a colon") as caught:
        bodies_of(reader_of({"url": source.url("/"), "auth": KEY_ALONE}, secrets=Secrets("us3r:pass")))

    assert ("us3r" in str(caught.value), source.requests) == (False, [])


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (BEARER | {"prefix": "To ken"}, "auth.prefix.*'To ken'"),
        (BEARER | {"prefix": "a\r\nX: y"}, "auth.prefix"),
        (TWO_HEADERS | {"headers": {}}, "auth.headers.*>= 1"),
        (TWO_HEADERS | {"headers": {"X Key": "k"}}, "auth.headers"),
        (TWO_HEADERS | {"headers": {"X-Key": ""}}, "auth.headers"),
        (TWO_HEADERS | {"headers": {"Host": "k"}}, "`headers.Host` is set by the client itself"),
        (KEY_HEADER | {"name": "Content-Length"}, "header Content-Length is set by the client itself"),
        (CLIENT_AUTH | {"parameters": {"client_secret": "x"}}, "parameters.client_secret.* may be secret"),
        (CLIENT_AUTH | {"parameters": {"grant_type": "password"}}, "parameters.grant_type.* key of its own"),
        (CLIENT_AUTH | {"parameters": {"a b": "x"}}, "auth.parameters"),
        (CLIENT_AUTH | {"parameters": {"a": ""}}, "auth.parameters"),
        (CLIENT_AUTH | {"client_credentials_in": "query"}, "client_credentials_in.*'query'"),
        ({"kind": "oauth2_refresh_token", "secret_arn": ARN}, "token_url"),
        ({"kind": "magic"}, "allowed are .*headers, .*oauth2_refresh_token, aws_sigv4"),
    ],
)
def test_wrong_values_are_told(auth: dict[str, Any], message: str) -> None:
    """The error has the field, the value and what is allowed."""
    settings = {"url": "https://api.example.com/", "auth": auth}

    with pytest.raises(ConfigurationError, match=message):
        decode_settings(settings, Source, where="test")


def test_a_key_in_the_query_is_percent_encoded(hostile: Hostile) -> None:
    """A key of any characters arrives as it is, beside the source's own query."""
    source = hostile({"/": answer(b"[1]")})
    bodies_of(reader_of({"url": source.url("/?a=1"), "auth": KEY_QUERY}, secrets=Secrets(SECRET)))

    assert source.requests[0].query == {"a": "1", "api_key": SECRET}


def test_a_secret_is_read_once(hostile: Hostile) -> None:
    """Pages and invocations share the secret in memory."""
    source = hostile({"/": answer(b"[1]")})
    secrets = Secrets("abc")
    cache = secrets.cache()
    for _ in range(3):
        bodies_of(reader_of({"url": source.url("/"), "auth": BEARER}, cache=cache))

    assert secrets.calls == 1


def test_a_rotated_secret_is_read_again_after_a_401(hostile: Hostile) -> None:
    """A 401 means that the secret may have been rotated: it is read anew, once."""
    source = hostile({"/": demanding("authorization", "Bearer new")})
    secrets = Secrets("old", "new")

    assert bodies_of(reader_of({"url": source.url("/"), "auth": BEARER}, secrets=secrets)) == [b"[1]"]


def test_a_second_401_is_the_last(hostile: Hostile) -> None:
    """A secret that is still wrong after it was read anew ends with an error that is not retried."""
    source = hostile({"/": answer(b"", status=401)})
    with pytest.raises(SourceRejected, match="401"):
        bodies_of(reader_of({"url": source.url("/"), "auth": BEARER}, secrets=Secrets("wrong")))

    assert len(source.requests) == 2


def test_a_secret_ages(hostile: Hostile) -> None:
    """After fifteen minutes a secret is read again although nothing complained."""
    source = hostile({"/": answer(b"[1]")})
    secrets, now = Secrets("abc"), [0.0]
    cache = secrets.cache(clock=lambda: now[0])
    for now[0] in (0.0, 899.0, 901.0):
        bodies_of(reader_of({"url": source.url("/"), "auth": BEARER}, cache=cache))

    assert secrets.calls == 2


@pytest.mark.parametrize("place", ["basic", "body"])
def test_client_credentials_get_a_token(hostile: Hostile, place: str) -> None:
    """The client's id and secret are sent to the token's URL, the token to the source."""
    source = hostile(
        {"/token": token("t0ken", expires_in=3600), "/": demanding("authorization", "Bearer t0ken")}
    )
    auth = oauth(source, client_credentials_in=place, scope="read write")
    bodies_of(reader_of({"url": source.url("/"), "auth": auth}, secrets=Secrets(CLIENT)))
    asked = source.requests[0]
    form = dict(parse_qsl(asked.body.decode()))
    given = {"client_id": form.pop("client_id", ""), "client_secret": form.pop("client_secret", "")}
    basic = base64.b64decode(asked.headers.get("authorization", "").removeprefix("Basic ")).decode()

    assert (form, basic or given) == (
        {"grant_type": "client_credentials", "scope": "read write"},
        "id%3A1:s%20e%2Bcret" if place == "basic" else json.loads(CLIENT),
    )


class TestTokenServers:
    """Client credentials with servers that behave as their documentation says."""

    def read(self, hostile: Hostile, behaviour: Behaviour, **auth: Any) -> list[bytes]:
        """The records behind the token of a server, which is asked as it wants."""
        source = hostile({"/token": behaviour, "/": demanding("authorization", "Bearer t0ken")})
        settings = {"url": source.url("/"), "auth": oauth(source, **auth)}
        return bodies_of(reader_of(settings, secrets=Secrets(CLIENT)))

    def wanting(self, granted: Mapping[str, object], **form: str) -> Behaviour:
        """Grant that to exactly this form; else refuse as RFC 6749 says."""

        def behave(connection: Connection, request: Request) -> None:
            if dict(parse_qsl(request.body.decode())) == form:
                answer(json.dumps(granted).encode())(connection, request)
            else:
                answer(b'{"error": "invalid_request"}', status=400)(connection, request)

        return behave

    def test_microsoft_graph(self, hostile: Hostile) -> None:
        """Client in the body, the scope `.default`.

        https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
        """
        scope = "https://graph.microsoft.com/.default"
        granted = {"token_type": "Bearer", "expires_in": 3599, "access_token": "t0ken"}
        server = self.wanting(granted, grant_type="client_credentials", scope=scope, **json.loads(CLIENT))

        assert self.read(hostile, server, client_credentials_in="body", scope=scope) == [b"[1]"]

    def test_salesforce(self, hostile: Hostile) -> None:
        """No lifetime, but an instance_url, which is the host of the source's own `url`.

        https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm
        """
        granted = {
            "access_token": "t0ken",
            "signature": "c2ln",
            "instance_url": "https://example.my.salesforce.com",
            "id": "https://login.salesforce.com/id/00D/005",
            "token_type": "Bearer",
            "issued_at": "1700000000000",
        }

        assert self.read(hostile, self.wanting(granted, grant_type="client_credentials")) == [b"[1]"]

    def test_further_parameters(self, hostile: Hostile) -> None:
        """What else a server wants is sent as it is: `audience`, `resource`, an organization."""
        more = {"resource": "https://api.example.com/", "organization": "org_1"}
        server = self.wanting(
            {"access_token": "t0ken"}, grant_type="client_credentials", audience="orders", **more
        )

        assert self.read(hostile, server, audience="orders", parameters=more) == [b"[1]"]

    @pytest.mark.parametrize(
        ("granted", "paths"),
        [
            ({"accessToken": "t0ken"}, {"token_path": "accessToken"}),
            ({"success": True, "data": {"token": "t0ken"}}, {"token_path": "data.token"}),
            ([{"token": "t0ken"}], {"token_path": "/0/token"}),
        ],
    )
    @pytest.mark.parametrize("status", [200, 201, 203])
    @pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=utf-8", ""])
    def test_answers_of_another_form(
        self, hostile: Hostile, granted: object, paths: dict[str, str], status: int, content_type: str
    ) -> None:
        """The token may lie elsewhere, and come with another status or type."""
        server = answer(json.dumps(granted).encode(), status=status, content_type=content_type)

        assert self.read(hostile, server, **paths) == [b"[1]"]

    def test_a_request_in_json(self, hostile: Hostile) -> None:
        """An API that takes a JSON object with names of its own."""
        source = hostile({"/token": token("t0ken"), "/": demanding("authorization", "Bearer t0ken")})
        auth = oauth(
            source,
            request_format="json",
            client_credentials_in="body",
            client_id_parameter="clientId",
            client_secret_parameter="clientSecret",
            parameters={"tenant": "7"},
        )
        bodies_of(reader_of({"url": source.url("/"), "auth": auth}, secrets=Secrets(CLIENT)))
        asked = source.requests[0]

        assert (asked.headers["content-type"], json.loads(asked.body)) == (
            "application/json",
            {
                "grant_type": "client_credentials",
                "tenant": "7",
                "clientId": "id:1",
                "clientSecret": "s e+cret",
            },
        )

    def test_a_lifetime_at_its_path(self, hostile: Hostile) -> None:
        """The token is kept for as long as the server says there."""
        granted = {"data": {"token": "t0ken", "expiresIn": 3600}}
        source = hostile({"/token": answer(json.dumps(granted).encode()), "/": answer(b"[1]")})
        auth = oauth(source, token_path="data.token", expires_in_path="data.expiresIn")
        now = [0.0]
        cache = Secrets(CLIENT).cache(clock=lambda: now[0])
        for now[0] in (0.0, 3500.0, 3541.0):
            bodies_of(reader_of({"url": source.url("/"), "auth": auth}, cache=cache))

        assert [request.path for request in source.requests] == ["/token", "/", "/", "/token", "/"]

    def test_a_refusal_says_why(self, hostile: Hostile) -> None:
        """The reason is one of the standard's words; any other text of the server's is left out."""
        with pytest.raises(SourceRejected, match=r"400 \(invalid_request\); check"):
            self.read(hostile, self.wanting({}))

    @pytest.mark.parametrize("body", [b'{"error": "s e+cret"}', b'{"error": ["x"]}', b"<html>", b"\xff"])
    def test_a_refusal_of_any_other_text(self, hostile: Hostile, body: bytes) -> None:
        """A refusal ends with its status, whatever is in it."""
        with pytest.raises(SourceRejected, match="answers 400; check"):
            self.read(hostile, answer(body, status=400))

    def test_a_token_server_that_never_ends(self, hostile: Hostile) -> None:
        """An answer that comes a byte at a time ends at the deadline."""
        source = hostile({"/token": drip(b'{"access_token": "')})
        settings = {"url": source.url("/"), "auth": oauth(source), "retry": {"max_attempts": 1}}
        reader = reader_of(settings, secrets=Secrets(CLIENT), deadline=Deadline(0.3))

        with pytest.raises(SourceTimeout, match="/token"):
            bodies_of(reader)


def test_a_token_is_kept_until_it_expires(hostile: Hostile) -> None:
    """Invocations share a token until a minute before its end."""
    source = hostile({"/token": token("t0ken", expires_in="3600"), "/": answer(b"[1]")})
    now = [0.0]
    cache = Secrets(CLIENT).cache(clock=lambda: now[0])
    for now[0] in (0.0, 3500.0, 3541.0):
        bodies_of(reader_of({"url": source.url("/"), "auth": oauth(source)}, cache=cache))

    assert [request.path for request in source.requests] == ["/token", "/", "/", "/token", "/"]


@pytest.mark.parametrize(("encoding", "window_bits"), [("gzip", 31), ("deflate", 15)])
def test_a_token_may_come_compressed(hostile: Hostile, encoding: str, window_bits: int) -> None:
    """Compression was offered to the token server, and so it is undone."""
    packed = zlib.compress(b'{"access_token": "t0ken"}', wbits=window_bits)
    behaviour = answer(packed, headers={"Content-Encoding": encoding})
    source = hostile({"/token": behaviour, "/": demanding("authorization", "Bearer t0ken")})
    reader = reader_of({"url": source.url("/"), "auth": oauth(source)}, secrets=Secrets(CLIENT))

    assert bodies_of(reader) == [b"[1]"]


@pytest.mark.parametrize("expires_in", [None, "soon", "", -1, True, [], {}, "1e999", "nan"])
def test_a_lifetime_that_is_none_is_taken_as_five_minutes(hostile: Hostile, expires_in: object) -> None:
    """A token whose lifetime is not said in seconds is usable, and kept for the default."""
    source = hostile({"/token": token("t0ken", expires_in=expires_in), "/": answer(b"[1]")})
    now = [0.0]
    cache = Secrets(CLIENT).cache(clock=lambda: now[0])
    for now[0] in (0.0, 260.0, 301.0):
        bodies_of(reader_of({"url": source.url("/"), "auth": oauth(source)}, cache=cache))

    assert [request.path for request in source.requests] == ["/token", "/", "/", "/token", "/"]


def test_a_revoked_token_is_got_again_after_a_401(hostile: Hostile) -> None:
    """A 401 before the token's end gets a new one, once."""
    source = hostile(
        {"/token": in_turn(token("old"), token("new")), "/": demanding("authorization", "Bearer new")}
    )
    reader = reader_of({"url": source.url("/"), "auth": oauth(source)}, secrets=Secrets(CLIENT))

    assert bodies_of(reader) == [b"[1]"]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (answer(b'{"error": "invalid_client"}', status=401), SourceRejected),
        (answer(b"", status=503), SourceUnavailable),
        (answer(b"no json"), MalformedBody),
        (answer(b'{"access_token": ""}'), MalformedBody),
        (answer(b'{"access_token": "a\\r\\nb"}'), MalformedBody),
        (answer(b'"' + b"a" * 100_000), MalformedBody),
        (answer(b'{"access_token": "a", "x": ' + b"[" * 60_000), MalformedBody),
        (answer(b"<html>Sign in</html>"), MalformedBody),
        (gzip_bomb(16), MalformedBody),
        (answer(b"no gzip", headers={"Content-Encoding": "gzip"}), MalformedBody),
        (answer(b'{"other": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"), MalformedBody),
        (redirect("/elsewhere"), AddressRefused),
    ],
)
def test_a_token_server_that_fails_is_named(
    hostile: Hostile, behaviour: Behaviour, error: type[IngestionError]
) -> None:
    """Refusals, failures and answers without a usable token each end with their error."""
    source = hostile({"/token": behaviour})

    with pytest.raises(error, match="/token"):
        bodies_of(reader_of({"url": source.url("/"), "auth": oauth(source)}, secrets=Secrets(CLIENT)))


@pytest.mark.parametrize("auth", [BEARER, KEY_HEADER, KEY_QUERY])
@pytest.mark.parametrize("status", [302, 307])
def test_a_secret_does_not_follow_a_redirect_elsewhere(
    hostile: Hostile, auth: dict[str, str], status: int
) -> None:
    """Another origin gets no secret, no header of the source's own, and nothing after it does either."""
    thief = hostile({"/": in_turn(redirect("/again"), answer(b"[1]")), "/again": answer(b"[1]")})
    source = hostile({"/": redirect(thief.url("/"), status=status)})
    settings = {"url": source.url("/"), "auth": auth, "headers": {"X-Tenant": "t3nant"}}
    bodies_of(reader_of(settings, secrets=Secrets(SECRET)))
    seen = [str(dict(request.headers)) + str(dict(request.query)) for request in thief.requests]

    assert (len(seen), [text for text in seen if "hunter2" in text or "t3nant" in text]) == (2, [])


def test_a_secret_is_not_sent_again_when_a_redirect_comes_back(hostile: Hostile) -> None:
    """Another origin cannot choose which path of the source gets the secret."""
    source = hostile({"/chosen": answer(b"[1]")})
    thief = hostile({"/": redirect(source.url("/chosen"))})
    source.behaviours["/"] = redirect(thief.url("/"))  # type: ignore[index]
    bodies_of(reader_of({"url": source.url("/"), "auth": BEARER}, secrets=Secrets(SECRET)))

    assert "authorization" not in source.requests[1].headers


def test_a_secret_follows_a_redirect_at_home(hostile: Hostile) -> None:
    """The source's own origin gets the secret after a redirect, too."""
    source = hostile({"/": redirect("/v2"), "/v2": demanding("authorization", "Bearer abc")})

    assert bodies_of(reader_of({"url": source.url("/"), "auth": BEARER}, secrets=Secrets("abc"))) == [b"[1]"]


def test_a_body_is_not_taken_to_another_origin(hostile: Hostile) -> None:
    """A redirect that keeps the method would hand over the body: it is refused."""
    thief = hostile({"/": answer(b"[1]")})
    source = hostile({"/": redirect(thief.url("/"), status=307)})
    with pytest.raises(AddressRefused, match="another origin"):
        bodies_of(reader_of({"url": source.url("/"), "method": "POST", "body": {"q": 1}}))

    assert thief.requests == []


@pytest.mark.parametrize("where", ["another port", "another scheme", "another host"])
def test_a_next_page_does_not_take_a_body_to_another_origin(hostile: Hostile, where: str) -> None:
    """The body goes to the scheme, host and port of the source's URL, whatever its pages say."""
    thief = hostile({"/2": answer(b"[2]")})
    links: list[str] = []

    def first(connection: Connection, request: Request) -> None:
        answer(b"[1]", headers={"Link": f'<{links[0]}>; rel="next"'})(connection, request)

    source = hostile({"/": first, "/2": answer(b"[2]")})
    links += {
        "another port": [thief.url("/2")],
        "another scheme": [source.url("/2").replace("http:", "https:")],
        "another host": [source.url("/2", host="localhost")],
    }[where]
    pagination = {"kind": "link_header", "allow_other_hosts": True}
    with pytest.raises(AddressRefused, match="another origin"):
        bodies_of(
            reader_of({"url": source.url("/"), "method": "POST", "body": "q", "pagination": pagination})
        )

    assert (len(source.requests), source.connections, thief.requests) == (1, 1, [])


def test_a_next_page_elsewhere_gets_no_secret(hostile: Hostile) -> None:
    """allow_other_hosts lets pages be read, not secrets be sent."""
    other = hostile({"/": answer(b"[2]")})
    source = hostile({"/": answer(b"[1]", headers={"Link": f'<{other.url("/")}>; rel="next"'})})
    settings = {
        "url": source.url("/"),
        "auth": BEARER,
        "pagination": {"kind": "link_header", "allow_other_hosts": True},
    }
    bodies_of(reader_of(settings, secrets=Secrets(SECRET)))

    assert "authorization" not in other.requests[0].headers


class Failing(Secrets):
    """Secrets Manager that fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__("")
        self.error = error

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803, ARG002 - boto3's name
        """Raise."""
        raise self.error


def client_error(code: str) -> ClientError:
    """As botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetSecretValue")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (client_error("ResourceNotFoundException"), ConfigurationError),
        (client_error("AccessDeniedException"), ConfigurationError),
        (client_error("InternalServiceError"), SourceUnavailable),
        (client_error("ThrottlingException"), SourceUnavailable),
        (EndpointConnectionError(endpoint_url="https://x"), SourceUnavailable),
    ],
)
def test_secrets_manager_errors_are_translated(error: Exception, raised: type[IngestionError]) -> None:
    """A secret that may not be read is a matter of settings, a service that fails may be tried again."""
    with pytest.raises(raised, match="secret arn:") as caught:
        Failing(error).cache().secret(ARN, "token")

    assert caught.value.__cause__ is error


@pytest.mark.parametrize("text", ["", '{"other": "x"}', '{"token": 5}', '{"token": ""}', '"a\\nb"', "a\nb"])
def test_a_secret_without_its_value_is_named(text: str) -> None:
    """The error names the secret and the key, never what else is in it."""
    with pytest.raises(ConfigurationError, match="key 'token'"):
        Secrets(text).cache().secret(ARN, "token", may_be_plain=True)


@pytest.mark.parametrize("text", ["[" * 100_000, "[[1]]" * 5, '"' + "a" * 5, "plain", '["token"]', "5"])
def test_a_secret_that_is_no_object_has_no_keys(text: str) -> None:
    """JSON that is broken, too deep or of another type ends with the secret's name, as plain text does."""
    with pytest.raises(ConfigurationError, match=r"secret arn:.*key 'token' is missing"):
        Secrets(text).cache().secret(ARN, "token")


@pytest.mark.parametrize(
    "text",
    [
        "\ud800bc",
        '{"token": "\ud800"}',
        '{"token": "a\\u0000b"}',
        '{"token": "a\\u007f"}',
        '{"token": ["a"]}',
    ],
)
def test_a_secret_that_is_no_line_of_text_is_an_error_of_settings(text: str) -> None:
    """Half of a surrogate pair, a control character and another type are refused, also in a plain secret."""
    with pytest.raises(ConfigurationError, match="not a line of text"):
        Secrets(text).cache().secret(ARN, "token", may_be_plain=True)


@pytest.mark.parametrize("auth", [BEARER, KEY_HEADER])
@pytest.mark.parametrize("value", ["t€ken", " token", "token ", "漢字"])
def test_a_secret_that_no_header_can_carry_is_named(
    hostile: Hostile, auth: dict[str, str], value: str
) -> None:
    """What a header cannot hold is said before anything is sent, without the value."""
    source = hostile({"/": answer(b"[1]")})
    secrets = Secrets(json.dumps({"token": value, "api_key": value}))
    with pytest.raises(ConfigurationError, match="header cannot carry") as caught:
        bodies_of(reader_of({"url": source.url("/"), "auth": auth}, secrets=secrets))

    assert (source.connections, value in str(caught.value)) == (0, False)


ALL_KINDS = [
    BEARER,
    BEARER | {"prefix": "Token"},
    KEY_HEADER,
    KEY_QUERY,
    TWO_HEADERS,
    {"kind": "basic", "secret_arn": ARN},
    KEY_ALONE | {"username_key": "token"},
]
ALL_VALUES = json.dumps({"username": "me", "password": SECRET, "token": SECRET, "api_key": SECRET})


@pytest.mark.parametrize("auth", ALL_KINDS)
@pytest.mark.parametrize("behaviour", [answer(SECRET.encode(), status=404), answer(b"", status=503), reset()])
def test_errors_hold_no_secret(hostile: Hostile, auth: dict[str, Any], behaviour: Behaviour) -> None:
    """Neither an error nor any cause of it, traceback and all, shows a secret in any form."""
    source = hostile({"/": behaviour})
    with pytest.raises(IngestionError) as caught:
        bodies_of(reader_of({"url": source.url("/"), "auth": auth}, secrets=Secrets(ALL_VALUES)))
    told = "".join(traceback.format_exception(caught.value)) + str(caught.value.details)
    forms = ["hunter2", base64.b64encode(f"me:{SECRET}".encode()).decode()]

    assert [form for form in forms if form in told] == []


@pytest.mark.parametrize("auth", ALL_KINDS)
def test_a_secret_that_is_echoed_is_known(hostile: Hostile, auth: dict[str, Any]) -> None:
    """A source that puts the secret into a redirect does not get it into the log: the redactor knows it."""
    source = hostile({"/": redirect(f"/again?echo={quote(SECRET)}")})
    secrets = Secrets(ALL_VALUES)
    with pytest.raises(IngestionError, match="hunter2") as caught:
        bodies_of(reader_of({"url": source.url("/"), "auth": auth}, secrets=secrets))

    assert "hunter2" not in secrets.redactor.clean(str(caught.value))
