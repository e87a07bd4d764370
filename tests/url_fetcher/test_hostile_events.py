"""The whole handler under events and variables that nobody would write: an answer, or one error of ours."""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_aws.servers.hostile_source import HostileSource, answer
from tests.url_fetcher.invoking import ENVIRON, Context, Stream
from tests.url_fetcher.reading import ARN, Objects
from tests.url_fetcher.secret_versions import Manager
from url_fetcher.clients import Clients
from url_fetcher.errors import IngestionError, UnexpectedError
from url_fetcher.handler import run
from url_fetcher.intake.environment import Environment

SETTINGS = ENVIRON | {"ALLOWED_HOSTS": "127.0.0.1", "SOURCES_URI": Objects.uri}  # no name is looked up
ODD_TEXTS = [
    "", "\ud800", "\udfff\ud800", "\x00", "\r\nX: y", "\u2028", "€", "é", " ", "%", "%zz", "..", "?", "#",
    "&=", "9" * 5_000, "[" * 200, "http://[", "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:x/",
    "http://a@b/", "http://xn--/", "http://ü..example/", "http://" + "a" * 300 + "/", "//127.0.0.1/",
    "file:///etc/passwd",
]  # fmt: skip
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(st.characters(), max_size=12)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([2**63, 2**64, 1e308, 5e-324, -0.0, True, False])
    | st.sampled_from([400, 5_000]).map(lambda digits: -(10**digits))
)
ONE_IN_FIVE = st.integers(0, 4).map(lambda number: number == 4)


def nested(levels: int) -> object:
    """Lists and objects in one another."""
    value: object = 0
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


VALUES = st.recursive(
    st.none() | NUMBERS | TEXTS | st.sampled_from([50, 99, 101, 900, 5_000]).map(nested),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
AUTH = {"kind": "bearer", "secret_arn": ARN}
PLAUSIBLE: dict[str, list[object]] = {
    "name": ["posts"],
    "method": ["GET", "POST"],
    "headers": [{"X-Tenant": "a"}, {"Accept": "é"}],
    "query": [{"q": 1}, {"q": "é", "r": True}],
    "body": ["x", {"q": 1}],
    "auth": [
        {"kind": "none"},
        AUTH,
        {"kind": "headers", "secret_arn": ARN, "headers": {"X-Key": "token"}},
        {"kind": "aws_sigv4", "service": "es", "resource_arn": ""},
        {"kind": "oauth2_refresh_token", "secret_arn": ARN, "token_url": "http://127.0.0.1/"},
    ],
    "format": ["auto", "json", "ndjson", "json_seq", "csv", "xml"],
    "csv": [{"delimiter": ";"}, {"encoding": "utf-16"}, {"header": False, "types": "infer"}],
    "record_path": ["items", "a.b", "/items", "/items/0/id", ""],
    "pagination": [
        {"kind": "none"},
        {"kind": "page"},
        {"kind": "offset", "size": 2},
        {"kind": "cursor", "path": "next"},
        {"kind": "link_header"},
        {"kind": "next_url"},
        {"kind": "parameters"},
        {"kind": "cursor", "last_record_path": "/id", "into": "body", "parameter": "/q/after"},
    ],
    "windows": [{"from_parameter": "a", "to_parameter": "b", "start": "2024-01-31T00:00:00Z", "days": 9_000}],
    "fail_when": [[{"path": "/next", "exists": False}], [{"path": "items", "equals": 1}]],
    "retry_when": [[{"path": "next", "in": ["x"]}]],
    "empty_when": [[{"status": 404}], [{"status": 400, "path": "next", "exists": True}]],
    "rate": [{"min_interval_seconds": 0}],
    "limits": [
        {"max_records": 1},
        {"timeout_seconds": 0.01},
        {"max_nesting": 1},
        {"connect_timeout_seconds": 1e-9},
    ],
    "retry": [{"max_attempts": 1}, {"max_delay_seconds": 0}],
    "resume": [
        {}, {"page": 2}, {"offset": 1}, {"cursor": "x"}, {"url": "http://127.0.0.1/"}, {"parents": [1, "a"]},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def source() -> Iterator[HostileSource]:
    """A source that answers two records at its root."""
    with HostileSource({"/": answer(b'{"items": [{"id": 1}, {"id": 2}], "next": null}')}) as server:
        yield server


@st.composite
def mutated(draw: st.DrawFn, table: Mapping[str, list[object]]) -> dict[str, Any]:
    """Some keys of the table, each with a good value, a good one with an odd key in it, or an odd one."""
    found: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(sorted(table)), unique=True, max_size=4)):
        value = draw(VALUES if draw(ONE_IN_FIVE) else st.sampled_from(table[key]))
        if isinstance(value, dict) and draw(ONE_IN_FIVE):
            inner = draw(st.sampled_from(sorted(map(str, value))) | TEXTS) if value else draw(TEXTS)
            value = {**value, inner: draw(VALUES)}
        found[key] = value
    return found


@st.composite
def events(draw: st.DrawFn, *, url: str) -> object:
    """Anything, or a source's settings that are nearly right."""
    if draw(ONE_IN_FIVE):
        return draw(VALUES)
    event = draw(mutated(PLAUSIBLE))
    event.setdefault("retry", {"max_delay_seconds": 0})
    if draw(ONE_IN_FIVE):
        event["url"] = draw(TEXTS)
    else:
        event["url"] = url + (draw(TEXTS) if draw(ONE_IN_FIVE) else "")
    if draw(ONE_IN_FIVE):
        event["children"] = {"url": f"{url}?id={{parent./id}}", "fields": ["id"], **draw(mutated(PLAUSIBLE))}
    return event


@contextmanager
def standard_output() -> Iterator[io.BytesIO]:
    """Standard output as strict as that of a process."""
    raw = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(raw, encoding="utf-8", write_through=True)):
        yield raw


def failure_lines(
    event: object, environ: dict[str, str], sources: str = "[]"
) -> tuple[int, int, type[Exception] | None]:
    """How many errors were raised and how many lines tell of one, and an error that is not ours."""
    with standard_output() as written:
        error: Exception | None = None
        secrets, objects = Manager(), Objects(sources.encode(errors="surrogatepass"))
        secrets.store(token="hunter2", refresh_token="hunter3")
        clients = Clients(kinesis=Stream(), secrets_manager=secrets, s3=objects)
        try:
            run(event, Context(3), environ=environ, clients=clients)
        except Exception as raised:  # any but ours is what the test is for
            error = raised
        sys.stdout.flush()
        lines = [msgspec.json.decode(line) for line in written.getvalue().splitlines()]
    strange = isinstance(error, UnexpectedError) or not isinstance(error, IngestionError | None)
    told = sum(line.get("level") == "ERROR" for line in lines)
    return int(error is not None), told, type(error) if error and strange else None


def dumped(value: object) -> str:
    """As JSON, where that holds the value."""
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return "[]"


QUICKLY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@QUICKLY
@given(data=st.data())
def test_any_event_ends_with_an_answer_or_one_error(source: HostileSource, data: st.DataObject) -> None:
    """No event ends in an error of a library, and each failure has exactly one line of strict JSON."""
    event = data.draw(events(url=source.url("/")))
    raised, told, strange = failure_lines(event, SETTINGS)

    assert (told, strange) == (raised, None)


@QUICKLY
@given(data=st.data())
def test_any_environment_ends_with_an_answer_or_one_error(source: HostileSource, data: st.DataObject) -> None:
    """No variable's text ends in an error of a library, and each failure has exactly one line."""
    names = [field.encode_name for field in msgspec.structs.fields(Environment)]
    sources = f'[{{"url": "{source.url("/")}"}}]'
    texts = st.sampled_from(
        ["1", "true", "none", "a.b", 'a"b', sources, "[" * 9_999, "[1" + "0" * 5_000 + "]"]
    )
    odd = data.draw(st.dictionaries(st.sampled_from(names), TEXTS | texts, min_size=1, max_size=3))
    raised, told, strange = failure_lines({"url": source.url("/")}, SETTINGS | odd)

    assert (told, strange) == (raised, None)


@QUICKLY
@given(data=st.data())
def test_any_configured_sources_end_with_an_answer_or_one_error(
    source: HostileSource, data: st.DataObject
) -> None:
    """No object of sources ends in an error of a library, and each failure has exactly one line."""
    some = st.lists(events(url=source.url("/")), max_size=2).map(dumped)
    texts = some | TEXTS | st.sampled_from(["[" * 99_999, "[" * 900 + "]" * 900, "[1" + "0" * 5_000 + "]"])
    raised, told, strange = failure_lines({}, SETTINGS, data.draw(texts))

    assert (told, strange) == (raised, None)
