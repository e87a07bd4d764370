"""The pages about sources: each key with its default, each example run against a server that demands it."""

import base64
import gzip
import json
import re
import textwrap
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, get_args

import msgspec
import pytest
from backports import zstd

from local_aws.servers.aws_signature import Signer, signed
from local_aws.servers.hostile_source import Behaviour, Connection, HostileSource, Request, answer, in_turn
from tests.checkout import ROOT
from tests.url_fetcher.reading import Objects
from url_fetcher.clients import Clients
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.handler import run
from url_fetcher.source import schema
from url_fetcher.source.auth.auth import Auth
from url_fetcher.source.children import Children
from url_fetcher.source.pages.pagination import Pagination
from url_fetcher.source.pages.windows import Windows
from url_fetcher.source.verdict import Condition

OVERVIEW = ROOT / "docs" / "sources.md"
PAGES = sorted((ROOT / "docs" / "sources").glob("*.md"))
DOCUMENT = "\n".join(page.read_text(encoding="utf-8") for page in (OVERVIEW, *PAGES))
HOST = "https://api.example.com"
EXAMPLES: list[dict[str, Any]] = [
    source
    for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", DOCUMENT, re.MULTILINE)
    for source in tomllib.loads(textwrap.dedent(block))["sources"]
]
TABLES: dict[str, type] = {
    "`source`": schema.Source,
    "`csv`": Csv,
    "`rate`": schema.Rate,
    "`limits`": schema.Limits,
    "`retry`": schema.Retry,
    "`windows`": Windows,
    "`children`": Children,
    "`condition`": Condition,
    **{f"`auth`: `{kind.__struct_config__.tag}`": kind for kind in get_args(Auth)},
    **{f"`pagination`: `{kind.__struct_config__.tag}`": kind for kind in get_args(Pagination)},
}


def section(title: str) -> str:
    """The text under a heading."""
    return DOCUMENT.partition(f"# {title}\n")[2].partition("\n#")[0]


@pytest.mark.parametrize("title", TABLES)
def test_each_key_is_documented_with_its_default(title: str) -> None:
    """A table's keys and defaults are those of the schema."""
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.+?)`|(required)) \|", section(title), re.MULTILINE)
    documented = [(key, "required" if required else json.loads(default)) for key, default, required in rows]
    if TABLES[title] is Children:
        of_a_source = [each for each in expected(schema.Source) if each[0] not in dict(documented)]
        assert all(f"`{key}`" in section(title) for key, _ in expected(Children))
        documented += [each for each in expected(Children) if each in of_a_source]

    assert sorted(documented, key=str) == sorted(expected(TABLES[title]), key=str)


def expected(table: type) -> list[tuple[str, object]]:
    """Keys and defaults, tables of defaults as empty tables."""
    found: list[tuple[str, object]] = []
    for field in msgspec.structs.fields(table):
        default = "required" if field.required else field.default
        if default is msgspec.NODEFAULT:
            made = msgspec.to_builtins(field.default_factory())
            default = {"kind": made["kind"]} if "kind" in made else [] if made == [] else {}
        found.append((field.encode_name, default))
    return found


class Stream:
    """A stream in memory."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
        """Accept everything."""
        for record in Records:
            self.values += [json.loads(line)["data"] for line in record["Data"].splitlines()]
        return {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1", "ShardId": "s"} for _ in Records]}


class Secrets:
    """Every secret of the examples."""

    def put_secret_value(self, **_: str) -> dict[str, str]:
        """Taken, and not needed again."""
        return {}

    def get_secret_value(self, *, SecretId: str, VersionStage: str = "") -> dict[str, str]:  # noqa: N803, ARG002
        """One JSON object for all; no lock."""
        if VersionStage:
            return {}
        values = {"token": "t", "username": "me", "password": "pw", "api_key": "k", "app_key": "app"}
        values |= {"refresh_token": "r"}
        return {"SecretString": json.dumps(values | {"client_id": "id", "client_secret": "s"})}


class Context:
    """An invocation with time enough."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        """Half a minute."""
        return 30_000


def demanding(behaviour: Behaviour, **wanted: Any) -> Behaviour:
    """Behave so only to a request that has these headers, query parameters or attributes; else 403."""

    def behave(connection: Connection, request: Request) -> None:
        has = all(
            getattr(request, name) == value
            if isinstance(value, bytes | str)
            else value.items() <= dict(getattr(request, name)).items()
            for name, value in wanted.items()
        )
        (behaviour if has else answer(b"", status=403))(connection, request)

    return behave


def by(parameter: str, pages: Mapping[str, object]) -> Behaviour:
    """The page of a query parameter's value; "" without it."""

    def behave(connection: Connection, request: Request) -> None:
        answer(json.dumps(pages[request.query.get(parameter, "")]).encode())(connection, request)

    return behave


def by_body(pages: Mapping[str, object]) -> Behaviour:
    """The page of a request's body."""

    def behave(connection: Connection, request: Request) -> None:
        answer(json.dumps(pages[request.body.decode()]).encode())(connection, request)

    return behave


def in_windows(connection: Connection, request: Request) -> None:
    """One record in each of the first two spans of 120 days, and none since."""
    spans = {
        "2024-01-01T00:00:00.000Z": ("2024-04-30T00:00:00.000Z", [1]),
        "2024-04-30T00:00:00.000Z": ("2024-08-28T00:00:00.000Z", [2]),
    }
    end, found = spans.get(request.query["pubStartDate"], (request.query["pubEndDate"], []))
    page = {"vulnerabilities": found, "totalResults": len(found)}
    answer(json.dumps(page).encode(), status=200 if end == request.query["pubEndDate"] else 403)(
        connection, request
    )


GRAPHQL = (
    b'"query ($after: String) { orders(after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }"'
)


def graphql(number: int, cursor: str | None) -> Behaviour:
    """A page of orders with one order."""
    info = {"endCursor": cursor, "hasNextPage": bool(cursor)}
    return answer(json.dumps({"data": {"orders": {"nodes": [{"id": number}], "pageInfo": info}}}).encode())


def after_now(connection: Connection, request: Request) -> None:
    """A record on each of two pages of a window that ends 90 days from now, by a body; then none."""
    body = json.loads(request.body)
    since, until = body["filter"]["from"], body["filter"]["to"]
    ahead = timedelta(milliseconds=until + 1) - timedelta(seconds=time.time())
    is_fine = since == 1_704_067_200_000 and timedelta(days=89) < ahead < timedelta(days=91)
    found = [body["page"]] if body["page"] <= 2 else []
    answer(json.dumps(found).encode(), status=200 if is_fine else 403)(connection, request)


def token(value: str) -> Behaviour:
    """A token for the client of the secret, asked for as the examples ask."""
    basic = "Basic " + base64.b64encode(b"id:s").decode()
    body = b"grant_type=client_credentials&scope=orders%3Aread"
    granted = answer(json.dumps({"access_token": value, "expires_in": 60}).encode())
    return demanding(granted, headers={"authorization": basic}, body=body)


def behaviours() -> dict[str, Behaviour]:
    """What the server does for each example; two records for each."""
    return {
        **dict.fromkeys(("/posts", "/internal"), answer(b"[1, 2]")),
        "/search": demanding(
            answer(b"[1, 2]"),
            method="POST",
            headers={"x-tenant": "7", "content-type": "application/json"},
            query={"language": "en", "limit": "100"},
            body=b'{"filter":{"status":"open"}}',
        ),
        "/events.ndjson.gz": answer(gzip.compress(b"1\n2\n"), content_type="application/gzip"),
        "/cities": answer(b"name,size\nA,1\nB,2\n", content_type="text/csv"),
        "/feed": answer(
            b"<rss><channel><item><name>A</name><size>1</size></item><item><name>B</name><size>2</size></item>"
            b"</channel></rss>",
            content_type="application/rss+xml",
        ),
        "/sequence": answer(b"\x1e1\n\x1e2\n"),
        "/archive.ndjson.zst": answer(zstd.compress(b"1\n2\n"), content_type="application/octet-stream"),
        "/export": answer("Å;1\nB;\n".encode("windows-1252"), content_type="text/csv"),
        "/report": answer("Report\n\nname\tsize\n'A'\t1\n'B'\t\\2\n".encode("utf-16")),
        "/measurements.csv": answer(b'A,1"\nB,2"\n', content_type="application/octet-stream"),
        "/changes": by(
            "cursor",
            {
                "": {"changes": {"entry": [1]}, "cursor": "k"},
                "k": {"cursor": "l"},
                "l": {"changes": {"entry": [2]}},
            },
        ),
        "/nested": answer(b'{"data": {"items": [1, 2]}}'),
        "/bearer": demanding(answer(b"[1, 2]"), headers={"authorization": "Bearer t"}),
        "/basic": demanding(answer(b"[1, 2]"), headers={"authorization": "Basic bWU6cHc="}),
        "/prefix": demanding(answer(b"[1, 2]"), headers={"authorization": "Token t"}),
        "/key-as-user": demanding(answer(b"[1, 2]"), headers={"authorization": "Basic bWU6"}),
        "/headers": demanding(answer(b"[1, 2]"), headers={"x-api-key": "k", "x-app-key": "app"}),
        "/refresh": demanding(
            answer(b'{"access_token": "renewed", "refresh_token": "next"}'),
            body=b"grant_type=refresh_token&refresh_token=r",
        ),
        "/of-a-user": demanding(answer(b"[1, 2]"), headers={"authorization": "Bearer renewed"}),
        "/signed": signed(answer(b"[1, 2]"), Signer("AKIA", "key", "us-east-1", "execute-api")),
        "/key": demanding(answer(b"[1, 2]"), headers={"x-api-key": "k"}),
        "/key-in-query": demanding(answer(b"[1, 2]"), query={"apikey": "k"}),
        "/token": token("got"),
        "/json-token": demanding(
            answer(b'{"data": {"token": "got", "expiresIn": 60}}', status=201, content_type="text/html"),
            headers={"content-type": "application/json"},
            body=b'{"grant_type":"client_credentials","clientId":"id","clientSecret":"s"}',
        ),
        "/oauth": demanding(answer(b"[1, 2]"), headers={"authorization": "Bearer got"}),
        "/by-link": answer(b"[1]", headers={"Link": '</by-link-2>; rel="next"'}),
        "/by-link-2": answer(b"[2]"),
        "/by-url": by("p", {"": {"items": [1], "links": {"next": "?p=2"}}, "2": {"items": [2]}}),
        "/by-page": demanding(
            by("page", {"1": {"items": [1], "pages": 2}, "2": {"items": [2], "pages": 2}}),
            query={"per_page": "2"},
        ),
        "/by-offset": demanding(
            by("offset", {"0": {"items": [1], "total": 2}, "1": {"items": [2], "total": 2}}),
            query={"limit": "2"},
        ),
        "/by-cursor": by(
            "after", {"": {"items": [1], "meta": {"next": "k"}}, "k": {"items": [2], "meta": {}}}
        ),
        "/indicators": by("page", {str(n): [{"page": n, "pages": 2}, [n]] for n in (1, 2)}),
        "/odata": by("p", {"": {"value": [1], "@odata.nextLink": "?p=2"}, "2": {"value": [2]}}),
        "/by-last-record": by(
            "starting_after",
            {
                "": {"data": [{"id": 1}], "has_more": True},
                "1": {"data": [{"id": 2}], "has_more": False},
            },
        ),
        "/by-key": demanding(
            by("id_above", {"": {"rows": [{"id": 1}]}, "1": {"rows": [{"id": 2}]}, "2": {"rows": []}}),
            query={"order": "id"},
        ),
        "/by-cursor-in-body": by_body(
            {
                '{"paging":{"limit":100}}': {"results": [1], "paging": {"next": {"after": "k"}}},
                '{"paging":{"limit":100,"after":"k"}}': {"results": [2]},
            }
        ),
        "/by-search-after": by_body(
            {
                '{"size":1,"sort":["at","id"]}': {"hits": {"hits": [{"id": 1, "sort": [7, "a"]}]}},
                '{"size":1,"sort":["at","id"],"search_after":[7,"a"]}': {
                    "hits": {"hits": [{"id": 2, "sort": [7, "b"]}]}
                },
                '{"size":1,"sort":["at","id"],"search_after":[7,"b"]}': {"hits": {"hits": []}},
            }
        ),
        "/by-parameters": demanding(
            by(
                "apcontinue",
                {"": {"pages": [1], "continue": {"apcontinue": "B", "continue": "-||"}}, "B": {"pages": [2]}},
            ),
            query={"action": "query"},
        ),
        "/in-windows": in_windows,
        "/in-a-text": by(
            "query",
            {
                f"SELECT * FROM Orders STARTPOSITION {n} MAXRESULTS 1": {"items": [n], "total": 2}  # noqa: S608
                for n in (1, 2)
            },
        ),
        "/graphql": in_turn(
            demanding(graphql(1, "k"), body=b'{"query":' + GRAPHQL + b',"variables":{}}'),
            demanding(graphql(2, None), body=b'{"query":' + GRAPHQL + b',"variables":{"after":"k"}}'),
        ),
        "/events": after_now,
        "/by-relation": by(
            "p",
            {
                "": {
                    "entry": [1],
                    "link": [{"relation": "self", "url": "?"}, {"relation": "next", "url": "?p=2"}],
                },
                "2": {"entry": [2], "link": [{"relation": "self", "url": "?p=2"}]},
            },
        ),
        "/members": answer(b'{"items": {"a": 1, "b": {"x": 2}}}'),
        "/orders": answer(b'[{"id": 7, "paid": true}, {"id": 8, "paid": false}]'),
        "/orders/7/items": answer(b'{"items": [1]}'),
        "/orders/8/items": answer(b'{"items": [2]}'),
        "/prices": answer(b"[1, 2]"),
        "/messages": in_turn(
            answer(b'{"ok": false, "error": "ratelimited"}'),
            answer(b'{"ok": true, "messages": [1], "response_metadata": {"next_cursor": "k"}}'),
            answer(b'{"ok": true, "messages": [2], "response_metadata": {"next_cursor": ""}}'),
        ),
        "/patient": in_turn(answer(b"", status=503), answer(b"[1, 2]"), answer(b"[]")),
        "/v2/orders": demanding(
            by(
                "cursor",
                {
                    "": {"data": [1], "meta": {"next_cursor": "k"}},
                    "k": {"data": [2], "meta": {"next_cursor": None}},
                },
            ),
            headers={"authorization": "Bearer t"},
            query={"status": "paid"},
        ),
    }


@pytest.fixture
def server() -> Iterator[HostileSource]:
    """The server that the examples are about."""
    with HostileSource(behaviours()) as source:
        yield source


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["name"]))
def test_each_example_is_ingested(
    server: HostileSource, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the server in place of its host an example brings the two records that are there for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    sources = json.dumps([example]).replace(HOST, server.url(""))
    environ = {"KINESIS_STREAM_NAME": "s", "ALLOW_HTTP": "true", "ALLOW_PRIVATE_NETWORKS": "true"}
    stream = Stream()
    objects = Objects(sources)
    clients = Clients(kinesis=stream, secrets_manager=Secrets(), s3=objects)
    environ["SOURCES_URI"] = objects.uri
    run({"source": example["name"]}, Context(), environ=environ, clients=clients)

    values = [value.get("id", value) if isinstance(value, dict) else value for value in stream.values]
    assert values in (
        [1, 2],
        [
            {"parent": {"id": 7, "paid": True}, "record": 1},
            {"parent": {"id": 8, "paid": False}, "record": 2},
        ],
        [{"key": "a", "value": 1}, {"key": "b", "value": {"x": 2}}],
        [{"name": "A", "size": "1"}, {"name": "B", "size": "2"}],
        [{"name": "Å", "size": 1}, {"name": "B", "size": None}],
        [{"column_1": "A", "column_2": '1"'}, {"column_1": "B", "column_2": '2"'}],
    )


def test_every_kind_has_an_example() -> None:
    """Each kind of authentication and of pagination is shown at least once."""
    shown = {
        f"`{table}`: `{example[table]['kind']}`"
        for example in EXAMPLES
        for table in ("auth", "pagination")
        if table in example
    }

    assert shown == {title for title in TABLES if ":" in title and "none" not in title}


def test_the_readme_shows_an_example_that_is_run() -> None:
    """The sources of README.md are among the examples above."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [
        source
        for block in re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
        for source in tomllib.loads(textwrap.dedent(block))["sources"]
    ]

    assert shown
    assert [source for source in shown if source not in EXAMPLES] == []
