import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.sources.sources import (
    MAX_SOURCES_BYTES,
    ConfiguredSources,
    as_json,
    source_problems,
)
from tests.checkout import ROOT

if TYPE_CHECKING:
    from ingestion_pipeline import Source

URL = "https://example.com/records"
TOKEN, NUMBER_TOKEN = "${TfToken[TOKEN.7]}", -8.109562212591379e298
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ours-AbCdEf"
WINDOWS = {"from_parameter": "a", "to_parameter": "b", "start": "2024-01-01T00:00:00Z", "days": 1}
XML = {"url": URL, "format": "xml", "record_path": "rss.channel.item"}
CLIENT = {"kind": "oauth2_client_credentials", "secret_arn": SECRET, "token_url": URL}


def only_problem(source: dict[str, Any]) -> str:
    """The one problem of a source."""
    (problem,) = source_problems([source])
    return str(problem)


class TestDefaults:
    @pytest.mark.parametrize(
        "sources",
        [
            [],
            [{"url": URL}],
            [{"name": "a", "url": URL}, {"name": "b", "url": "http://example.com"}],
            [{"url": URL}, {"url": URL}],
            [{"url": URL, "auth": {"kind": "bearer", "secret_arn": SECRET}, "format": "csv"}],
            [XML | {"pagination": {"kind": "cursor", "header": "X-Next"}}],
            [XML | {"pagination": {"kind": "cursor", "last_record_path": "/@id"}}],
            [XML | {"pagination": {"kind": "page"}, "fail_when": [], "retry_when": []}],
            [XML | {"empty_when": [{"status": 404}, {"status": 400, "path": "a", "equals": "x"}]}],
            [{"url": URL, "fail_when": [{"status": 409}, {"status": 400, "path": "a", "exists": True}]}],
            [{"url": URL, "query": {"page_token": "{cursor}"}, "pagination": {"kind": "cursor"}}],
            [{"url": URL, "query": {"key": "a", "sort_key": "b", "token": "c", "api_keys": "d"}}],
            [{"url": URL, "query": {"a": 1, "b": "c", "d": True}, "headers": {"Accept": "text/csv"}}],
        ],
    )
    def test_what_the_function_knows_is_fine(self, sources: list[dict[str, Any]]) -> None:
        """Sources need a URL, and a name only to be told apart."""
        assert source_problems(sources) == []

    def test_function_gets_them_as_they_are(self) -> None:
        """The variable is the sources as compact JSON, in their order and alphabet."""
        text = as_json([{"name": "b", "url": "https://exämple.com"}, {"url": URL}])

        assert text == '[{"name":"b","url":"https://exämple.com"},{"url":"https://example.com/records"}]'


class TestNone:
    def test_none_is_absent_at_every_depth(self) -> None:
        """What is handed over, the secrets and the keys are those of the same sources without it."""
        auth = {"kind": "bearer", "secret_arn": SECRET}
        bare = [
            {"url": URL, "auth": auth, "limits": {}, "body": {"a": None}},
            {"url": URL, "auth": {"kind": "none"}},
        ]
        given: Any = [
            {**bare[0], "name": None, "auth": {**auth, "kms_key": None}, "limits": {"max_records": None}},
            None,
            {"url": URL, "auth": {"kind": "none", "secret_arn": None}, "pagination": None},
        ]
        with_none, without = ConfiguredSources(given), ConfiguredSources(bare)

        assert (with_none.json, with_none.key, with_none.secret_arns, with_none.secret_keys) == (
            without.json,
            without.key,
            [SECRET],
            [],
        )

    def test_none_is_checked_as_absent(self) -> None:
        """It is no mistake, but where something has to be given."""
        fine: Any = {"url": URL, "auth": None, "rate": {"min_interval_seconds": None}, "query": {"a": None}}
        bad: Any = {"url": None}

        assert (source_problems([fine]), len(source_problems([bad]))) == ([], 1)


class TestSecrets:
    def test_each_is_named_once(self) -> None:
        """A secret that two sources share is one permission; a source without one adds none."""
        auth = {"kind": "bearer", "secret_arn": SECRET}
        asking, open_ = {"url": URL, "auth": auth}, {"url": URL, "auth": {"kind": "none"}}

        assert ConfiguredSources([asking, {"url": URL}, open_, asking]).secret_arns == [SECRET]


class TestGuarded:
    @pytest.mark.parametrize(
        ("source", "start"),
        [
            ({"name": "a"}, "sources[0] = {'name': 'a'}: 'url' is a required property"),
            (
                {"url": "ftp://example.com"},
                "sources[0].url = 'ftp://example.com': must be an https:// or http://",
            ),
            ({"url": 5}, "sources[0].url = 5: must be of type string"),
            (
                {"url": URL, "auth": {"secret_arn": "x"}},
                "sources[0].auth = {'secret_arn': 'x'}: must be of a kind of ",
            ),
            ({"url": URL, "name": "Big"}, "sources[0].name = 'Big': must match "),
            ({"url": URL, "name": "a" * 64}, f"sources[0].name = '{'a' * 64}': must match "),
            (
                {"url": URL, "speed": 1},
                "sources[0].speed = 1: is not a key; there are auth, body, ca_certificates, children, csv, ",
            ),
            ({"url": URL, "format": "yaml"}, "sources[0].format = 'yaml': must be one of ['auto', "),
            (
                {"url": URL, "format": "json", "csv": {"delimiter": ";"}},
                "sources[0].format = 'json': must be one of ['auto', 'csv'], because `csv` is set",
            ),
            (
                {"url": URL, "format": "xml"},
                f"sources[0] = {{'url': '{URL}', 'format': 'xml'}}: 'record_path' is a required property, "
                "because `format` is",
            ),
            *(
                (
                    {"url": URL, "format": "xml", "record_path": path},
                    f"sources[0].record_path = {path!r}: must be the names of the elements that lead",
                )
                for path in ("/rss/channel/item", "rss.channel.0", "rss.item[1]", "")
            ),
            (
                XML | {"retry_when": [{"path": "b", "exists": True}]},
                "sources[0].retry_when.0 = {'path': 'b', 'exists': True}: 'status' is a required property, "
                'because `format` is "xml", and XML has no values outside its records',
            ),
            (
                {"url": URL, "record_path": "a", "empty_when": [{}]},
                "sources[0].empty_when.0 = {}: 'status' is a required property, because `path` is",
            ),
            (
                XML | {"pagination": {"kind": "next_url"}},
                "sources[0].pagination.kind = 'next_url': must be one of ['none', 'link_header', 'page', "
                "'offset', 'cursor'], because `format` is \"xml\", and XML has no values outside",
            ),
            (
                XML | {"pagination": {"kind": "offset", "total_path": "total"}},
                "sources[0].pagination.total_path = 'total': must be '', because `format` is",
            ),
            (
                XML | {"pagination": {"kind": "cursor", "path": "next"}},
                "sources[0].pagination = {'kind': 'cursor', 'path': 'next'}: 'last_record_path' is a "
                'required property, because `format` is "xml", and XML has no values outside',
            ),
            (
                {"url": URL, "csv": {"delimiter": ";;"}},
                "sources[0].csv.delimiter = ';;': must be one ASCII character",
            ),
            (
                {"url": URL, "csv": {"quote": "\n"}},
                "sources[0].csv.quote = '\\n': must be one ASCII character",
            ),
            ({"url": URL, "csv": {"quote": ","}}, "sources[0].csv.quote = ',': is the delimiter, too"),
            ({"url": URL, "csv": {"escape": '"'}}, "sources[0].csv.escape = '\"': is the quote, too"),
            (
                {"url": URL, "csv": {"encoding": "latin-1"}},
                "sources[0].csv.encoding = 'latin-1': must be one of ['big5', ",
            ),
            ({"url": URL, "csv": {"header": 1}}, "sources[0].csv.header = 1: must be of type boolean"),
            (
                {"url": URL, "csv": {"columns": ["a", "a"]}},
                "sources[0].csv.columns = ['a', 'a']: must differ",
            ),
            ({"url": URL, "csv": {"skip_lines": -1}}, "sources[0].csv.skip_lines = -1: must be at least 0"),
            (
                {"url": URL, "csv": {"types": "guess"}},
                "sources[0].csv.types = 'guess': must be one of ['infer', ",
            ),
            (
                {"url": URL, "csv": {"sep": ";"}},
                "sources[0].csv.sep = ';': is not a key; there are columns, ",
            ),
            (
                {"url": URL, "limits": {"max_nesting": 0}},
                "sources[0].limits.max_nesting = 0: must be at least 1",
            ),
            (
                {"url": URL, "limits": {"max_record_kib": 1_001}},
                "sources[0].limits.max_record_kib = 1001: must be at most 1000",
            ),
            (
                {"url": URL, "limits": {"max_records": True}},
                "sources[0].limits.max_records = True: must be of",
            ),
            (
                {"url": URL, "limits": {"timeout_seconds": 0}},
                "sources[0].limits.timeout_seconds = 0: must be above 0",
            ),
            (
                {"url": URL, "auth": {"kind": "magic"}},
                "sources[0].auth = {'kind': 'magic'}: must be of a kind of",
            ),
            (
                {"url": URL, "auth": {"kind": "bearer", "secret_arn": "s3cret"}},
                "sources[0].auth.secret_arn = 's3cret': must match ",
            ),
            (
                {"url": URL, "auth": {"kind": "bearer", "token": "x", "secret_arn": SECRET}},
                "sources[0].auth.token = 'x': is not a key; there are kind, kms_key, prefix, secret_arn",
            ),
            (
                {"url": URL, "auth": {"kind": "bearer", "prefix": "To ken", "secret_arn": SECRET}},
                "sources[0].auth.prefix = 'To ken': must match ",
            ),
            (
                {"url": URL, "auth": {"kind": "headers", "headers": {}, "secret_arn": SECRET}},
                "sources[0].auth.headers = {}: must have at least 1 entries",
            ),
            (
                {"url": URL, "auth": {"kind": "headers", "headers": {"Host": "x"}, "secret_arn": SECRET}},
                "sources[0].auth.headers.Host = '…': is set by the client itself",
            ),
            *(
                (
                    {"url": URL, "query": {name: "x"}},
                    f"sources[0].query.{name} = '…': may hold a secret: keep it in Secrets Manager",
                )
                for name in ("api_key", "APIKEY", "access_token", "client-secret", "x.password")
            ),
            (
                {"url": URL, "auth": CLIENT | {"parameters": {"client_secret": "x"}}},
                "sources[0].auth.parameters.client_secret = '…': is set by the client itself, has a key of",
            ),
            (
                {"url": URL, "auth": {"kind": "aws_sigv4", "service": "s3"}},
                "sources[0].auth.service = 's3': must be one of ['aoss', 'es', 'execute-api', 'lambda']",
            ),
            (
                {"url": URL, "auth": {"kind": "aws_sigv4", "service": "es", "region": "Europe"}},
                "sources[0].auth.region = 'Europe': must match ",
            ),
            (
                {"url": URL, "auth": {"kind": "aws_sigv4", "service": "es", "resource_arn": "*"}},
                "sources[0].auth.resource_arn = '*': must match ",
            ),
            (
                {"url": URL, "pagination": {"kind": "page", "first": -1}},
                "sources[0].pagination.first = -1: must be at least 0",
            ),
            *(
                (
                    {"url": URL, "record_path": "a"} | change,
                    f'sources[0].{field}: must be keys joined by dots ("meta.next"), or a JSON Pointer',
                )
                for change, field in (
                    ({"record_path": "/a~2"}, "record_path = '/a~2'"),
                    (
                        {"pagination": {"kind": "page", "total_pages_path": "/~"}},
                        "pagination.total_pages_path = '/~'",
                    ),
                    ({"pagination": {"kind": "cursor", "path": "/a/~b"}}, "pagination.path = '/a/~b'"),
                    (
                        {"pagination": {"kind": "cursor", "parameter": "/~9"}},
                        "pagination.parameter = '/~9'",
                    ),
                    ({"fail_when": [{"path": "/~", "exists": True}]}, "fail_when.0.path = '/~'"),
                )
            ),
            (
                {"url": URL, "windows": WINDOWS | {"days": 0}},
                "sources[0].windows.days = 0: must be at least 1",
            ),
            (
                {"url": URL, "windows": WINDOWS | {"format": "%Y"}},
                "sources[0].windows.format = '%Y': must be one of ['date', ",
            ),
            (
                {"url": URL, "windows": WINDOWS | {"start": "2024"}},
                "sources[0].windows.start = '2024': must match ",
            ),
            (
                {"url": URL, "windows": {key: WINDOWS[key] for key in ("from_parameter", "start", "days")}},
                "sources[0].windows = {'from_parameter': 'a', 'start': '2024-01-01T00:00:00Z', 'days': 1}: "
                "'to_parameter' is a required property",
            ),
            (
                {"url": URL, "record_path": "a", "retry_when": [{"path": "b"}]},
                "sources[0].retry_when.0 = {'path': 'b'}: needs exactly one of equals, in, exists",
            ),
            (
                {"url": URL, "records_optional": True},
                "sources[0] = {'url': 'https://example.com/records', 'records_optional': True}: "
                "'record_path' is a required property, because `records_optional` is true",
            ),
            (
                {"url": URL, "format": "csv", "fail_when": [{"path": "b", "equals": 1}]},
                "sources[0].format = 'csv': must be one of ['auto', 'json', 'ndjson'], because `fail_when`",
            ),
            (
                {"url": URL, "pagination": {"kind": "cursor", "header": "X", "last_record_path": "id"}},
                "sources[0].pagination = {'kind': 'cursor', 'header': 'X', 'last_record_path': 'id'}: "
                "has two keys of which only one may be set",
            ),
            (
                {"url": URL, "children": {"url": URL}},
                "sources[0].children = {'url': 'https://example.com/records'}: must have a placeholder of "
                "its parent, such as {parent.id}, in the request",
            ),
            (
                {"url": URL, "children": {"url": "https://b.example.com/{parent.id}"}},
                "sources[0].children.url = 'https://b.example.com/{parent.id}': must have the scheme, host",
            ),
            (
                {"url": URL, "children": {"url": f"{URL}/{{parent.id}}", "records_optional": True}},
                "sources[0].children = {'url': 'https://example.com/records/{parent.id}', "
                "'records_optional': True}: 'record_path' is a required property, because `records_optional`",
            ),
            (
                {"url": URL, "children": {"url": f"{URL}/{{parent.id}}", "format": "json", "csv": {}}},
                "sources[0].children.format = 'json': must be one of ['auto', 'csv'], because `csv` is set",
            ),
            (
                {"url": URL, "children": {"url": f"{URL}/{{parent.id}}", "csv": {"quote": ","}}},
                "sources[0].children.csv.quote = ','",
            ),
            (
                {"url": URL, "children": {"url": URL, "query": {"a": "{parent.id}{page}"}}},
                "sources[0].children = {'url': 'https://example.com/records', 'query': {'a': "
                "'{parent.id}{page}'}}: 'pagination' is a required property",
            ),
            (
                {"url": URL, "headers": {"X-A": "{offset}"}, "pagination": {"kind": "page"}},
                "sources[0].pagination.kind = 'page': must be 'offset', because `{offset}` stands in the "
                "request; write `{{offset}` if these characters are meant",
            ),
            (
                {"url": URL, "method": "POST", "body": "x", "pagination": {"kind": "page", "into": "body"}},
                "sources[0].body = 'x': must be of type object",
            ),
        ],
    )
    def test_each_mistake_is_reported(self, source: dict[str, Any], start: str) -> None:
        """A source is refused at synth for what the function would refuse it for later."""
        assert only_problem(source).startswith(start)

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(dt.date(2026, 11, 23), id="a date"),
            pytest.param(dt.datetime(2026, 11, 23, 1, 2, tzinfo=dt.UTC), id="a time"),
            pytest.param(float("nan"), id="not a number"),
            pytest.param(float("inf"), id="infinity"),
        ],
    )
    def test_what_toml_knows_and_json_does_not(self, value: object) -> None:
        """TOML has values that cannot be handed over as JSON; they are reported and not left out."""
        problem = only_problem({"url": URL, "method": "POST", "body": {"since": value}})

        assert problem.startswith(f"sources[0].body.since = {value!r}: ")

    def test_two_of_one_name(self) -> None:
        """A name that two sources have picks neither."""
        (problem,) = source_problems([{"name": "a", "url": URL}] * 3)

        assert str(problem) == "sources.name = 'a': is the name of two sources; names must differ"

    def test_all_mistakes_of_all_sources(self) -> None:
        """No mistake hides another."""
        found = source_problems([{"url": "x", "name": "A"}, {"speed": 1}])

        assert sorted(problem.field for problem in found) == [
            "sources[0].name",
            "sources[0].url",
            "sources[1]",
            "sources[1].speed",
        ]

    def test_room_for_all_sources(self) -> None:
        """Thousands of sources fit; more than the function reads at once are refused, counted in bytes."""
        each = {"url": f"{URL}?{'ä' * 500}"}
        fits = (MAX_SOURCES_BYTES - len("[]")) // (len(as_json([each]).encode()) - len("[]") + len(","))
        (problem,) = source_problems([each] * (fits + 1))

        assert source_problems([each] * fits) == []
        assert re.search(
            r"take 1,04\d,\d{3} bytes as JSON, of 1,048,576: make several pipelines", str(problem)
        )

    def test_room_for_all_secrets(self) -> None:
        """Hundreds of secrets fit into the policies that a role may have; more are refused."""
        some = [bearer(f"{SECRET.removesuffix('-AbCdEf')}-{number}-AbCdEf") for number in range(1_000)]
        (problem,) = source_problems(some)

        assert source_problems(some[:500]) == []
        assert "managed policies, and a role has 10: let sources share them" in str(problem)

    def test_what_is_handed_over_can_be_read(self) -> None:
        """The variable is JSON whatever the sources hold."""
        sources = [{"url": URL, "headers": {"X": '"\\\n\u2028'}}]

        assert json.loads(as_json(sources)) == sources


def settings_with(*sources: Mapping[str, Any]) -> Settings:
    """Settings made by a program that no type checker has seen."""
    return Settings(sources=cast("tuple[Source, ...]", sources))


class TestFromPython:
    """A program gives sources to `Settings` itself, without pipeline.toml."""

    @pytest.mark.parametrize(
        "sources",
        [
            pytest.param([{"url": URL, "pagintion": {"kind": "page"}}], id="an unknown key"),
            pytest.param([{"name": "orders"}], id="no url"),
            pytest.param([{"name": "a", "url": URL}, {"name": "a", "url": URL}], id="two of one name"),
            pytest.param([{"url": f"{URL}?{'x' * 8_192}"}], id="a long url"),
            pytest.param([{"url": URL, "auth": {"kind": "magic"}}], id="an unknown kind"),
            pytest.param(
                [{"url": URL, "pagination": {"kind": "page", "path": "x"}}], id="another kind's key"
            ),
        ],
    )
    def test_says_what_a_file_says(self, tmp_path: Path, sources: list[dict[str, Any]]) -> None:
        """A mistake is refused when the settings are made, in the words for pipeline.toml."""
        file = tmp_path / "pipeline.toml"
        file.write_text(f"sources = {toml(sources)}\n[environments.dev]\n", encoding="utf-8")
        with pytest.raises(SettingsError) as from_file:
            read(file, "dev")
        with pytest.raises(SettingsError) as from_python:
            settings_with(*sources)

        assert str(from_python.value) == str(from_file.value).removeprefix("pipeline.toml: ")

    @pytest.mark.parametrize("sources", ["posts", {"url": URL}, ["posts"], 5, None])
    def test_needs_a_list_of_tables(self, sources: Any) -> None:
        """One source alone, or its name, is no list of sources."""
        with pytest.raises(SettingsError, match=r"in Python a (list of dictionaries|dictionary)"):
            Settings(sources=sources)

    def test_settings_with_other_sources_are_checked_too(self) -> None:
        """A copy with other sources is as good as new settings."""
        with pytest.raises(SettingsError, match="'url' is a required property"):
            replace(settings_with({"url": URL}), sources=({"name": "a"},))  # type: ignore[typeddict-item]

    @pytest.mark.parametrize(
        "source",
        [
            {"url": TOKEN},
            {"url": f"https://{TOKEN}.example.com/records"},
            {"url": URL, "auth": {"kind": "bearer", "secret_arn": TOKEN, "kms_key": TOKEN}},
            {"url": URL, "format": TOKEN, "headers": {"X": TOKEN}, "query": {"a": TOKEN, "b": NUMBER_TOKEN}},
            {
                "url": URL,
                "limits": {"max_records": NUMBER_TOKEN},
                "retry": {"max_delay_seconds": NUMBER_TOKEN},
            },
        ],
    )
    def test_an_attribute_of_a_resource_is_allowed(self, source: dict[str, Any]) -> None:
        """What only Terraform will know cannot be checked at synthesis."""
        assert settings_with(source).sources == (source,)

    def test_a_text_stands_for_no_number(self) -> None:
        """The function would get a string; the message names the reference that is a number."""
        problem = only_problem({"url": URL, "limits": {"max_records": TOKEN}})

        assert problem.endswith(
            "must be of type integer that Terraform fills in, such as `Token.as_number(…)` (docs/sources.md)"
        )

    @pytest.mark.parametrize(
        "value", [b"x", Decimal(1), {1, 2}, object()], ids=lambda value: type(value).__name__
    )
    def test_what_python_knows_and_json_does_not(self, value: object) -> None:
        """An object of Python cannot be handed over either."""
        problem = only_problem({"url": URL, "method": "POST", "body": {"since": value}})

        assert problem.startswith(f"sources[0].body.since = {value!r}: has no form in JSON")

    def test_a_key_that_is_no_string(self) -> None:
        """JSON would turn the key into a string that nobody wrote."""
        problem = only_problem({"url": URL, "method": "POST", "body": {1: "x"}})

        assert problem == "sources[0].body.1 = 'x': has the key 1: write it as a string"

    def test_settings_without_sources_load_no_validator(self) -> None:
        """Who gives no sources does not wait for jsonschema, which takes 0.1 s."""
        program = (
            "import sys; from ingestion_pipeline import Settings;"
            "Settings(); print('jsonschema' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(ROOT / "constructs")},
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout == "False\n"


def toml(value: object) -> str:
    """A value of TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


class TestPolicies:
    @pytest.mark.parametrize(
        ("name", "permitted"),
        [
            ("orders-AbCd12", ["orders-AbCd12"]),
            ("orders", ["orders-??????"]),
            ("prod/orders", ["prod/orders-??????"]),
            ("api-secret", ["api-secret", "api-secret-??????"]),
        ],
        ids=["with the suffix", "without", "with a folder", "a word of six letters"],
    )
    def test_an_arn_with_or_without_its_suffix_matches_the_secret(
        self, name: str, permitted: list[str]
    ) -> None:
        """IAM compares the whole ARN, which ends in six characters that nobody chose."""
        arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
        sources = ConfiguredSources([bearer(f"{arn}{name}")])

        assert sources.secret_arns == [f"{arn}{each}" for each in permitted]

    def test_each_group_fits_into_a_managed_policy(self) -> None:
        """A managed policy takes 6,144 characters."""
        arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
        sources = ConfiguredSources([bearer(f"{arn}{'x' * 500}-{number:03}-AbCdEf") for number in range(60)])
        groups = sources.secret_groups
        assert isinstance(groups, Mapping)
        sizes = [sum(len(each) + 4 for each in group) for group in groups.values()]

        assert (max(sizes) < 6_144 - 200, sum(map(len, groups.values()))) == (True, 60)

    def test_the_object_is_named_by_its_content(self) -> None:
        """Other sources are another object, so that the function and its sources change together."""
        one, same, other = (ConfiguredSources([{"url": url}]).key for url in (URL, URL, URL + "x"))

        assert one == same != other


def bearer(arn: str) -> dict[str, Any]:
    """A source with a token of its own."""
    return {"url": URL, "auth": {"kind": "bearer", "secret_arn": arn}}
