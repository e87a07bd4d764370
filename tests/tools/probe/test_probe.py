"""The command: its bounds, what it says, and what it keeps to itself."""

import json
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_aws.servers.hostile_source import (
    Behaviour,
    Connection,
    HostileSource,
    Request,
    answer,
    endless,
    gzip_bomb,
    redirect,
)
from tests.tls import self_signed, serving
from tools.probe import client as client_module
from tools.probe import walk as walk_module
from tools.probe.__main__ import main
from tools.probe.client import MAX_REQUESTS, Client
from tools.probe.fields import Course, courses_of
from tools.probe.look import Look, look
from url_fetcher.errors import IngestionError

SECRET = "s3cret-t0ken-of-mine"
Serve = Callable[..., HostileSource]


def rows(first: int, last: int) -> list[dict[str, Any]]:
    """Records by number."""
    return [{"id": number, "name": f"n{number}"} for number in range(first, last)]


def paged(parameter: str, first: int) -> Behaviour:
    """25 records in pages of 10, counted from ``first``."""

    def behave(connection: Connection, request: Request) -> None:
        number = int(request.query.get(parameter, str(first))) - first
        body = {"items": rows(0, 25)[number * 10 : (number + 1) * 10] if number >= 0 else []}
        answer(json.dumps(body).encode())(connection, request)

    return behave


def looked_at(behaviour: Behaviour, **settings: Any) -> tuple[Look, Client, HostileSource]:
    """What is found at a server that behaves so."""
    with HostileSource({"/items": behaviour}) as server:
        client = Client()
        try:
            return look({"url": server.url("/items"), **settings}, client), client, server
        finally:
            client.close()


@dataclass
class Ran:
    """A run of the command."""

    code: object
    said: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the command."""

    def ran(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> Ran:
        try:
            code: object = main(arguments, environ or {})
        except SystemExit as error:
            code = error.code
        return Ran(code, capsys.readouterr().out + (code if isinstance(code, str) else ""))

    return ran


class TestBounds:
    @pytest.fixture(autouse=True)
    def one_mib(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A lower bound, which is sooner reached."""
        monkeypatch.setattr(client_module, "MAX_MIB", 1)
        monkeypatch.setattr(client_module, "MAX_DECOMPRESSED_MIB", 4)
        monkeypatch.setattr(walk_module, "MAX_DECOMPRESSED_MIB", 4)

    def test_a_body_without_end_is_read_to_the_bound(self) -> None:
        """What was read until then is looked at; the cut is told."""
        found, client, _ = looked_at(endless())

        assert client.spent.received_bytes <= 1024 * 1024
        assert (len(found.first.records) > 1000, any("larger" in each for each in found.doubts)) == (
            True,
            True,
        )

    def test_a_body_that_swells_is_cut(self) -> None:
        """Decompression ends at a bound, too."""
        with HostileSource({"/items": gzip_bomb(100)}) as server:
            client = Client()
            with pytest.raises(IngestionError, match="nothing can be seen in it"):
                look({"url": server.url("/items")}, client)
            client.close()

        found = client.answer
        assert found is not None
        assert (found.is_cut, len(found.body) < 5 * 1024 * 1024) == (True, True)

    def test_redirects_count(self) -> None:
        """A source that redirects for ever gets no more requests than any other."""
        with HostileSource({"/items": redirect("/items")}) as server:
            client = Client()
            with pytest.raises(IngestionError, match="over 5 redirects"):
                look({"url": server.url("/items")}, client)
            client.close()

        assert len(server.requests) == client.spent.requests == 6

    def test_a_source_of_which_nothing_is_true_is_not_asked_on(self) -> None:
        """Every sign of a next page leads to the same page: all are told, none is proposed."""
        body = {
            "items": rows(0, 10), "has_more": True, "next": "/items?a=1", "next_cursor": "abc",
            "paging": {"next": {"after": "x"}}, "total": 99, "total_pages": 9, "continue": {"c": "1"},
            "meta": {"next_token": "t", "scroll_id": "s"},
        }  # fmt: skip
        found, _, server = looked_at(answer(json.dumps(body).encode()))

        assert len(server.requests) == MAX_REQUESTS
        assert ("pagination" in found.settings, any("at most" in each for each in found.doubts)) == (
            False,
            True,
        )


class TestFinds:
    @pytest.mark.parametrize("first", [0, 1])
    def test_the_first_page_s_number(self, first: int) -> None:
        """Pages that are counted from 0 lose none."""
        found, _, _ = looked_at(paged("page", first))

        assert found.settings["pagination"].get("first", 1) == first

    def test_that_a_list_has_one_page(self) -> None:
        """A short list without a sign of more costs one request."""
        found, client, _ = looked_at(answer(json.dumps({"items": rows(0, 7)}).encode()))

        assert (client.spent.requests, found.settings.get("pagination")) == (1, None)

    def test_that_the_only_record_is_an_error(self) -> None:
        """What the function would ingest with a warning is told before."""
        found, *_ = looked_at(answer(b'{"message": "Bad credentials"}'))

        assert any('set fail_when = [{ path = "message"' in doubt for doubt in found.doubts), found.doubts

    def test_records_beside_another_array(self) -> None:
        """The array of the usual name is taken, and the other one is told."""
        body = {"included": rows(0, 30), "data": rows(0, 3)}
        found, _, _ = looked_at(answer(json.dumps(body).encode()))

        assert (found.settings["record_path"], "included" in found.doubts[0]) == ("data", True)

    def test_no_records_in_a_list_of_the_one_record(self) -> None:
        """A record's own tags are none."""
        found, _, _ = looked_at(answer(b'{"id": 1, "tags": ["a", "b"]}'))

        assert ("record_path" in found.settings, found.first.values) == (
            False,
            [{"id": 1, "tags": ["a", "b"]}],
        )

    def test_an_empty_list_of_the_usual_name(self) -> None:
        """Another list beside it has no records either."""
        found, _, _ = looked_at(answer(json.dumps({"facets": rows(0, 3), "items": []}).encode()))

        assert (found.settings["record_path"], found.first.records) == ("items", [])

    def test_no_pagination_that_no_source_may_have(self) -> None:
        """A name that is too long for a setting comes from the source; what else it has is looked at."""
        body = {"items": rows(0, 10), "next" + "x" * 600: "abc"}
        found, _, _ = looked_at(answer(json.dumps(body).encode()))

        assert (found.settings["record_path"], "pagination" in found.settings) == ("items", False)

    def test_records_by_key(self) -> None:
        """An object of objects with the same members has records."""
        found, _, _ = looked_at(answer(json.dumps({each["name"]: each for each in rows(0, 5)}).encode()))

        assert (found.settings["record_path"], len(found.first.records)) == ("*", 5)

    def test_the_order_of_ids_in_a_csv(self) -> None:
        """9 is before 10 there, too."""
        lines = "id;name\n" + "".join(f"{number};x\n" for number in range(1, 12))
        found, _, _ = looked_at(answer(lines.encode(), content_type="text/csv"))

        assert courses_of(found.first.values) == [Course("id", "id", "ascending")]

    def test_what_could_not_be_delivered(self) -> None:
        """Dead letters are counted, with their reason."""
        body = json.dumps([{"id": "x" * 2_000}, {"id": 2}]).encode()
        found, _, _ = looked_at(answer(body), limits={"max_record_kib": 1})

        assert any(each.startswith("dead letters: 1 of 2 records, each ") for each in found.doubts)

    def test_lines(self) -> None:
        """NDJSON is told from JSON, whatever its type."""
        lines = b"\n".join(json.dumps(each).encode() for each in rows(0, 7))
        found, _, _ = looked_at(answer(lines, content_type="text/plain"))

        assert (found.settings["format"], len(found.first.records)) == ("ndjson", 7)

    def test_a_key_with_a_dot(self) -> None:
        """The path is a JSON Pointer where dots do not reach it."""
        found, _, _ = looked_at(answer(json.dumps({"my.items": rows(0, 7)}).encode()))

        assert found.settings["record_path"] == "/my.items"

    def test_where_a_longer_list_would_have_its_link(self) -> None:
        """A link that is null is told, not proposed."""
        found, _, _ = looked_at(answer(json.dumps({"items": rows(0, 7), "next": None}).encode()))

        assert ("pagination" in found.settings, 'path = "next"' in found.doubts[-1]) == (False, True)


def numbered(body: Callable[[list[Any], int], Any], *, records: int = 25, last: int = 10**6) -> Behaviour:
    """Pages of 10 by number; `last` comes for every page behind it."""

    def behave(connection: Connection, request: Request) -> None:
        page = min(int(request.query.get("page", "1")), last)
        given = body(rows(0, records)[(page - 1) * 10 : page * 10], page)
        answer(json.dumps(given).encode())(connection, request)

    return behave


class TestEnds:
    def test_a_total_that_is_too_small_is_found_out(self) -> None:
        """The block would end by it, and lose the pages behind."""
        found, _, _ = looked_at(numbered(lambda items, _: {"items": items, "total_pages": 3}, records=90))

        assert found.more == (
            "the block ends by total_pages_path = 'total_pages', but the page behind that has other records"
        )

    def test_a_total_that_is_too_large_is_found_out(self) -> None:
        """The last page that it promises has no records."""
        found, _, _ = looked_at(numbered(lambda items, _: {"items": items, "total_pages": 50}))

        assert "the last page of them (page = 50) has no records" in found.more

    def test_a_flag_that_says_that_there_is_more(self) -> None:
        """It is no end if no page can be asked for."""
        found, _, _ = looked_at(answer(json.dumps({"items": rows(0, 7), "hasNextPage": True}).encode()))

        assert (found.settings.get("pagination"), found.more) == (None, "hasNextPage is true")

    def test_a_date_of_the_next_update_is_no_next_page(self) -> None:
        """Only the usual names of links and cursors count."""
        body = {"items": rows(0, 7), "next_update": "2026-01-01", "next": {"page": None}}
        found, _, _ = looked_at(answer(json.dumps(body).encode()))

        assert found.more == ""

    def test_no_end_is_taken_from_pages_that_never_end(self) -> None:
        """Behind the last page of this source its first comes again."""
        found, _, _ = looked_at(
            lambda connection, request: answer(
                json.dumps(rows(0, 40)[(int(request.query.get("page", "1")) - 1) % 4 * 10 :][:10]).encode()
            )(connection, request)
        )

        assert "known records again" in found.more

    @pytest.mark.parametrize(
        ("ranged", "is_told"),
        [("0-6/23", True), ("items 0-6/23", True), ("0-6/*", False), ("bytes 0-6/23", False)],
    )
    def test_a_content_range_of_records_tells_that_there_are_more(self, ranged: str, is_told: bool) -> None:
        """PostgREST sends it without a unit; one of bytes says nothing of records."""
        page = answer(json.dumps(rows(0, 7)).encode(), headers={"Content-Range": ranged})
        found, _, _ = looked_at(page)

        assert ("Content-Range is 23" in found.more) is is_told

    @pytest.mark.parametrize("headers", [{}, {"X-Total-Count": "30"}], ids=["no total", "a total"])
    @pytest.mark.parametrize(
        ("status", "behind", "key", "value"),
        [
            (
                *(404, {"detail": "Invalid page."}, "empty_when"),
                [{"status": 404, "path": "detail", "equals": "Invalid page."}],
            ),
            (200, {}, "records_optional", True),
            (404, {"detail": "There is no page 4"}, "empty_when", None),
            (404, "<h1>Not Found</h1>", "empty_when", None),
            (500, {"detail": "Invalid page."}, "empty_when", None),
        ],
    )
    def test_an_error_behind_the_last_page(
        self, status: int, behind: object, key: str, value: object, headers: dict[str, str]
    ) -> None:
        """It is the end if the source can be told by what it says, but not by its status alone."""
        end = answer(json.dumps(behind).encode(), status=status)

        def behave(connection: Connection, request: Request) -> None:
            number = int(request.query.get("page", "1"))
            page = answer(
                json.dumps({"items": rows(0, 30)[(number - 1) * 10 : number * 10]}).encode(), headers=headers
            )
            (page if number <= 3 else end)(connection, request)

        found, *_ = looked_at(behave)

        assert (found.settings["pagination"]["kind"], found.settings.get(key)) == ("page", value)

    def test_a_query_without_a_variable_for_the_cursor(self) -> None:
        """GraphQL says that there is more, and the block cannot ask for it."""
        page = {"nodes": rows(0, 10), "pageInfo": {"hasNextPage": True, "endCursor": "c"}}
        body = {"query": "query { items { nodes { id } } }"}
        found, _, _ = looked_at(
            answer(json.dumps({"data": {"items": page}}).encode()), method="POST", body=body
        )

        assert "hasNextPage is true" in found.more


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "headers", "words"),
        [
            (401, {"WWW-Authenticate": 'Basic realm="a, b"'}, 'auth.kind = "basic"'),
            (
                401,
                {"WWW-Authenticate": 'Bearer realm="x", error="invalid_token"'},
                "oauth2_client_credentials",
            ),
            (401, {"WWW-Authenticate": "ApiKey"}, 'prefix = "ApiKey"'),
            (401, {}, '"api_key"'),
            (403, {"X-RateLimit-Remaining": "0"}, "X-RateLimit-Remaining is 0"),
            (403, {}, "User-Agent"),
            (429, {"Retry-After": "7"}, "Retry-After: 7"),
            (404, {}, "answers 404; check the URL"),
        ],
    )
    def test_say_what_to_try(self, status: int, headers: dict[str, str], words: str) -> None:
        """By the status and its headers, after one request."""
        with pytest.raises(IngestionError) as caught:
            looked_at(answer(b"{}", status=status, headers=headers))

        assert words in str(caught.value)

    def test_a_page_for_people_is_none(self) -> None:
        """HTML is told as such."""
        with pytest.raises(IngestionError, match="HTML"):
            looked_at(answer(b"<!DOCTYPE html><html></html>", content_type="text/html"))


class TestCommand:
    def test_prints_a_block_behind_the_findings(self, run: Callable[..., Ran]) -> None:
        """Format, place, paging, order, limits, size, types, and what was spent."""
        limited = answer(json.dumps({"items": rows(0, 7)}).encode(), headers={"X-RateLimit-Limit": "60"})
        with HostileSource({"/items": limited}) as server:
            ran = run(["--url", server.url("/items?a=1")])

        (source,) = tomllib.loads(ran.said[ran.said.index("# ") :])["sources"]
        assert source == {
            "name": "items", "url": server.url("/items"), "query": {"a": "1"}, "record_path": "items",
        }  # fmt: skip
        words = ["format       json", "items: 7", "ascending    id (id)", "X-RateLimit-Limit: 60", "1 of 12"]
        assert [each for each in words if each not in ran.said] == []

    def test_ends_with_1_where_there_is_more(self, run: Callable[..., Ran]) -> None:
        """It is said in the findings and above the block."""
        behaviour = answer(json.dumps({"items": rows(0, 7), "total": 70}).encode())
        with HostileSource({"/items": behaviour}) as server:
            ran = run(["--url", server.url("/items")])

        assert (ran.code, ran.said.count("total is 70")) == (1, 2)
        assert "# THIS BLOCK DOES NOT READ EVERYTHING: total is 70" in ran.said

    def test_posts_a_body(self, run: Callable[..., Ran]) -> None:
        """As JSON; what TOML cannot say is left out and told."""
        with HostileSource({"/items": answer(json.dumps(rows(0, 7)).encode())}) as server:
            ran = run(["--url", server.url("/items"), "--body", '{"a": [1], "cursor": null}'])

        (source,) = tomllib.loads(ran.said[ran.said.index("# ") :])["sources"]
        assert (source["method"], source["body"], "# body: members that are null" in ran.said) == (
            "POST",
            {"a": [1]},
            True,
        )
        assert {each.body for each in server.requests} == {b'{"a":[1]}'}

    def test_prints_the_module_s_form(self, run: Callable[..., Ran]) -> None:
        """With FORMAT=hcl."""
        with HostileSource({"/items": answer(json.dumps({"items": rows(0, 7)}).encode())}) as server:
            said = run(["--url", server.url("/items"), "--format", "hcl"]).said

        assert '    record_path = "items"\n  },\n]' in said

    @pytest.mark.parametrize("variable", ["PROBE_AUTHORIZATION", "PROBE_API_KEY"])
    def test_never_prints_a_secret(self, run: Callable[..., Ran], variable: str) -> None:
        """Not even one that the source sends back; the block says which authentication it was."""
        value = {"PROBE_AUTHORIZATION": f"Token {SECRET}", "PROBE_API_KEY": f"X-Key: {SECRET}"}[variable]
        body = json.dumps([{"id": 1, SECRET: 2}]).encode()
        echo = answer(body, headers={"X-RateLimit-Key": SECRET})
        with HostileSource({"/items": echo}) as server:
            ran = run(["--url", server.url("/items")], {variable: value})

        assert (SECRET in ran.said, SECRET in str(server.requests[0].headers)) == (False, True)
        assert ('prefix = "Token"' if "AUTH" in variable else 'name = "X-Key"') in ran.said

    def test_hides_a_secret_of_the_query(self, run: Callable[..., Ran]) -> None:
        """It is sent, and becomes the source's authentication."""
        with HostileSource({"/items": answer(b'[{"id":1}]')}) as server:
            ran = run(["--url", server.url(f"/items?a=1&api_key={SECRET}")])

        assert (SECRET in ran.said, server.requests[0].query["api_key"]) == (False, SECRET)
        assert 'location = "query", name = "api_key"' in ran.said

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--url", "ftp://example.com"], "must begin with https://"),
            (["--url", "https://a:b@example.com"], "without user and password"),
            (["--url", "https://example.com", "--header", "no header"], "Name: value"),
            (["--url", "https://example.com?a=1&a=2"], "twice"),
            (["--url", "https://example.com", "--body", "{a"], "BODY begins as JSON does, but is not JSON"),
            (["--url", "https://example.com", "--body", "a", "--method", "GET"], "only a POST has a body"),
        ],
    )
    def test_says_what_is_wrong(self, run: Callable[..., Ran], arguments: list[str], words: str) -> None:
        """Before anything is sent."""
        assert words in run(arguments).said

    def test_prints_nothing_that_steers_a_terminal(self, run: Callable[..., Ran]) -> None:
        """Keys are the source's; the block is still TOML."""
        key = 'a"\n[x]\x1b[2J\x7f\x9b.'
        with HostileSource({"/items": answer(json.dumps({key: rows(0, 7)}).encode())}) as server:
            said = run(["--url", server.url("/items")]).said

        (source,) = tomllib.loads(said[said.index("# ") :])["sources"]
        assert source["record_path"] == f"/{key}"
        assert [each for each in said if not each.isprintable() and each != "\n"] == []


class TestSource:
    @pytest.fixture
    def configured(self, tmp_path: Path, root: Path) -> Callable[..., dict[str, str]]:
        """Writes pipeline.toml with one source; gives the environment that points there."""

        def write(url: str, more: str) -> dict[str, str]:
            text = (root / "pipeline.toml").read_text(encoding="utf-8")
            text = text.replace('"https://jsonplaceholder.typicode.com/posts"', f'"{url}"\n{more}')
            (tmp_path / "pipeline.toml").write_text(text, encoding="utf-8")
            return {"PIPELINE_TOML": str(tmp_path / "pipeline.toml"), "ENV": "local"}

        return write

    @pytest.mark.parametrize(
        ("more", "code", "words"),
        [
            ('record_path = "items"\npagination = { kind = "page" }', 0, "the second page has other records"),
            (
                'record_path = "items"\npagination = { kind = "page", parameter = "p" }',
                1,
                "same records again",
            ),
            ('record_path = "items"\npagination = { kind = "next_url" }', 0, "no second page"),
            ('record_path = "wrong"', "error", "wrong"),
            (
                'record_path = "items"\npagination = { kind = "page" }\n'
                'children = { url = "{origin}/{parent.id}" }',
                0,
                "children: were not asked for; `make try SOURCE=posts` does",
            ),
            (
                'record_path = "items"\nfail_when = [{ path = "items", exists = true }]',
                "error",
                "`fail_when`",
            ),
        ],
    )
    def test_is_checked_as_configured(
        self, run: Callable[..., Ran], configured: Any, more: str, code: object, words: str
    ) -> None:
        """Whether it answers, has records at its path, and goes on."""
        with HostileSource({"/items": paged("page", 1)}) as server:
            more = more.replace("{origin}", server.url(""))
            ran = run(["--source", "posts"], configured(server.url("/items"), more))

        assert (ran.code if isinstance(ran.code, int) else "error", words in ran.said) == (code, True), (
            ran.said
        )

    def test_may_have_an_authority_of_its_own(
        self, run: Callable[..., Ran], configured: Any, tmp_path: Path
    ) -> None:
        """A probe asks with the source's `ca_certificates`."""
        key = self_signed(tmp_path)
        with HostileSource({"/items": paged("page", 1)}, tls=serving(key)) as server:
            more = f'record_path = "items"\nca_certificates = """\n{key.with_suffix(".crt").read_text()}"""'
            ran = run(["--source", "posts"], configured(server.url("/items", host="localhost"), more))

        assert (ran.code, "10 records in the first page" in ran.said) == (0, True), ran.said

    def test_that_is_not_configured_is_told(self, run: Callable[..., Ran], configured: Any) -> None:
        """With the names that are."""
        ran = run(["--source", "orders"], configured("https://example.com", ""))

        assert "source 'orders' is not configured in pipeline.toml; configured are: posts" in ran.said


def test_make_passes_a_dollar_on(root: Path) -> None:
    """Parameters of OData and Socrata begin with one, which make and the shell would take for a variable."""
    url = "https://example.com/a.json?$limit=10&$order=:id"
    command = [
        "make",
        "--dry-run",
        "--no-print-directory",
        "probe",
        f"URL={url}",
        "--assume-old=.venv/.ready",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)

    assert f"--url '{url}'" in done.stdout
