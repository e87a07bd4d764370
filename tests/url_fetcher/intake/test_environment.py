"""The environment and the event."""

import json
from typing import Any

import pytest

from tests.url_fetcher.reading import Objects
from url_fetcher.delivery.counters import SinkSettings
from url_fetcher.errors import ConfigurationError
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.intake.environment import read_environment
from url_fetcher.intake.event import read_event
from url_fetcher.intake.source_list import SourceList
from url_fetcher.source.pages.pagination_kind import Resume

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:posts-AbCdEf"
POSTS = {"name": "posts", "url": "https://api.example.com/posts"}
USERS = {
    "name": "users",
    "url": "https://api.example.com/users",
    "auth": {"kind": "bearer", "secret_arn": ARN},
    "pagination": {"kind": "page"},
}
ENVIRON = {"KINESIS_STREAM_NAME": "stream"}
SOURCES = Objects(json.dumps([POSTS, USERS])).list()


def test_a_stream_is_enough() -> None:
    """Every variable but the stream's name has a default, and the defaults let nothing private in."""
    environment = read_environment({"KINESIS_STREAM_NAME": "stream"})

    assert (
        environment.packing,
        environment.pack_kib,
        environment.sources_uri,
        AddressPolicy.of(environment),
    ) == (
        "lines",
        24,
        "",
        AddressPolicy(),
    )


def test_every_variable_is_read() -> None:
    """Numbers, booleans and lists are read from their text."""
    environment = read_environment(
        ENVIRON
        | {
            "ALLOWED_HOSTS": " API.example.com, *.Bücher.example ,",
            "ALLOW_HTTP": "true",
            "ALLOW_PRIVATE_NETWORKS": "false",
            "PACKING": "none",
            "PACK_KIB": "50",
            "PARTITION_KEY_FIELD": "id",
            "LOG_LEVEL": "DEBUG",
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        }
    )
    addresses = AddressPolicy.of(environment, runtime_api=environment.aws_lambda_runtime_api)

    assert (SinkSettings.of(environment), environment.log_level, addresses) == (
        SinkSettings(packing="none", pack_bytes=50 * 1024, partition_key_field="id"),
        "DEBUG",
        AddressPolicy(
            allowed_hosts=("api.example.com", "*.xn--bcher-kva.example"),
            allow_http=True,
            runtime_api="127.0.0.1:9001",
        ),
    )


def test_the_sinks_own_defaults_are_those_of_the_settings() -> None:
    """A sink without settings packs as a deployed one does."""
    assert SinkSettings.of(read_environment({"KINESIS_STREAM_NAME": "stream"})) == SinkSettings()


def test_an_empty_variable_is_not_set() -> None:
    """Terraform writes what is not set as empty text."""
    environment = read_environment(
        ENVIRON | {"PACK_KIB": "", "PACKING": "", "ALLOW_HTTP": "", "SOURCES_URI": ""}
    )

    assert (environment.pack_kib, environment.packing, environment.sources_uri) == (24, "lines", "")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"KINESIS_STREAM_NAME": ""}, ["KINESIS_STREAM_NAME", "set it"]),
        ({"KINESIS_STREAM_NAME": "no spaces"}, ["KINESIS_STREAM_NAME", "'no spaces'"]),
        ({"ALLOW_HTTP": "maybe"}, ["ALLOW_HTTP", "'maybe'"]),
        ({"PACK_KIB": "0"}, ["PACK_KIB", ">= 1", "'0'"]),
        ({"PACKING": "zip"}, ["PACKING", "'zip'"]),
        ({"LOG_LEVEL": "loud"}, ["LOG_LEVEL", "'loud'"]),
        ({"PARTITION_KEY_FIELD": 'a"b'}, ["PARTITION_KEY_FIELD", "'a\"b'"]),
        ({"PARTITION_KEY_FIELD": "a\\b"}, ["PARTITION_KEY_FIELD"]),
        ({"PARTITION_KEY_FIELD": "a\n"}, ["PARTITION_KEY_FIELD", "'\\n'"]),
        ({"PARTITION_KEY_FIELD": "x" * 257}, ["PARTITION_KEY_FIELD"]),
        ({"KINESIS_STREAM_NAME": "stream\n"}, ["KINESIS_STREAM_NAME", "'\\n'"]),
        ({"POWERTOOLS_SERVICE_NAME": "a\udcffb"}, ["POWERTOOLS_SERVICE_NAME", "UTF-8"]),
        ({"ALLOWED_HOSTS": "https://a.b"}, ["ALLOWED_HOSTS", "https://a.b"]),
        ({"ALLOWED_HOSTS": "*"}, ["ALLOWED_HOSTS", "*.example.com"]),
        ({"ALLOWED_HOSTS": "a b"}, ["ALLOWED_HOSTS", "'a b'"]),
    ],
)
def test_a_refused_variable_is_named(variables: dict[str, str], words: list[str]) -> None:
    """The error names the variable, its value and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        read_environment(ENVIRON | variables)

    assert [word for word in words if word not in str(caught.value)] == []


def nested(levels: int) -> dict[str, Any]:
    """Objects in objects."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def order(event: object) -> tuple[str, Resume | None]:
    """The URL and the resume of an event's order."""
    found = read_event(event, SOURCES)
    return found.source.url, found.resume


@pytest.mark.parametrize(
    ("event", "url", "resume"),
    [
        ({}, POSTS["url"], None),
        (None, POSTS["url"], None),
        ({"source": "users"}, USERS["url"], None),
        ({"source": "users", "resume": {"page": 7}}, USERS["url"], Resume(page=7)),
        ({"url": "https://other.example/"}, "https://other.example/", None),
        ({"url": "https://other.example/", "format": "ndjson"}, "https://other.example/", None),
        ({"resume": {"cursor": "x"}}, POSTS["url"], Resume(cursor="x")),
        (
            {"source": "users", "url": None, "resume": {"page": 7, "cursor": None}},
            USERS["url"],
            Resume(page=7),
        ),
        ({"url": "https://a.example/", "source": None, "auth": None}, "https://a.example/", None),
        ({"resume": None}, POSTS["url"], None),
        (
            {"url": "https://api.example.com/more", "auth": USERS["auth"]},
            "https://api.example.com/more",
            None,
        ),
    ],
)
def test_an_event_names_a_source_or_is_one(event: object, url: str, resume: Resume | None) -> None:
    """An event gives a URL, a whole source or a configured one's name, and where to go on."""
    assert order(event) == (url, resume)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ([], ["list"]),
        ({"source": "nobody"}, ["nobody", "posts, users"]),
        ({"source": 5}, ["source"]),
        ({"source": None}, ["source", "null gives nothing"]),
        ({"url": None, "resume": None}, ["resume, url", "null gives nothing"]),
        ({"sauce": "posts"}, ["sauce", "`url`", "`source`"]),
        ({"url": "https://a.b", "source": "posts"}, ["source"]),
        ({"url": "https://a.b", "unknown": 1}, ["unknown"]),
        ({"source": "posts", "resume": {"pages": 1}}, ["resume", "pages"]),
        (
            {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events"},
            ["target's input"],
        ),
        ({"Records": []}, ["target's input"]),
        ({"httpMethod": "GET", "requestContext": {}}, ["target's input"]),
        ({"url": "https://a.b/\ud800"}, ["surrogate"]),
        ({"url": "https://a.b/", "query": {"\udfff": "x"}}, ["surrogate"]),
        ({"resume": {"cursor": "\ud800"}}, ["surrogate"]),
        ({"source": "\ud800"}, ["not configured", "'\\ud800'"]),
        ({"url": "https://a.b/", "method": "POST", "body": nested(5_000)}, ["deeply"]),
        ({"url": nested(5_000)}, ["deeply"]),
        ({"url": 10**5_000}, ["JSON", "digits"]),
        ({"url": "https://a.b/", "limits": {"max_records": 10**5_000}}, ["JSON", "digits"]),
        ({"url": "https://a.b/", "limits": {"max_records": 10**100}}, ["limits.max_records"]),
        ({"resume": {"page": 10**5_000}}, ["JSON", "digits"]),
    ],
    ids=lambda _: "",
)
def test_another_event_is_refused(event: object, words: list[str]) -> None:
    """An event that is no order is refused with what it should be."""
    with pytest.raises(ConfigurationError) as caught:
        order(event)

    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "event",
    [
        {"url": "https://evil.example/", "auth": USERS["auth"]},
        {"url": "http://api.example.com/users", "auth": USERS["auth"]},
        {"url": "https://api.example.com/", "auth": {"kind": "basic", "secret_arn": ARN}},
        {"url": "https://api.example.com/", "auth": {"kind": "bearer", "secret_arn": ARN + "x"}},
    ],
)
def test_an_event_cannot_take_a_secret_elsewhere(event: dict[str, Any]) -> None:
    """Who may invoke the function cannot have it send a secret to an origin of their own."""
    with pytest.raises(ConfigurationError, match="no configured source"):
        order(event)


def test_no_source_at_all_says_what_to_do() -> None:
    """Without a configured source an empty event is an error."""
    with pytest.raises(ConfigurationError, match="no source"):
        read_event({}, SourceList("", Objects))
