"""A pipeline that uses parts that exist, and what it grants to roles of others."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.references import (
    BucketReference,
    LogGroupReference,
    QueueReference,
    RoleReference,
    StreamReference,
)
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.lake import LakeSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.queue import QueueSettings
from ingestion_pipeline.settings.tables.stream import StreamSettings
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Synthesized, settings_of, statements_of

if TYPE_CHECKING:
    from constructs import Construct

    from ingestion_pipeline.settings.sources.types import BearerAuth

ACCOUNT = "eu-west-1:123456789012"
STREAM_KEY = f"arn:aws:kms:{ACCOUNT}:key/stream"
BUCKET_KEY = f"arn:aws:kms:{ACCOUNT}:key/bucket"
QUEUE_KEY = f"arn:aws:kms:{ACCOUNT}:key/queue"
SECRET_KEY = f"arn:aws:kms:{ACCOUNT}:key/secret"
SECRET = f"arn:aws:secretsmanager:{ACCOUNT}:secret:theirs-AbCd12"
EXISTING = Existing(
    stream=StreamReference(name="theirs", arn=f"arn:aws:kinesis:{ACCOUNT}:stream/theirs", kms_key=STREAM_KEY),
    bucket=BucketReference(name="theirs", arn="arn:aws:s3:::theirs", kms_key=BUCKET_KEY),
    function_role=RoleReference(name="theirs-fetch", arn="arn:aws:iam::123456789012:role/theirs-fetch"),
    delivery_role=RoleReference(arn="arn:aws:iam::123456789012:role/theirs-delivery"),
    function_log_group=LogGroupReference(name="theirs", arn=f"arn:aws:logs:{ACCOUNT}:log-group:theirs"),
    delivery_log_group=LogGroupReference(name="theirs", arn=f"arn:aws:logs:{ACCOUNT}:log-group:theirs"),
    dead_letter_queue=QueueReference(arn=f"arn:aws:sqs:{ACCOUNT}:theirs", kms_key=QUEUE_KEY),
)


@pytest.fixture(scope="module")
def brought(synthesize: Synthesize) -> Synthesized:
    """A pipeline of which everything exists that may, with two grants."""
    from cdktf import TerraformOutput

    from ingestion_pipeline import IngestionPipeline
    from ingestion_pipeline.bindings import IamRole

    def build(stack: "Construct") -> None:
        auth: BearerAuth = {"kind": "bearer", "secret_arn": SECRET, "kms_key": SECRET_KEY}
        settings = replace(settings_of("orders"), sources=({"url": "https://a.example", "auth": auth},))
        pipeline = IngestionPipeline(stack, "pipeline", settings=settings, existing=EXISTING)
        pipeline.grant_put_records("producer")
        pipeline.grant_read(IamRole(stack, "analyst", name="analyst", assume_role_policy="{}"))
        TerraformOutput(stack, "function", value=pipeline.function_policy)
        TerraformOutput(stack, "delivery", value=pipeline.delivery_policy)

    return synthesize(build)


class TestExisting:
    def test_nothing_that_exists_is_made(self, brought: Synthesized) -> None:
        """What is left to make is the function, the delivery, and the permissions that were not refused."""
        made = {kind: len(resources) for kind, resources in brought.json["resource"].items()}

        assert made == {
            "aws_cloudwatch_log_stream": 1,
            "aws_iam_role": 1,  # the analyst's
            "aws_iam_role_policy": 3,
            "aws_kinesis_firehose_delivery_stream": 1,
            "aws_lambda_event_source_mapping": 1,
            "aws_lambda_function": 1,
            "aws_lambda_function_event_invoke_config": 1,
            "aws_lambda_function_recursion_config": 1,
            "aws_s3_object": 1,
            "aws_sqs_queue": 1,  # the work queue
        }

    def test_the_function_uses_them(self, brought: Synthesized) -> None:
        """Stream, bucket, role and log group of the function are those that were brought."""
        function = brought.only("aws_lambda_function")
        variables = function["environment"]["variables"]

        assert (variables["KINESIS_STREAM_NAME"], variables["DEAD_LETTER_BUCKET"]) == ("theirs", "theirs")
        assert function["role"] == "arn:aws:iam::123456789012:role/theirs-fetch"
        assert function["logging_config"] == {"log_format": "Text", "log_group": "theirs"}

    def test_the_delivery_uses_them(self, brought: Synthesized) -> None:
        """Stream, bucket, role and log group of the delivery are those that were brought."""
        delivery = brought.only("aws_kinesis_firehose_delivery_stream")
        target = delivery["extended_s3_configuration"]

        assert delivery["kinesis_source_configuration"]["kinesis_stream_arn"].endswith(":stream/theirs")
        assert (target["bucket_arn"], target["role_arn"]) == (
            "arn:aws:s3:::theirs",
            "arn:aws:iam::123456789012:role/theirs-delivery",
        )
        assert target["cloudwatch_logging_options"]["log_group_name"] == "theirs"

    def test_failures_go_to_the_queue(self, brought: Synthesized) -> None:
        """Events that failed for good go to the queue that was brought."""
        config = brought.only("aws_lambda_function_event_invoke_config")["destination_config"]

        assert config["on_failure"]["destination"] == f"arn:aws:sqs:{ACCOUNT}:theirs"

    def test_a_named_role_gets_the_permissions(self, brought: Synthesized) -> None:
        """The policy's name is the pipeline's own, for another pipeline may use the role too."""
        policy = brought.only("aws_iam_role_policy", "fetch_access")

        assert (policy["role"], policy["name"]) == ("theirs-fetch", "orders-dev-fetch-eu-west-1")

    def test_a_role_without_a_name_is_left_alone(self, brought: Synthesized) -> None:
        """Whoever owns it attaches the permissions, which are there as a document."""
        names = [name for name in brought.resources("aws_iam_role_policy") if "delivery" in name]

        assert names == []
        assert statements_of(brought.json["output"]["delivery"]["value"])

    @pytest.mark.parametrize(
        ("part", "expected"),
        [
            (
                "function",
                {
                    ("kms:GenerateDataKey", STREAM_KEY),
                    ("kms:GenerateDataKey", BUCKET_KEY),
                    ("kms:Decrypt", BUCKET_KEY),
                    ("kms:GenerateDataKey", QUEUE_KEY),
                    ("kms:Decrypt", QUEUE_KEY),
                    ("kms:Decrypt", SECRET_KEY),
                },
            ),
            (
                "delivery",
                {
                    ("kms:Decrypt", STREAM_KEY),
                    ("kms:GenerateDataKey", BUCKET_KEY),
                    ("kms:Decrypt", BUCKET_KEY),
                },
            ),
        ],
    )
    def test_keys_may_be_used(self, brought: Synthesized, part: str, expected: set[tuple[str, str]]) -> None:
        """Each role may use the keys of what was brought, as far as it needs them."""
        permitted = {
            (action, resource)
            for statement in statements_of(brought.json["output"][part]["value"])
            for action in statement["Action"]
            for resource in statement["Resource"]
            if action.startswith("kms:")
        }

        assert permitted == expected

    def test_a_part_of_one_pipeline_may_be_anothers(self, synthesize: Synthesize) -> None:
        """Two pipelines deliver to one bucket, by the first one's attribute."""
        from ingestion_pipeline import IngestionPipeline

        def build(stack: "Construct") -> None:
            first = IngestionPipeline(stack, "orders", settings=settings_of("orders"))
            others = Existing(bucket=first.bucket)
            IngestionPipeline(stack, "clicks", settings=settings_of("clicks"), existing=others)

        assert len(synthesize(build).resources("aws_s3_bucket")) == 1


class TestGrants:
    def test_put_records(self, brought: Synthesized) -> None:
        """A producer may put records on the stream and encrypt them, and nothing else."""
        statements = brought.statements("put-records-producer")

        assert [(s["Action"], s["Resource"]) for s in statements] == [
            (["kinesis:PutRecord", "kinesis:PutRecords"], [f"arn:aws:kinesis:{ACCOUNT}:stream/theirs"]),
            (["kms:GenerateDataKey"], [STREAM_KEY]),
        ]
        assert brought.only("aws_iam_role_policy", "put-records")["role"] == "producer"

    def test_read(self, brought: Synthesized) -> None:
        """A reader may list the bucket and get records, not errors and dead letters."""
        statements = brought.statements("read-analyst")

        assert [(s["Action"], s["Resource"]) for s in statements] == [
            (["s3:GetBucketLocation", "s3:ListBucket"], ["arn:aws:s3:::theirs"]),
            (["s3:GetObject"], ["arn:aws:s3:::theirs/data/year=*"]),
            (["kms:Decrypt"], [BUCKET_KEY]),
        ]

    def test_a_role_that_only_terraform_knows_needs_an_id(self, synthesize: Synthesize) -> None:
        """An address cannot hang on a name that is not known yet."""
        from ingestion_pipeline import IngestionPipeline

        def build(stack: "Construct") -> None:
            pipeline = IngestionPipeline(stack, "pipeline", settings=settings_of("orders"))
            pipeline.grant_read("${var.role}", "read-theirs")
            pipeline.grant_read("${var.role}")

        with pytest.raises(ValueError, match="give an id_"):
            synthesize(build)


@pytest.fixture(scope="module")
def granted(synthesize: Synthesize) -> Synthesized:
    """A pipeline whose queue has a key and whose function has a URL, with a grant for each."""
    from ingestion_pipeline import IngestionPipeline

    def build(stack: "Construct") -> None:
        settings = replace(
            settings_of("orders"),
            queue=QueueSettings(kms_key=QUEUE_KEY),
            function=FunctionSettings(url_enabled=True),
        )
        pipeline = IngestionPipeline(stack, "pipeline", settings=settings)
        pipeline.grant_send("scheduler")
        pipeline.grant_invoke_url("caller")

    return synthesize(build)


class TestEvents:
    """What a pipeline grants to those that bring events."""

    def test_who_may_send_may_send_to_the_work_queue_with_its_key(self, granted: Synthesized) -> None:
        """And may do nothing else with it."""
        statements = granted.statements("aws_iam_role_policy.pipeline_send-scheduler")

        assert [(each["Action"], each["Resource"]) for each in statements] == [
            (["sqs:SendMessage"], [f"${{{granted.address('aws_sqs_queue', 'work')}.arn}}"]),
            (["kms:Decrypt", "kms:GenerateDataKey"], [QUEUE_KEY]),
        ]

    def test_who_may_invoke_the_url_may_invoke_the_function_in_no_other_way(
        self, granted: Synthesized
    ) -> None:
        """AWS wants both actions; each on the condition that only a request to the URL meets.

        https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
        """
        function = f"${{{granted.address('aws_lambda_function')}.arn}}"
        statements = granted.statements("aws_iam_role_policy.pipeline_invoke-url-caller")

        assert [(each["Action"], each["Resource"], each["Condition"]) for each in statements] == [
            (
                ["lambda:InvokeFunctionUrl"],
                [function],
                {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
            ),
            (["lambda:InvokeFunction"], [function], {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
        ]

    def test_nobody_may_invoke_a_url_that_is_not_there(self, synthesize: Synthesize) -> None:
        """The grant names the setting that brings the URL."""
        from ingestion_pipeline import IngestionPipeline

        with pytest.raises(SettingsError, match=r"function\.url_enabled = False: must be true"):
            synthesize(
                lambda stack: IngestionPipeline(
                    stack, "pipeline", settings=settings_of("orders")
                ).grant_invoke_url("caller")
            )


class TestDeadLetters:
    """Where the dead letters of a consumed queue go if that queue exists."""

    @pytest.mark.parametrize(
        ("queue", "message"),
        [
            (QueueReference(arn=f"arn:aws:sqs:{ACCOUNT}:theirs"), "QueueReference.url = '': must be the"),
            (
                QueueReference(arn="arn:aws:sqs:us-east-1:123456789012:theirs", url="https://a.test"),
                "must be a queue in the Region and the account of the pipeline, because",
            ),
        ],
        ids=["without a URL", "elsewhere"],
    )
    def test_one_that_takes_none_is_refused(self, queue: QueueReference, message: str) -> None:
        """The function sends there by URL; SQS moves messages within one account and Region."""
        settings = replace(settings_of("orders"), queue=QueueSettings(enabled=True))

        with pytest.raises(SettingsError, match=re.escape(message)):
            Existing(dead_letter_queue=queue).check(settings)

    @pytest.mark.parametrize("arn", [f"arn:aws:sqs:{ACCOUNT}:theirs", "${aws_sqs_queue.theirs.arn}"])
    def test_one_beside_the_queue_is_taken(self, synthesize: Synthesize, arn: str) -> None:
        """Also if only Terraform will know where it is."""
        from ingestion_pipeline import IngestionPipeline

        settings = replace(settings_of("orders"), queue=QueueSettings(enabled=True))
        existing = Existing(dead_letter_queue=QueueReference(arn=arn, url="https://a.test/theirs"))
        made = synthesize(
            lambda stack: IngestionPipeline(stack, "pipeline", settings=settings, existing=existing)
        )

        assert arn.removeprefix("${").removesuffix("}") in made.only("aws_sqs_queue")["redrive_policy"]

    def test_one_elsewhere_stays_for_a_pipeline_without_the_queue(self) -> None:
        """What was deployed before there was a queue is taken as it was."""
        queue = QueueReference(arn="arn:aws:sqs:us-east-1:123456789012:theirs")

        assert Existing(dead_letter_queue=queue).check(settings_of("orders")) is None  # type: ignore[func-returns-value]


class TestGuarded:
    @pytest.mark.parametrize(
        ("reference", "arn"),
        [
            (StreamReference, "theirs"),
            (StreamReference, "arn:aws:s3:::theirs"),
            (BucketReference, "theirs"),
            (LogGroupReference, "arn:aws:logs:"),
            (LogGroupReference, f"arn:aws:logs:{ACCOUNT}:log-group:theirs:*"),
            (StreamReference, "arn:aws:kinesis:::stream/theirs"),
            (StreamReference, f"arn:aws:kinesis:{ACCOUNT}:theirs"),
            (RoleReference, "arn:aws:iam::123456789012:user/theirs"),
        ],
    )
    def test_what_is_no_arn_of_the_service_is_refused(self, reference: type, arn: str) -> None:
        """The error names the field, the value and the form."""
        message = re.escape(f"{reference.__name__}.arn = {arn!r}: must be an ARN such as")

        with pytest.raises(SettingsError, match=message):
            reference(name="theirs", arn=arn)

    def test_a_reference_of_terraforms_is_taken(self) -> None:
        """Terraform checks what only Terraform knows."""
        assert QueueReference(arn="${aws_sqs_queue.q.arn}").arn == "${aws_sqs_queue.q.arn}"

    def test_a_key_that_is_none_is_refused(self) -> None:
        """A key is given by its ARN, as for a part that is made."""
        with pytest.raises(
            SettingsError, match=r"StreamReference\.kms_key = 'theirs': must be the ARN of a key"
        ):
            StreamReference(name="theirs", arn=f"arn:aws:kinesis:{ACCOUNT}:stream/theirs", kms_key="theirs")
        with pytest.raises(SettingsError, match=r"BucketReference\.kms_key = 'alias/theirs'"):
            BucketReference(name="theirs", arn="arn:aws:s3:::theirs", kms_key="alias/theirs")
        with pytest.raises(SettingsError, match=r"QueueReference\.kms_key = 'theirs'"):
            QueueReference(arn=f"arn:aws:sqs:{ACCOUNT}:theirs", kms_key="theirs")

    @pytest.mark.parametrize(
        ("reference", "arn"),
        [
            (StreamReference, f"arn:aws:kinesis:{ACCOUNT}:stream/other"),
            (BucketReference, "arn:aws:s3:::other"),
            (LogGroupReference, f"arn:aws:logs:{ACCOUNT}:log-group:other"),
            (RoleReference, "arn:aws:iam::123456789012:role/theirs/other"),
        ],
    )
    def test_a_name_and_an_arn_of_two_are_refused(self, reference: type, arn: str) -> None:
        """Records would go to one and permissions to the other."""
        message = re.escape(f"{reference.__name__}.name = 'theirs': is not what the ARN {arn} names, 'other'")

        with pytest.raises(SettingsError, match=message):
            reference(name="theirs", arn=arn)

    def test_a_role_may_lie_below_a_path(self) -> None:
        """The name of a role is what stands last in its ARN."""
        assert RoleReference(name="theirs", arn="arn:aws:iam::123456789012:role/a/b/theirs").name == "theirs"

    @pytest.mark.parametrize("part", ["stream", "function_log_group", "delivery_log_group"])
    def test_what_lies_in_another_region_or_account_is_refused(self, part: str) -> None:
        """The function finds a stream and a log group by name, beside itself."""
        existing = Existing(**{part: getattr(EXISTING, part)})
        there = Settings(pipeline=PipelineSettings(region="us-east-1"))
        others = Settings(
            pipeline=PipelineSettings(region="eu-west-1", allowed_account_ids=("210987654321",))
        )

        with pytest.raises(SettingsError, match="is in eu-west-1, and the pipeline in us-east-1"):
            existing.check(there)
        with pytest.raises(SettingsError, match="is in none of the accounts of the pipeline, 210987654321"):
            existing.check(others)

    def test_settings_of_what_exists_are_refused(self) -> None:
        """Shards of a stream that is not made would be ignored: all such mistakes at once."""
        with pytest.raises(SettingsError, match="2 settings cannot be used"):
            EXISTING.check(
                Settings(
                    pipeline=PipelineSettings(region="eu-west-1"),
                    stream=StreamSettings(shard_count=3),
                    lake=LakeSettings(expire_days=1),
                )
            )


@pytest.mark.parametrize(("number", "fits"), [(20, True), (60, False)])
def test_a_role_that_exists_takes_as_many_secrets_and_keys_as_its_inline_policy(
    number: int, fits: bool
) -> None:
    """It gets no managed policies, so that synthesis refuses what IAM would, and names the way out.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    auths: list[BearerAuth] = [
        {"kind": "bearer", "secret_arn": f"{SECRET[:-7]}-{each:03}-AbCd12", "kms_key": f"{SECRET_KEY}{each}"}
        for each in range(number)
    ]
    settings = replace(
        settings_of("orders"), sources=tuple({"url": "https://a.example", "auth": auth} for auth in auths)
    )
    existing = Existing(function_role=EXISTING.function_role)

    if fits:
        existing.check(settings)
        return
    with pytest.raises(SettingsError, match=r"leave function_role out.*reference_iam-quotas"):
        existing.check(settings)
