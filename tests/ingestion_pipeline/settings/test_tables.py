import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest

from ingestion_pipeline.settings.rules import Rule, SettingsError, problems_in, rule_of
from ingestion_pipeline.settings.settings import TABLES, Settings
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
from ingestion_pipeline.settings.tables.delivery import DeliverySettings
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.lake import LakeSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.queue import QueueSettings
from ingestion_pipeline.settings.tables.stream import StreamSettings
from ingestion_pipeline.settings.tables.vpc import VpcSettings

RULES: dict[str, Rule] = {
    f"{name}.{column.name}": rule_of(column)
    for name, table in TABLES.items()
    for column in fields(table)  # type: ignore[arg-type]
}
NUMBERS = {path: rule for path, rule in RULES.items() if rule.kind is int and not rule.choices}
CHOICES = {path: rule for path, rule in RULES.items() if rule.choices}
SWITCHES = [path for path, rule in RULES.items() if rule.kind is bool]


def refused(path: str, *values: Any) -> list[Any]:
    """Those of the values that the setting refuses."""
    table, key = path.split(".")
    return [value for value in values if problems_in(TABLES[table], {key: value}, table)]


class TestDefaults:
    """Every value of the design is the default."""

    @pytest.mark.parametrize(
        ("table", "values"),
        [
            (
                PipelineSettings(),
                {
                    "name": "data-ingestion",
                    "region": "us-east-1",
                    "allowed_account_ids": (),
                    "tags": {"Purpose": "DataIngestion"},
                },
            ),
            (
                StreamSettings(),
                {
                    "shard_count": 2,
                    "retention_hours": 24,
                    "kms_key": "alias/aws/kinesis",
                    "other_kms_keys": (),
                },
            ),
            (
                DeliverySettings(),
                {
                    "buffer_mib": 5,
                    "buffer_seconds": 300,
                    "compression": "GZIP",
                    "data_prefix": "data/",
                    "error_prefix": "errors/",
                    "log_retention_days": 14,
                    "keep_former": False,
                },
            ),
            (
                LakeSettings(),
                {
                    "bucket_name": "",
                    "expire_days": 0,
                    "noncurrent_version_days": 90,
                    "delete_with_stack": False,
                },
            ),
            (
                FunctionSettings(),
                {
                    "memory_mib": 512,
                    "timeout_seconds": 60,
                    "runtime": "python3.13",
                    "architecture": "arm64",
                    "reserved_concurrency": None,
                    "retry_attempts": 2,
                    "event_age_seconds": 21_600,
                    "url_enabled": False,
                    "tracing": True,
                    "log_level": "INFO",
                    "log_retention_days": 14,
                },
            ),
            (
                QueueSettings(),
                {
                    "enabled": False,
                    "max_concurrency": 5,
                    "batch_size": 1,
                    "retention_days": 4,
                    "kms_key": "",
                },
            ),
            (
                FetchSettings(),
                {
                    "allowed_hosts": (),
                    "allow_http": False,
                    "allow_private_networks": False,
                    "packing": "lines",
                    "pack_kib": 24,
                    "partition_key_field": "",
                },
            ),
            (VpcSettings(), {"subnet_ids": (), "security_group_ids": ()}),
            (DeadLetterSettings(), {"prefix": "dead-letters/", "queue_retention_days": 14, "kms_key": ""}),
            (Settings().state, {"bucket": "", "key": "", "region": ""}),
        ],
        ids=lambda value: getattr(value, "table", ""),
    )
    def test_are_as_designed(self, table: object, values: Mapping[str, object]) -> None:
        """Whoever sets nothing gets the design's values; a setting that came later needs no line here."""
        assert {name: vars(table)[name] for name in values} == values

    def test_of_every_table(self) -> None:
        """Settings of nothing hold every table with its defaults."""
        settings = Settings()
        tables = {table.table: table for table in vars(settings).values() if hasattr(table, "table")}

        assert tables == {name: table() for name, table in TABLES.items()}

    def test_of_tags_are_not_shared(self) -> None:
        """The tags of two pipelines are two tables."""
        assert PipelineSettings().tags is not PipelineSettings().tags


class TestEveryRule:
    """From the rules' own table, so that a new setting is held to the same."""

    @pytest.mark.parametrize("path", NUMBERS)
    def test_a_number_ends_at_its_limits(self, path: str) -> None:
        """Both limits are allowed and the next number beyond each is not."""
        low, high = NUMBERS[path].minimum, NUMBERS[path].maximum
        assert low is not None
        assert high is not None

        assert refused(path, low - 1, low, high, high + 1) == [low - 1, high + 1]

    @pytest.mark.parametrize("path", NUMBERS)
    def test_a_number_is_a_whole_number(self, path: str) -> None:
        """A truth value, a fraction, text and nothing are no numbers, even if Python compares them."""
        low = NUMBERS[path].minimum or 0
        others: list[Any] = [True, False, float(low), str(low), [low]]

        assert refused(path, *others) == others

    @pytest.mark.parametrize("path", CHOICES)
    def test_a_choice_is_one_of_them(self, path: str) -> None:
        """All choices are allowed and what is beside them is not."""
        choices = CHOICES[path].choices
        others = ["", str(choices[0]).swapcase() + "x", 0, -1, True, None]

        assert refused(path, *choices) == []
        assert refused(path, *others) == others

    @pytest.mark.parametrize("path", SWITCHES)
    def test_a_switch_is_on_or_off(self, path: str) -> None:
        """Only true and false are."""
        assert refused(path, True, False, 0, 1, "true", "") == [0, 1, "true", ""]

    @pytest.mark.parametrize("path", [path for path, rule in RULES.items() if rule.kind is str])
    def test_text_is_text(self, path: str) -> None:
        """No number, truth value or list passes for text."""
        others: list[Any] = [5, True, ["a"], {"a": "a"}, None]

        assert refused(path, *others) == others

    @pytest.mark.parametrize("path", RULES)
    def test_says_field_value_and_range(self, path: str) -> None:
        """Every refusal names the field, the value that was given, and what is allowed."""
        table, key = path.split(".")
        wrong = object()
        (problem,) = problems_in(TABLES[table], {key: wrong}, table)

        assert str(problem).startswith(f"{path} = {wrong!r}: must be {RULES[path].allowed()}")

    @pytest.mark.parametrize("path", RULES)
    def test_has_a_meaning(self, path: str) -> None:
        """Every setting is explained in a sentence, for the table in the README."""
        assert re.fullmatch(r"[A-Z].+\.", RULES[path].meaning)

    @pytest.mark.parametrize("path", NUMBERS)
    def test_unit_is_in_the_name(self, path: str) -> None:
        """A quantity's name ends in its unit, or counts."""
        units = "_(hours|days|seconds|mib|kib|count|attempts|concurrency|size)$"

        assert re.search(units, path)


class TestLimitsOfAws:
    """AWS's own limits by literal number, so that a slip in the table is one."""

    @pytest.mark.parametrize(
        ("path", "allowed", "too_much"),
        [
            ("stream.shard_count", [1, 20_000], [0, 20_001]),
            ("stream.retention_hours", [24, 8_760], [23, 8_761]),
            ("delivery.buffer_mib", [1, 128], [0, 129]),
            ("delivery.buffer_seconds", [0, 900], [-1, 901]),
            ("function.memory_mib", [128, 10_240], [127, 10_241]),
            ("function.timeout_seconds", [1, 900], [0, 901]),
            ("function.retry_attempts", [0, 2], [-1, 3]),
            ("function.event_age_seconds", [60, 21_600], [59, 21_601]),
            ("function.log_retention_days", [1, 14, 3653], [0, 2, 15, 3654]),
            ("delivery.log_retention_days", [1, 14, 3653], [0, 2, 15, 3654]),
            ("fetch.pack_kib", [1, 1_000], [0, 1_001]),
            ("fetch.partition_key_field", ["", "a" * 256], ["a" * 257]),
            ("dead_letters.queue_retention_days", [1, 14], [0, 15]),
            ("queue.max_concurrency", [2, 1_000], [1, 1_001]),
            ("queue.batch_size", [1, 10], [0, 11]),
            ("queue.retention_days", [1, 14], [0, 15]),
            ("queue.kms_key", ["", "arn:aws:kms:eu-west-1:123456789012:key/1"], ["alias/aws/sqs", "ours"]),
            ("pipeline.name", ["abc", "a" * 40, "a-1"], ["ab", "a" * 41, "-ab", "1ab", "ab-", "aBc", "a_b"]),
            (
                "pipeline.region",
                ["us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "ap-southeast-5"],
                ["us-east", "", "US-EAST-1", "us_east_1", "us-east-1 "],
            ),
            (
                "lake.bucket_name",
                ["", "abc", "a" * 63, "a.b-c"],
                [
                    "ab",
                    "a" * 64,
                    "Abc",
                    "a_b",
                    "-abc",
                    "abc-",
                    "a..b",
                    "192.168.5.4",
                    "xn--abc",
                    "abc-s3alias",
                ],
            ),
            (
                "state.bucket",
                ["", "abc", "a" * 63],
                ["ab", "a" * 64, "Abc", "a..b", "192.168.5.4", "xn--abc", "abc-s3alias"],
            ),
            (
                "pipeline.allowed_account_ids",
                [(), ["123456789012", "210987654321"]],
                [["12345678901"], ["1234567890123"], [""], "123456789012", [123456789012]],
            ),
            (
                "vpc.subnet_ids",
                [(), ["subnet-01234567", "subnet-0123456789abcdef0"]],
                [["subnet-0123456"], ["sg-01234567"], ["subnet-0123456G"], "subnet-01234567"],
            ),
            ("vpc.security_group_ids", [(), ["sg-01234567"]], [["sg-1"], ["subnet-01234567"], ["default"]]),
            ("state.key", ["", "a/b.tfstate", "a//b"], ["/a", "a/", "${a}", "a b", "a/%b"]),
            (
                "stream.other_kms_keys",
                [(), ["arn:aws:kms:eu-west-1:123456789012:key/12345678"]],
                [["alias/aws/kinesis"], [""], "arn:aws:kms:eu-west-1:123456789012:key/1"],
            ),
            (
                "stream.kms_key",
                [
                    "alias/aws/kinesis",
                    "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
                    "arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-1234",
                ],
                [
                    "",
                    "ours",
                    "alias/",
                    "alias/ours",
                    "arn:aws:kms:eu-west-1:123456789012:alias/ours",
                    "arn:aws:s3:::ours",
                    "arn:aws:kms:eu-west-1:12345:key/1",
                ],
            ),
            ("delivery.data_prefix", ["", "raw/", "a/b=c/"], ["raw", "/raw/", "!{timestamp:yyyy}/", "a b/"]),
            ("delivery.error_prefix", ["errors/"], ["", "errors", "/errors/", "!{firehose:random-string}/"]),
            ("dead_letters.prefix", ["dead-letters/"], ["", "dead-letters", "/"]),
            (
                "fetch.allowed_hosts",
                [(), ["example.com"], ["*.example.com", "a.b"]],
                [["*"], [""], ["https://a.b"], ["a.b:443"], ["."], ["-"], ["a..b"], ["a.-b"], "a"],
            ),
        ],
    )
    def test_are_the_ranges(self, path: str, allowed: list[Any], too_much: list[Any]) -> None:
        """What AWS takes is allowed and what it refuses is refused at synth."""
        assert refused(path, *allowed, *too_much) == too_much


class TestConflicts:
    @pytest.mark.parametrize(
        ("table", "values", "message"),
        [
            (FunctionSettings, {"runtime": "host"}, "function.architecture = 'arm64': must be host together"),
            (
                FunctionSettings,
                {"architecture": "host"},
                "function.architecture = 'host': must be host together",
            ),
            (
                VpcSettings,
                {"subnet_ids": ("subnet-01234567",)},
                "vpc.security_group_ids = (): vpc.subnet_ids and vpc.security_group_ids go together",
            ),
            (VpcSettings, {"security_group_ids": ("sg-01234567",)}, "give both or neither"),
            (FetchSettings, {"allowed_hosts": ("a.example.com",) * 40}, "take 559 characters of 512"),
            (PipelineSettings, {"tags": {"aws:x": "y"}}, "pipeline.tags.aws:x = 'y': a tag has"),
            (PipelineSettings, {"tags": {"k" * 129: "y"}}, "a tag has a key of 1 to 128"),
            (PipelineSettings, {"tags": {"": "y"}}, "a tag has a key of 1 to 128"),
            (PipelineSettings, {"tags": {"k": "v" * 257}}, "a value of up to 256"),
            (PipelineSettings, {"tags": {"k": "${x}"}}, "pipeline.tags.k = '${x}': a tag has"),
            (
                PipelineSettings,
                {"tags": {"Team": "a", "team": "b"}},
                "pipeline.tags.team = 'b': differs only by case from another tag, such as Team",
            ),
            (
                PipelineSettings,
                {"tags": {"Straße": "a", "STRASSE": "b"}},
                "pipeline.tags.STRASSE = 'b': differs only by case from another tag, such as Straße",
            ),
            (
                PipelineSettings,
                {"tags": {"environment": "x"}},
                "pipeline.tags.environment = 'x': differs only by case from another tag, such as Environment",
            ),
            (PipelineSettings, {"tags": {"a,b": "v"}}, "letters, digits, spaces and _.:/=+-@"),
            (
                PipelineSettings,
                {"tags": dict.fromkeys(map(str, range(50)), "")},
                "pipeline.tags = 50: is the",
            ),
        ],
    )
    def test_are_refused(self, table: type, values: dict[str, Any], message: str) -> None:
        """Settings that are fine on their own and not together are told with the way out."""
        with pytest.raises(SettingsError, match=re.escape(message)):
            table(**values)

    @pytest.mark.parametrize(
        ("data", "errors", "dead_letters", "message"),
        [
            ("errors/", "errors/", "dead-letters/", "delivery.error_prefix = 'errors/': must not lie"),
            ("raw/", "raw/year=x/", "dead-letters/", "delivery.error_prefix = 'raw/year=x/': must not lie"),
            ("", "year=x/", "dead-letters/", "delivery.error_prefix = 'year=x/': must not lie"),
            ("", "errors/", "errors/dead/", "dead_letters.prefix = 'errors/dead/': must not lie"),
            ("", "dead/errors/", "dead/", "dead_letters.prefix = 'dead/': must not lie"),
            ("lists/", "errors/", "dead/", "delivery.data_prefix = 'lists/year=': must not lie"),
            ("", "config/errors/", "dead/", "delivery.error_prefix = 'config/errors/': must not lie"),
            ("", "errors/", "replayed/dead/", "dead_letters.prefix = 'replayed/dead/': must not lie"),
            ("", "errors/", "lists/dead/", "dead_letters.prefix = 'lists/dead/': must not lie"),
        ],
    )
    def test_folders_in_one_another_are_refused(
        self, data: str, errors: str, dead_letters: str, message: str
    ) -> None:
        """Data, errors and dead letters each have a folder that is no part of another."""
        with pytest.raises(SettingsError, match=re.escape(message)):
            Settings(
                delivery=DeliverySettings(data_prefix=data, error_prefix=errors),
                dead_letters=DeadLetterSettings(prefix=dead_letters),
            )

    def test_a_queue_that_aws_would_throttle_is_refused(self) -> None:
        """More invocations by the queue than the function may have would use up attempts without one."""
        with pytest.raises(
            SettingsError, match=r"queue\.max_concurrency = 5: is more than .*reserved_concurrency, 4"
        ):
            Settings(queue=QueueSettings(enabled=True), function=FunctionSettings(reserved_concurrency=4))

    @pytest.mark.parametrize(
        ("queue", "reserved"),
        [({"enabled": True}, 10), ({"enabled": True}, 0), ({"enabled": True}, None), ({}, 4)],
        ids=["enough", "the function may not run", "not reserved", "the queue is not consumed"],
    )
    def test_a_queue_that_aws_would_not_throttle_is_fine(
        self, queue: dict[str, Any], reserved: int | None
    ) -> None:
        """Whoever reserves little and uses no queue changes nothing."""
        settings = Settings(
            queue=QueueSettings(**queue), function=FunctionSettings(reserved_concurrency=reserved)
        )

        assert settings.function.reserved_concurrency == reserved

    @pytest.mark.parametrize(("days", "refused"), [(3, True), (4, True), (5, False)])
    def test_dead_letters_are_kept_longer_than_the_events(self, days: int, refused: bool) -> None:
        """SQS counts a dead letter's age from when the event was sent: it could be gone at once.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
        """
        kept = DeadLetterSettings(queue_retention_days=days)
        if not refused:
            assert Settings(dead_letters=kept).queue.retention_days == 4
            return
        with pytest.raises(
            SettingsError, match=rf"retention_days = 4: is not less than dead_letters\..*, {days}, and SQS"
        ):
            Settings(dead_letters=kept)

    def test_an_environment_is_a_part_of_every_name(self) -> None:
        """An environment that no bucket's name could carry is refused."""
        with pytest.raises(SettingsError, match="environment = 'Prod': must be 1 to 20"):
            Settings(environment="Prod")

    @pytest.mark.parametrize(
        ("table", "values"),
        [
            (FunctionSettings, {"runtime": "host", "architecture": "host"}),
            (FetchSettings, {"allowed_hosts": ("a.example.com",) * 36}),
            (VpcSettings, {"subnet_ids": ("subnet-01234567",), "security_group_ids": ("sg-01234567",)}),
            (DeliverySettings, {"data_prefix": "raw/", "error_prefix": "errors/"}),
            (PipelineSettings, {"tags": {"k" * 128: "v" * 256}}),
            (PipelineSettings, {"tags": {"Kosten stelle": "Größe_1.2:3/4=5+6-7@8"}}),
            (PipelineSettings, {"tags": {"Environment": "x"}}),
            (PipelineSettings, {"tags": {"owner": "${TfToken[TOKEN.1]}"}}),
            (PipelineSettings, {"tags": dict.fromkeys(map(str, range(49)), "")}),
            (FetchSettings, {"allowed_hosts": ("${TfToken[TOKEN.1]}",)}),
        ],
    )
    def test_their_neighbours_are_fine(self, table: type, values: dict[str, Any]) -> None:
        """What comes close to a conflict and is none is taken."""
        assert vars(table(**values)).items() >= values.items()
