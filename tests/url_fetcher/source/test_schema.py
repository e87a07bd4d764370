"""The schema of a source, and what is said about settings that it refuses."""

from typing import Any

import msgspec
import pytest

from url_fetcher.errors import ConfigurationError
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.schema import Source, json_schema

URL = "https://api.example.com/posts"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:posts-AbCdEf"

XML = {"url": URL, "format": "xml", "record_path": "feed.entry"}


def decode(settings: object) -> Source:
    """The source of these settings."""
    return decode_settings(settings, Source, where="SOURCES")


def test_a_url_is_enough() -> None:
    """Every key but url has a default."""
    source = decode({"url": URL})

    assert (source.method, source.format, source.limits.max_body_mib, source.retry.max_attempts) == (
        "GET",
        "auto",
        1024,
        5,
    )


def test_every_key_can_be_set() -> None:
    """A source with every key comes back as it was written."""
    settings = {
        "url": URL,
        "name": "posts",
        "method": "POST",
        "headers": {"X-Tenant": "7"},
        "query": {"limit": 100, "deep": True, "q": "x"},
        "body": {"filter": {"a": [1]}},
        "auth": {"kind": "oauth2_client_credentials", "secret_arn": ARN, "token_url": URL, "scope": "read"},
        "format": "auto",
        "csv": {"delimiter": ";", "encoding": "windows-1252", "columns": ["a"], "types": "infer"},
        "record_path": "data.items",
        "pagination": {"kind": "cursor", "parameter": "after", "path": "meta.next", "max_pages": 9},
        "rate": {"min_interval_seconds": 0.5},
        "limits": {"max_body_mib": 10, "max_records": 5, "timeout_seconds": 30},
        "retry": {"max_attempts": 3, "max_delay_seconds": 1},
        "schedule": "cron(0 8 ? * MON-FRI *)",
        "time_zone": "Europe/Berlin",
        "flexible_minutes": 10,
        "enabled": False,
    }

    assert (
        msgspec.to_builtins(decode(settings)).items()
        >= {key: value for key, value in settings.items() if not isinstance(value, dict)}.items()
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["required field `url`"]),
        ({"url": "ftp://x"}, ["url", "https://", "'ftp://x'"]),
        ({"url": URL, "limts": {}}, ["limts", "docs/sources.md"]),
        ({"url": URL, "limits": {"max_body_mib": 0}}, ["limits.max_body_mib", ">= 1", "'0'"]),
        ({"url": URL, "limits": {"max_body_mib": "10"}}, ["limits.max_body_mib", "`int`", "'10'"]),
        ({"url": URL, "format": "yaml"}, ["format", "'yaml'", "auto, json, ndjson, json_seq, csv, xml"]),
        ({"url": URL, "format": "xml"}, ["record_path", "empty", "rss.channel.item"]),
        (XML | {"record_path": "/feed/entry"}, ["record_path", "'/feed/entry'", "no path with a leading /"]),
        (XML | {"record_path": "feed.0"}, ["record_path", "'feed.0'", "no index"]),
        (XML | {"fail_when": [{"path": "e", "exists": True}]}, ["XML has no values outside", "`fail_when`"]),
        (XML | {"pagination": {"kind": "next_url"}}, ["XML has no values outside", "`pagination.path`"]),
        (
            XML | {"pagination": {"kind": "page", "has_more_path": "m", "total_pages_path": "t"}},
            ["`pagination.has_more_path` and `pagination.total_pages_path`"],
        ),
        (XML | {"pagination": {"kind": "cursor"}}, ["XML has no values outside", "`pagination.path`"]),
        ({"url": URL, "format": "json", "csv": {"quote": "'"}}, ["`csv` is set", '"json"', 'format = "csv"']),
        ({"url": URL, "csv": {"delimiter": ";;"}}, ["csv.delimiter", "one ASCII character", "';;'"]),
        ({"url": URL, "csv": {"delimiter": "\n"}}, ["csv.delimiter", "no line end"]),
        ({"url": URL, "csv": {"quote": ","}}, ["csv.quote", "','", "csv.delimiter", "differ"]),
        ({"url": URL, "csv": {"escape": '"'}}, ["csv.escape", "csv.quote", "differ"]),
        (
            {"url": URL, "csv": {"encoding": "latin-1"}},
            ["csv.encoding", "'latin-1'", "utf-8, utf-16, iso-8859-1"],
        ),
        ({"url": URL, "csv": {"columns": ["a", "a"]}}, ["csv.columns", "'a'", "differ"]),
        ({"url": URL, "csv": {"header": "no"}}, ["csv.header", "`bool`", "'no'"]),
        ({"url": URL, "csv": {"skip_lines": 1_001}}, ["csv.skip_lines", "<= 1000", "'1001'"]),
        ({"url": URL, "csv": {"types": "guess"}}, ["csv.types", "'guess'", "text, infer"]),
        ({"url": URL, "csv": {"sep": ";"}}, ["csv", "sep"]),
        ({"url": URL, "auth": {"kind": "beer"}}, ["auth.kind", "'beer'", "bearer, basic"]),
        ({"url": URL, "auth": {"kind": "bearer"}}, ["auth", "secret_arn"]),
        ({"url": URL, "auth": {"kind": "bearer", "secret_arn": "x"}}, ["auth.secret_arn", "ARN"]),
        ({"url": URL, "auth": {"kind": "bearer", "secret_arn": ARN, "token": "t"}}, ["token"]),
        ({"url": URL, "pagination": {"kind": "page", "path": "x"}}, ["pagination", "path"]),
        ({"url": URL, "pagination": {"kind": "pages"}}, ["pagination.kind", "link_header"]),
        ({"url": URL, "retry": {"max_attempts": 21}}, ["retry.max_attempts", "<= 20", "'21'"]),
        ({"url": URL, "rate": {"min_interval_seconds": -1}}, ["rate.min_interval_seconds", ">= 0", "'-1'"]),
        ({"url": URL, "method": "DELETE"}, ["method", "'DELETE'", "GET, POST"]),
        ({"url": URL, "body": "x"}, ["body", 'method = "POST"']),
        ({"url": URL, "name": "Two Words"}, ["name", "'Two Words'"]),
        ({"url": URL, "name": "a", "schedule": "hourly"}, ["schedule", "'hourly'", "rate(15 minutes)"]),
        ({"url": URL, "name": "a", "schedule": "cron(0 8 * * * *)"}, ["schedule", "cron(0 8 ? * MON-FRI *)"]),
        ({"url": URL, "name": "a", "schedule": "rate(1 day)\n"}, ["schedule", "rate(15 minutes)"]),
        ({"url": URL, "schedule": "rate(1 day)"}, ["`schedule` is set", "set `name`"]),
        ({"url": URL, "time_zone": "Europe/Berlin"}, ["`time_zone`", "go with a `schedule`"]),
        ({"url": URL, "enabled": False}, ["`enabled`", "go with a `schedule`"]),
        ({"url": URL, "flexible_minutes": 1441}, ["flexible_minutes", "<= 1440", "'1441'"]),
        ({"url": URL, "time_zone": "Two Words"}, ["time_zone", "'Two Words'", "Europe/Berlin"]),
        ([], ["object", "array"]),
    ],
)
def test_a_refused_setting_is_named(settings: object, words: list[str]) -> None:
    """The error names the field, its value, what is allowed and where to read on."""
    with pytest.raises(ConfigurationError) as caught:
        decode(settings)

    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("where", [{"header": "X-Next"}, {"last_record_path": "/@id"}])
def test_xml_may_have_its_cursor_elsewhere(where: dict[str, str]) -> None:
    """A header and a record are there in XML, too."""
    assert decode(XML | {"pagination": {"kind": "cursor"} | where}).outside_settings == ()


def test_a_secret_in_place_of_its_arn_is_not_shown() -> None:
    """Who pastes the secret itself does not find it in the log."""
    with pytest.raises(ConfigurationError, match="ARN") as caught:
        decode({"url": URL, "auth": {"kind": "bearer", "secret_arn": "hunter2"}})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["api_key", "apikey", "Access-Token", "client_secret", "x.password"])
def test_a_parameter_that_may_hold_a_secret_is_refused(name: str) -> None:
    """Its value would stand in Terraform's state; the message has none."""
    with pytest.raises(ConfigurationError, match="keep it in Secrets Manager") as error:
        decode({"url": URL, "query": {name: "s3cret"}})

    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-Api-Key", "x-auth-token", "My-Secret"])
def test_a_header_that_may_hold_a_secret_is_refused(name: str) -> None:
    """Secrets are in Secrets Manager only; the error points there and does not show the value."""
    with pytest.raises(ConfigurationError, match=r"use `auth`") as caught:
        decode({"url": URL, "headers": {name: "hunter2"}})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil"},
        {"Transfer-Encoding": "chunked"},
        {"X-A": "b\r\nX-C: d"},
        {"X A": "b"},
        {"X-A": "\x00"},
    ],
)
def test_a_header_that_steers_the_connection_is_refused(headers: dict[str, str]) -> None:
    """Framing headers, line breaks and names that are none are refused."""
    with pytest.raises(ConfigurationError, match="headers"):
        decode({"url": URL, "headers": headers})


def test_a_range_may_be_asked_for() -> None:
    """APIs such as Heroku's page by it; a 206 with a part of the bytes is refused when it comes."""
    assert decode({"url": URL, "headers": {"Range": "id ..; max=1000"}}).headers == {
        "Range": "id ..; max=1000"
    }


def test_the_json_schema_refuses_unknown_keys_everywhere() -> None:
    """The exported schema is as strict as the function: no table takes a key that is not known."""
    schema: Any = json_schema()
    tables = [table for table in schema["$defs"].values() if table["type"] == "object"]

    assert [table["title"] for table in tables if table.get("additionalProperties") is not False] == []
