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
from ingestion_pipeline.settings.sources import MAX_SOURCES_BYTES, ConfiguredSources, as_json, source_problems
from ingestion_pipeline.settings.tables import Settings
from tests.checkout import ROOT

if TYPE_CHECKING:
    from ingestion_pipeline import Source

URL = "https://example.com/records"
TOKEN, NUMBER_TOKEN = "${TfToken[TOKEN.7]}", -8.109562212591379e298
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ours-AbCdEf"


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
            ({"url": URL, "name": "Big"}, "sources[0].name = 'Big': must match "),
            ({"url": URL, "name": "a" * 64}, f"sources[0].name = '{'a' * 64}': must match "),
            ({"url": URL, "speed": 1}, "sources[0].speed = 1: is not a key; there are auth, body, format, "),
            ({"url": URL, "format": "xml"}, "sources[0].format = 'xml': must be one of ['auto', "),
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
                "sources[0].auth.token = 'x': is not a key; there are kind, kms_key, secret_arn, secret_key",
            ),
            (
                {"url": URL, "pagination": {"kind": "page", "first": -1}},
                "sources[0].pagination.first = -1: must be at least 0",
            ),
        ],
    )
    def test_each_mistake_is_told(self, source: dict[str, Any], start: str) -> None:
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
        """TOML has values that cannot be handed over as JSON; they are told and not left out."""
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
        assert "managed policies, and a role has 10: let sources share secrets" in str(problem)

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
