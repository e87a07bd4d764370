"""`make try`: the function's own ingestion into files, without AWS."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_aws.servers.hostile_source import Behaviour, Connection, HostileSource, Request, answer
from local_aws.servers.rotating_tokens import RotatingTokens
from tests.recipes.recipe import ingest
from tests.tls import self_signed, serving
from tools.operate import progress
from tools.operate.try_source import __main__ as command
from url_fetcher.errors import SourceUnavailable

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:key"
SECRET = "s3cret-t0ken-of-mine"


@dataclass
class Ran:
    """A run of the command."""

    code: object
    said: str
    progress: str
    folder: Path

    def lines(self, name: str = "orders.ndjson") -> list[Any]:
        """The parsed lines of a file; none if there is no such file."""
        path = self.folder / "try" / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def values(self) -> list[Any]:
        """The records in the lines."""
        return [line["data"] for line in self.lines()]


def paged(connection: Connection, request: Request) -> None:
    """25 records in pages of 10, for whoever knows the token if the path demands one."""
    if request.path == "/locked" and request.headers.get("authorization") != f"Bearer {SECRET}":
        answer(f"{SECRET} is no token".encode(), status=401)(connection, request)
        return
    first = 10 * (int(request.query.get("page", "1")) - 1)
    answer(json.dumps([{"id": number} for number in range(25)][first : first + 10]).encode())(
        connection, request
    )


def failing_on_page_2(connection: Connection, request: Request) -> None:
    """As `paged`, but its second page is out of order."""
    (answer(b"", status=503) if request.query["page"] == "2" else paged)(connection, request)


def one_too_long(connection: Connection, request: Request) -> None:
    """Three records, of which the second is longer than a source may allow."""
    answer(json.dumps([{"id": 1}, {"id": "x" * 2_000}, {"id": 3}]).encode())(connection, request)


BEHAVIOURS: dict[str, Behaviour] = {
    "/orders": paged,
    "/locked": paged,
    "/broken": failing_on_page_2,
    "/long": one_too_long,
    "/steering": answer('[{"name": "\x9b2J\x7f"}]'.encode()),
    "/next": answer(b'{"items": [{"id": 1}], "more": {"nextUrl": "/next?page=2"}}'),
}


@pytest.fixture
def tried(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Runs the command with one source called `orders`, whose keys are given; `/path` is at the server."""
    monkeypatch.setattr(command, "BUILD", tmp_path)

    def run(
        path: str,
        more: str = "",
        arguments: Sequence[str] = ("--source", "orders"),
        secret: str = "",
        behaviours: dict[str, Behaviour] = BEHAVIOURS,
        key: Path | None = None,
    ) -> Ran:
        host = "localhost" if key else "127.0.0.1"
        with HostileSource(behaviours, tls=serving(key) if key else None) as server:
            text = (root / "pipeline.toml").read_text(encoding="utf-8")
            text = text.replace('name = "posts"', 'name = "orders"').replace(
                '"https://jsonplaceholder.typicode.com/posts"',
                f'"{server.url(path, host=host)}"\n{more.replace("SERVER", server.url(""))}',
            )
            (tmp_path / "pipeline.toml").write_text(text, encoding="utf-8")
            environ = {"PIPELINE_TOML": str(tmp_path / "pipeline.toml"), "ENV": "local", "SECRET": secret}
            try:
                code: object = command.main(
                    [each.replace("SERVER", server.url("")) for each in arguments], environ
                )
            except SystemExit as error:
                code = error.code
        said = capsys.readouterr()
        return Ran(code, said.out + (code if isinstance(code, str) else ""), said.err, tmp_path)

    return run


PAGES = 'pagination = { kind = "page" }\nretry = { max_attempts = 1 }'


def test_the_lines_are_those_of_the_stream(tried: Callable[..., Ran]) -> None:
    """Byte for byte but for the time: the handler puts the same lines on the stream, in the same order."""
    ran = tried("/orders", PAGES)
    with HostileSource(BEHAVIOURS) as server:
        stream = ingest({"name": "orders", "url": server.url("/orders"), "pagination": {"kind": "page"}})

    assert [list(line) for line in ran.lines()] == [list(line) for line in stream.lines]
    assert ran.values == stream.values == [{"id": number} for number in range(25)]


def test_a_source_may_have_an_authority_of_its_own(tried: Callable[..., Ran], tmp_path: Path) -> None:
    """The run asks with the source's `ca_certificates`."""
    key = self_signed(tmp_path)
    more = f'ca_certificates = """\n{key.with_suffix(".crt").read_text()}"""\n{PAGES}'

    assert len(tried("/orders", more, key=key).values) == 25


@pytest.mark.parametrize("packing", ["gzip", "none"])
def test_the_lines_are_plain_whatever_the_packing(tried: Callable[..., Ran], packing: str) -> None:
    """The lake has them so, too."""
    ran = tried("/orders", f'{PAGES}\n[fetch]\npacking = "{packing}"')

    assert sorted(each["id"] for each in ran.values) == list(range(25))


def test_children_are_asked_for(tried: Callable[..., Ran]) -> None:
    """They come as on the stream, and the parents and their requests are counted."""
    items: dict[str, Behaviour] = {f"/orders/{n}": answer(b"[%d]" % n) for n in (1, 2)}
    children = 'children = { url = "SERVER/orders/{parent.id}", deliver_parents = false }'
    ran = tried("/orders", children, behaviours={"/orders": answer(b'[{"id": 1}, {"id": 2}]'), **items})

    assert [each["record"] for each in ran.values] == [1, 2]
    assert "children     of 2 parents, by 2 requests" in ran.said


def test_says_what_came_and_where_it_is(tried: Callable[..., Ran]) -> None:
    """The first lines as they are in the file, the counts, and the file."""
    ran = tried("/orders", PAGES)
    first = (ran.folder / "try" / "orders.ndjson").read_text().splitlines()[:3]

    assert (ran.code, ran.said.splitlines()[:3]) == (0, first)
    assert [
        words for words in ("25 in 4 pages", "lines        25 in", "orders.ndjson") if words not in ran.said
    ] == []


def test_stops_after_max_records(tried: Callable[..., Ran]) -> None:
    """No page behind them is requested, and the report says that it is not all."""
    ran = tried("/broken", PAGES, ["--source", "orders", "--max", "10"])

    assert (ran.code, len(ran.values), "after MAX=10" in ran.said) == (0, 10, True)


def test_a_failure_is_told_as_documented(tried: Callable[..., Ran]) -> None:
    """With the error's name, the page, whether it may pass, and where to go on; what came is kept."""
    ran = tried("/broken", PAGES)

    words = [f"{SourceUnavailable.__name__} on page 2, may pass by itself", '"resume": {"page":2}']
    assert (ran.code, len(ran.values), [each for each in words if each not in ran.said]) == (1, 10, [])


def test_dead_letters_are_counted_by_reason(tried: Callable[..., Ran]) -> None:
    """They are in a file beside the lines; the rest is in the lake."""
    ran = tried("/long", "limits = { max_record_kib = 1 }")

    (letter,) = ran.lines("orders.dead-letters.ndjson")
    assert (ran.code, ran.values) == (0, [{"id": 1}, {"id": 3}])
    assert f"1: {letter['reason']}" in ran.said


def test_shows_how_far_it_is_in_plain_lines(
    tried: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On standard error, where in a pipe nothing moves a cursor."""
    monkeypatch.setattr(progress, "PLAIN_LINE_SECONDS", 0)
    ran = tried("/orders", PAGES)

    assert ran.progress.splitlines()[1] == "page 2: 20 records, 0.2 KiB received"
    assert [each for each in ran.progress if not each.isprintable() and each != "\n"] == []


def test_warnings_are_told(tried: Callable[..., Ran]) -> None:
    """Those that the function would log."""
    ran = tried("/next", 'record_path = "items"\npagination = { kind = "next_url" }')

    assert "warning      there may be more pages" in ran.said


def test_a_url_alone_is_a_source(tried: Callable[..., Ran]) -> None:
    """As in an event."""
    ran = tried("/orders", "", ["--url", "SERVER/long"])

    assert [line["data"]["id"] for line in ran.lines("url.ndjson")][::2] == [1, 3]


def test_a_url_beside_a_source_replaces_its_own(tried: Callable[..., Ran]) -> None:
    """The source's other settings hold."""
    ran = tried("/orders", PAGES, ["--source", "orders", "--url", "SERVER/broken"])

    assert (ran.code, len(ran.values)) == (1, 10)


class TestSecret:
    BEARER = f'{PAGES}\nauth = {{ kind = "bearer", secret_arn = "{ARN}" }}'

    def test_comes_from_the_environment(self, tried: Callable[..., Ran]) -> None:
        """As JSON, or alone where the kind allows that."""
        ran = tried("/locked", self.BEARER, secret=json.dumps({"token": SECRET}))

        assert (ran.code, len(ran.values)) == (0, 25)

    def test_is_never_printed(self, tried: Callable[..., Ran]) -> None:
        """Not even if it is wrong and the source sends it back."""
        ran = tried("/locked", self.BEARER, secret=SECRET + "x")

        assert (ran.code, SECRET + "x" in ran.said + ran.progress) == (1, False)

    def test_is_asked_for_in_the_form_that_the_kind_needs(self, tried: Callable[..., Ran]) -> None:
        """Nothing is requested without it."""
        basic = self.BEARER.replace("bearer", "basic")
        ran = tried("/locked", basic)

        assert (ran.code, """SECRET='{"username": "…", "password": "…"}' make try""" in ran.said) == (1, True)

    def test_that_a_token_server_replaces_is_not_lost(self, tried: Callable[..., Ran]) -> None:
        """The old refresh token is spent, so the new one goes to a file that only its owner reads."""
        tokens = RotatingTokens(lambda: "")
        auth = f'auth = {{ kind = "oauth2_refresh_token", secret_arn = "{ARN}", token_url = "SERVER/token" }}'
        secret = {"client_id": "c", "client_secret": "cs", "refresh_token": "refresh-0"}
        ran = tried(
            "/orders",
            auth,
            secret=json.dumps(secret),
            behaviours={"/token": tokens.token, "/orders": tokens.records},
        )
        kept = ran.folder / "try" / "orders.secret.json"

        assert (ran.code, json.loads(kept.read_text())["refresh_token"]) == (0, "refresh-1")
        assert (oct(kept.stat().st_mode)[-3:], "in Secrets Manager now" in ran.said) == ("600", True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "invoices"], "SOURCE='invoices' is not configured; configured are: orders"),
        (["--url", "ftp://example.com"], "must begin with https://"),
    ],
)
def test_a_mistake_is_told(tried: Callable[..., Ran], arguments: list[str], words: str) -> None:
    """Before anything is requested."""
    assert words in tried("/orders", "", arguments).said


def test_prints_nothing_that_steers_a_terminal(tried: Callable[..., Ran]) -> None:
    """The file has the source's own bytes."""
    ran = tried("/steering")

    assert ran.values == [{"name": "\x9b2J\x7f"}]
    assert [each for each in ran.said if not each.isprintable() and each != "\n"] == []
