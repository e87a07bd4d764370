"""Holds what deploys against what runs: the only place that sees both."""

import ast
import importlib
import json
import re
from dataclasses import fields
from datetime import date, datetime, timedelta
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import botocore.loaders
import msgspec
import pytest
from botocore import xform_name

from ingestion_pipeline.resources import policies
from ingestion_pipeline.settings.references import QueueReference
from ingestion_pipeline.settings.rules import Rule, SettingsError, rule_of
from ingestion_pipeline.settings.settings import TABLES, Settings
from ingestion_pipeline.settings.sources.cron import Cron
from ingestion_pipeline.settings.sources.permissions import SCHEMA
from ingestion_pipeline.settings.sources.schedules import parse_schedule
from ingestion_pipeline.settings.sources.sources import ConfiguredSources, as_json, source_problems
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from tests.checkout import ROOT, synthesized_file
from tests.url_fetcher.reading import Objects
from url_fetcher.aws_calls import PATIENCE
from url_fetcher.errors import IngestionError
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.intake.environment import Environment, read_environment
from url_fetcher.source.schema import SCHEDULE_KEYS, Source, json_schema
from url_fetcher.watch.interval import longest_interval_seconds

LAMBDAS_OWN = {"AWS_LAMBDA_RUNTIME_API"}
"""Variables that Lambda itself sets."""

LAMBDA_DOES = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""What Lambda does in the function's name, without the function's code."""

ARN = "arn:aws:sqs:eu-west-1:123456789012:thing"

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ours-AbCd12"
REFRESHED = {"url": "https://a.test", "auth": {"kind": "oauth2_refresh_token", "secret_arn": SECRET}}
"""A source whose authentication writes its secret."""


SCHEDULES = sorted(
    {
        schedule
        for page in (ROOT / "docs" / "sources.md", *(ROOT / "docs" / "sources").glob("*.md"))
        for schedule in re.findall(r"`((?:rate|cron)\([^`]*\))`", page.read_text(encoding="utf-8"))
    }
)


RULES = {
    rule.variable: rule
    for table in TABLES.values()
    for column in fields(table)  # type: ignore[arg-type]
    if (rule := rule_of(column)).variable and rule.kind in (int, str)
}
"""The rule of each setting that a variable carries, but for switches and lists."""


def allowed_by(rule: Rule) -> list[object]:
    """All the values that a rule lists, or else those at its limits."""
    if rule.choices:
        return list(rule.choices)
    if rule.kind is int:
        return [rule.minimum, rule.maximum]
    values = (
        ["a/", "a" * 199 + "/"] if rule.pattern else ["a" * (rule.minimum or 0), "a" * (rule.maximum or 1)]
    )
    refused = [value for value in values if rule.problem("setting", value)]
    assert not refused, f"these are no values at the limits of {rule}: {refused}"
    return list(values)


@pytest.fixture(scope="module")
def function(with_small_zip: Path) -> dict[str, Any]:
    """The function as it is synthesized."""
    stack = json.loads(synthesized_file(with_small_zip).read_text(encoding="utf-8"))
    (made,) = stack["resource"]["aws_lambda_function"].values()
    return dict(made)


@pytest.fixture(scope="module")
def variables(function: dict[str, Any]) -> dict[str, str]:
    """Its environment, with names in the place of what only Terraform knows."""
    given = function["environment"]["variables"]
    return {name: re.sub(r"^\$\{.*\}$", "of-terraform", value) for name, value in given.items()}


def called(root: Path) -> set[str]:
    """IAM actions of every AWS operation that the function's code calls on a client.

    SendMessageBatch is permitted as SendMessage:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    names = set()
    for file in (root / "lambda" / "url_fetcher").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    loader = botocore.loaders.Loader()
    return {
        f"{service}:{operation.removesuffix('Batch') if service == 'sqs' else operation}"
        for service in (
            "cloudwatch",
            "kinesis",
            "s3",
            "secretsmanager",
            "sqs",
            "sts",
            "dynamodb",
            "lambda",
            "ssm",
        )
        if service in names
        for operation in loader.load_service_model(service, "service-2")["operations"]
        if xform_name(operation) in names or operation in names
    }


class TestEnvironment:
    def test_what_is_set_is_what_is_read(self, variables: dict[str, str]) -> None:
        """Every variable that is deployed is read, and every one that is read is deployed."""
        read = {field.encode_name for field in msgspec.structs.fields(Environment)}

        assert set(variables) == read - LAMBDAS_OWN

    def test_what_is_deployed_is_understood(self, variables: dict[str, str]) -> None:
        """The function takes the environment that it is deployed with."""
        environment = read_environment(variables)

        assert environment.kinesis_stream_name == "of-terraform"
        assert environment.sources_uri.startswith("s3://")

    def test_defaults_are_the_same(self, variables: dict[str, str]) -> None:
        """What nobody sets is the same whether it is deployed or left to the function."""
        named = (
            *("KINESIS_STREAM_NAME", "DEAD_LETTER_BUCKET", "POWERTOOLS_SERVICE_NAME", "SOURCES_URI"),
            *("LISTS_URI", "WORK_QUEUE_URL", "WORK_QUEUE_IS_READ", "DEAD_LETTER_QUEUE_URL"),
        )
        bare = read_environment({name: variables[name] for name in named})

        assert read_environment(variables) == bare

    @pytest.mark.parametrize("variable", RULES)
    def test_what_synth_allows_the_function_takes(self, variable: str) -> None:
        """Up to its limits, a setting that passes at synth reaches the function as it is."""
        values = allowed_by(RULES[variable])
        taken = [read_environment({"KINESIS_STREAM_NAME": "s", variable: str(value)}) for value in values]

        assert [getattr(environment, variable.lower()) for environment in taken] == values

    @pytest.mark.parametrize("host", ["example.com", "*.example.com", "EXAMPLE.com", "a-1.b2.c", "10.0.0.1"])
    def test_hosts_that_synth_allows_the_function_takes(self, host: str) -> None:
        """A host name of the settings is one of the function's."""
        settings = FetchSettings(allowed_hosts=(host, "example.org"))
        value = ",".join(settings.allowed_hosts)
        environment = read_environment({"KINESIS_STREAM_NAME": "s", "ALLOWED_HOSTS": value})

        assert environment.allowed_hosts == (host.lower(), "example.org")


def test_no_call_to_aws_outlasts_an_invocation() -> None:
    """With all its attempts, a call ends before Lambda ends the function, by default after a minute."""
    seconds = FunctionSettings().timeout_seconds
    late = [
        service
        for service, (connect_seconds, read_seconds, attempts) in PATIENCE.items()
        if (connect_seconds + read_seconds) * attempts >= seconds
    ]

    assert (bool(PATIENCE), late) == (True, [])


class TestSources:
    def test_schema_is_the_functions_own(self) -> None:
        """The schema that pipeline.toml is held against is the one that events are; `make docs` writes it."""
        assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()

    @pytest.mark.parametrize(
        "source",
        [
            {"url": "https://example.com", "pagination": {"kind": "page", "size": 5}},
            {"url": "HTTP://example.com", "auth": {"kind": "none"}, "query": {"a": 1.5}},
            {"url": "https://example.com", "method": "POST", "body": {"a": [1, None]}},
        ],
    )
    def test_what_synth_allows_the_function_takes(self, source: dict[str, Any]) -> None:
        """A source that passes at synth is one that the function can read."""
        assert source_problems([source]) == []
        assert Objects(as_json([source])).list().all

    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_a_schedule_that_the_document_shows_is_taken(self, schedule: str) -> None:
        """The grammar at synth, the pattern of the schema and the function's own know each of them."""
        source = {"name": "a", "url": "https://example.com", "schedule": schedule}
        known = decode_settings(source, Source, where="the source")

        assert (source_problems([source]), known.schedule) == ([], schedule)

    @pytest.mark.parametrize("schedule", [each for each in SCHEDULES if each.startswith("cron")])
    def test_the_watch_reads_a_schedule_as_it_runs(self, schedule: str) -> None:
        """The longest time between two runs is that of the runs which `make plan` shows."""
        cron, today = parse_schedule(schedule), date(2026, 12, 1)
        assert isinstance(cron, Cron)
        times = cron.times(datetime(2026, 12, 1) - timedelta(days=400))
        runs = list(takewhile(lambda run: run < datetime(2026, 12, 2) + timedelta(days=400), times))
        longest = max((later - run).total_seconds() for run, later in pairwise(runs))

        assert longest_interval_seconds(schedule, today) == longest

    def test_a_schedule_has_the_functions_defaults(self) -> None:
        """What a source leaves out is deployed as the function's schema has it."""
        fields = msgspec.structs.fields(Source)
        defaults = {field.name: field.default for field in fields if field.name in SCHEDULE_KEYS[1:]}
        source: Any = {"name": "a", "url": "https://example.com", "schedule": "rate(1 day)"}
        deployed = dict(ConfiguredSources([source]).schedules["a"])  # type: ignore[index]
        deployed.pop("expression")

        assert deployed == defaults

    @pytest.mark.parametrize(
        "given",
        [
            {"headers": {"Authorization": "Bearer s3cr3t"}},
            {"headers": {"X-Api-Key": "s3cr3t"}},
            {"headers": {"Cookie": "s3cr3t"}},
            {"headers": {"Host": "a.test"}},
            {"headers": {"a b": "c"}},
            {"headers": {"a": "b\nc"}},
            {"headers": {"a\n": "b"}},
            {"headers": {"a": "b\n"}},
            {"headers": {"a": "b" * 4_097}},
            {"url": "https://user:s3cr3t@a.test/"},
            {"url": "https://a.test:22/"},
            {"url": "https://a.test:1023/"},
            {"url": "https://a.test/a b"},
            {"body": "a"},
            {"body": {"a": 1}},
            {"url": "http://a.test/"},
            {"url": "https://b.test/"},
            {
                "url": "https://a.test/",
                "children": {"url": "https://a.test/{parent.id}", "headers": {"Token": "a"}},
            },
        ],
        ids=str,
    )
    def test_what_the_function_refuses_is_refused_before_it_is_deployed(self, given: Any) -> None:
        """And the message shows no secret; the function goes on checking what it is sent."""
        source: Any = {"name": "a", "url": "https://a.test/"} | given
        policy = AddressPolicy(allowed_hosts=("a.test",))
        with pytest.raises(IngestionError):
            policy.check_url(decode_settings(source, Source, where="the source").url)

        with pytest.raises(SettingsError, match=r"sources\[0\]") as refused:
            Settings(fetch=FetchSettings(allowed_hosts=("a.test",)), sources=[source])
        assert "s3cr3t" not in str(refused.value)

    @pytest.mark.parametrize(
        "url",
        ["https://a.test:80/", "https://a.test:443", "https://a.test:1024/a:22/", "https://a.test:8080?a@b"],
    )
    def test_what_the_function_asks_for_is_deployed(self, url: str) -> None:
        """Ports of the web, and signs that mean nothing behind the host."""
        AddressPolicy().check_url(url)

        assert Settings(sources=[{"url": url}]).sources

    @pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "169.254.169.254", "[::1]"])
    def test_private_addresses_are_refused_unless_they_are_allowed(self, host: str) -> None:
        """The function finds out when it connects."""
        sources: Any = [{"url": f"https://{host}/"}]
        with pytest.raises(SettingsError, match=r"set fetch\.allow_private_networks = true"):
            Settings(sources=sources)

        assert Settings(fetch=FetchSettings(allow_private_networks=True), sources=sources).sources

    def test_the_function_gets_no_schedule(self) -> None:
        """A new one would be a new object, and so a change of the function, which ignores them all."""
        source: Any = {"name": "a", "url": "https://example.com"}
        given = {key: "rate(1 day)" if key == "schedule" else 1 for key in SCHEDULE_KEYS}

        assert ConfiguredSources([source | given]).json == ConfiguredSources([source]).json


class TestCode:
    def test_handler_is_there(self, function: dict[str, Any]) -> None:
        """The string that Lambda imports names something that can be called."""
        module, name = function["handler"].rsplit(".", 1)

        assert callable(getattr(importlib.import_module(module), name))

    def test_what_is_called_is_permitted_and_nothing_else(self, root: Path) -> None:
        """The role permits the AWS operations that the code calls, and beside them only what Lambda does."""
        statements = [
            *policies.write_stream(ARN),
            *policies.write_dead_letters(ARN, "dead-letters/"),
            *policies.send_failures(QueueReference(arn=ARN)),
            *policies.send_events(QueueReference(arn=ARN)),
            *policies.consume_events(ARN),
            *policies.read_secrets([ARN]),
            *policies.use_by_sources(ConfiguredSources([REFRESHED]).permitted),
            *policies.read_configuration(ARN, "config/"),
            *policies.read_lists(ARN, "lists/"),
            *policies.write_log(ARN),
            *policies.send_traces(),
            *policies.read_metrics(when=True),
        ]
        permitted = {action for each in statements if each.when for action in each.actions}

        assert called(root) <= permitted
        assert permitted - called(root) <= LAMBDA_DOES
