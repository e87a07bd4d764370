"""The synthesized JSON held against what SQS and Lambda ask for, each by its page."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ingestion_pipeline.settings.references import QueueReference
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.sources.types import Source
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.queue import QueueSettings
from tests.ingestion_pipeline.conftest import Synthesize, SynthesizeStack
from tests.ingestion_pipeline.jsonencoded import decoded
from tests.ingestion_pipeline.synthesized import Json, Synthesized

if TYPE_CHECKING:
    from constructs import Construct

PLACE = "cn-north-1:123456789012"
DEAD_LETTERS = f"arn:aws-cn:sqs:{PLACE}:dead"
KEY = f"arn:aws-cn:kms:{PLACE}:key/work"
SCHEDULED: Any = {"name": "posts", "url": "https://a.test", "schedule": "rate(1 hour)"}
"""The key is the function's to know; what the constructs make of it is told here."""


def queue(
    synthesize: Synthesize,
    *,
    dead_letters: str = DEAD_LETTERS,
    timeout_seconds: int = 60,
    retry_attempts: int = 2,
    **settings: Any,
) -> Json:
    """The arguments of the queue."""
    from ingestion_pipeline.resources.work_queue import WorkQueue

    def build(stack: "Construct") -> None:
        WorkQueue(
            stack,
            "work",
            account_id="123456789012",
            dead_letters=QueueReference(arn=dead_letters),
            settings=Settings(
                pipeline=PipelineSettings(name="our", region="cn-north-1"),
                queue=QueueSettings(**settings),
                function=FunctionSettings(timeout_seconds=timeout_seconds, retry_attempts=retry_attempts),
            ),
        )

    return synthesize(build).only("aws_sqs_queue")


def mapping(synthesize: Synthesize, *, is_enabled: bool = True, **settings: Any) -> Synthesized:
    """A stack with what polls a queue."""
    from ingestion_pipeline.resources.work_queue import QueueTrigger

    return synthesize(
        lambda stack: QueueTrigger(
            stack,
            "trigger",
            queue_arn="the-queue",
            function_name="the-function",
            settings=Settings(queue=QueueSettings(enabled=is_enabled, **settings)),
        )
    )


def redrive(arguments: Json) -> Json:
    """The policy by which SQS moves messages, as Terraform encodes it."""
    return dict(decoded(arguments["redrive_policy"]))


class TestQueue:
    @pytest.mark.parametrize("timeout_seconds", [1, 60, 900])
    def test_hides_an_event_for_six_times_the_functions_timeout(
        self, synthesize: Synthesize, timeout_seconds: int
    ) -> None:
        """At least that, and not more than SQS takes.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html,
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
        """
        hidden = queue(synthesize, timeout_seconds=timeout_seconds)["visibility_timeout_seconds"]

        assert 6 * timeout_seconds <= hidden <= 43_200

    def test_takes_no_event_that_could_be_no_dead_letter(self, synthesize: Synthesize) -> None:
        """Body and attributes together may have 256 KiB, the default of the dead letter queue; the reason 2.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
        """
        assert queue(synthesize)["max_message_size"] == (256 - 2) * 1024

    @pytest.mark.parametrize("retry_attempts", [0, 1, 2])
    def test_sqs_moves_an_event_only_after_the_functions_last_attempt(
        self, synthesize: Synthesize, retry_attempts: int
    ) -> None:
        """Not before five receives either, of which throttled ones are no attempts.

        https://docs.aws.amazon.com/lambda/latest/dg/sqs-retries.html
        """
        receives = redrive(queue(synthesize, retry_attempts=retry_attempts))["maxReceiveCount"]

        assert receives >= max(5, retry_attempts + 2)

    def test_sqs_moves_events_to_the_dead_letter_queue(self, synthesize: Synthesize) -> None:
        """An event that crashes the function each time is kept."""
        assert redrive(queue(synthesize))["deadLetterTargetArn"] == DEAD_LETTERS

    @pytest.mark.parametrize(
        "elsewhere",
        ["arn:aws-cn:sqs:cn-northwest-1:123456789012:dead", "arn:aws-cn:sqs:cn-north-1:210987654321:dead"],
        ids=["Region", "account"],
    )
    def test_sqs_moves_nothing_to_another_place(self, synthesize: Synthesize, elsewhere: str) -> None:
        """SQS refuses a queue whose dead letters would leave the account or the Region.

        https://docs.aws.amazon.com/sdk-for-cpp/v1/developer-guide/examples-sqs-dead-letter-queues.html
        """
        assert "redrive_policy" not in queue(synthesize, dead_letters=elsewhere)

    def test_both_queues_are_standard_ones(self, default_stack: Synthesized) -> None:
        """SQS moves messages only between queues of one type; FIFO would drop equal events."""
        queues = default_stack.resources("aws_sqs_queue").values()

        assert [(each.get("fifo_queue", False), each["name"].endswith(".fifo")) for each in queues] == [
            (False, False)
        ] * 2

    @pytest.mark.parametrize("days", [1, 13])
    def test_keeps_events_for_the_days_given(self, synthesize: Synthesize, days: int) -> None:
        """A day has 86,400 seconds."""
        assert queue(synthesize, retention_days=days)["message_retention_seconds"] == days * 86_400

    def test_is_encrypted(self, synthesize: Synthesize) -> None:
        """With a key of SQS by default."""
        assert queue(synthesize)["sqs_managed_sse_enabled"] is True

    def test_a_key_of_the_users_takes_the_place_of_sqs_own(self, synthesize: Synthesize) -> None:
        """SQS refuses both at once."""
        made = queue(synthesize, kms_key=KEY)

        assert (made["kms_master_key_id"], "sqs_managed_sse_enabled" in made) == (KEY, False)

    def test_its_policy_permits_nothing(self, default_stack: Synthesized) -> None:
        """No other account and no service may send; everything without TLS is denied."""
        statements = [
            statement
            for place, found in default_stack.documents().items()
            if place.startswith("aws_sqs_queue.pipeline_work")
            for statement in found
        ]

        assert statements == [
            {
                "Sid": "RequireTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["sqs:*"],
                "Resource": [
                    "arn:aws:sqs:us-east-1:${data.aws_caller_identity.ingestion-pipeline-caller.account_id}"
                    ":data-ingestion-dev-work"
                ],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]


class TestTrigger:
    def test_only_what_failed_comes_again(self, synthesize: Synthesize) -> None:
        """Without the response type a failed event brings its whole batch back.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        made = mapping(synthesize).only("aws_lambda_event_source_mapping")

        assert made["function_response_types"] == ["ReportBatchItemFailures"]

    @pytest.mark.parametrize("concurrency", [2, 1_000])
    def test_concurrency_is_bounded(self, synthesize: Synthesize, concurrency: int) -> None:
        """By the settings, which take what Lambda does.

        https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html
        """
        made = mapping(synthesize, max_concurrency=concurrency).only("aws_lambda_event_source_mapping")

        assert made["scaling_config"] == {"maximum_concurrency": concurrency}

    def test_a_batch_waits_for_nothing(self, synthesize: Synthesize) -> None:
        """Up to ten events need no window in which they are collected."""
        made = mapping(synthesize, batch_size=10).only("aws_lambda_event_source_mapping")

        assert (made["batch_size"], "maximum_batching_window_in_seconds" in made) == (10, False)

    def test_the_function_may_send_to_the_queue_that_it_is_invoked_by(self, synthesize: Synthesize) -> None:
        """Otherwise Lambda takes a long list for an endless loop and stops it.

        The local AWS counts no rounds through a queue, so that nothing but this holds it.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        """
        made = mapping(synthesize).only("aws_lambda_function_recursion_config")

        assert (made["function_name"], made["recursive_loop"]) == ("the-function", "Allow")

    def test_polls_the_queue_of_the_function(self, default_stack: Synthesized) -> None:
        """The mapping, the queue and the function are of one pipeline; the function's role comes first."""
        made = default_stack.only("aws_lambda_event_source_mapping")

        assert (made["event_source_arn"], made["function_name"]) == (
            f"${{{default_stack.address('aws_sqs_queue', 'work')}.arn}}",
            f"${{{default_stack.address('aws_lambda_function')}.function_name}}",
        )


class TestConsumption:
    @pytest.mark.parametrize(
        ("sources", "enabled", "reserved", "consumed"),
        [
            ([], False, None, False),
            ([{"url": "https://a.test"}], False, None, False),
            ([SCHEDULED], False, None, True),
            ([], True, None, True),
            ([], True, 10, True),
            ([SCHEDULED], True, 0, False),
        ],
        ids=["nothing", "no schedule", "a schedule", "at wish", "reserved", "the function may not run"],
    )
    def test_is_for_a_schedule_or_at_wish(
        self, sources: list[Source], enabled: bool, reserved: int | None, consumed: bool
    ) -> None:
        """A pipeline without a schedule pays for no polling."""
        settings = Settings(
            queue=QueueSettings(enabled=enabled), function=FunctionSettings(reserved_concurrency=reserved)
        )
        # Past the checks, which know the key only once the function does.
        object.__setattr__(settings, "sources", sources)

        assert settings.queue_is_consumed is consumed

    @pytest.mark.parametrize("enabled", [False, True])
    def test_is_what_the_mapping_does(self, synthesize_stack: SynthesizeStack, enabled: bool) -> None:
        """The mapping is there in any case, so that a switch changes one argument."""
        stack = synthesize_stack(replace(Settings(), queue=QueueSettings(enabled=enabled)))

        assert stack.only("aws_lambda_event_source_mapping")["enabled"] is enabled

    @pytest.mark.parametrize(("enabled", "told"), [(False, "false"), (True, "true")])
    def test_is_what_the_function_is_told(
        self, synthesize_stack: SynthesizeStack, enabled: bool, told: str
    ) -> None:
        """It sends nothing to a queue whose messages it would never get."""
        stack = synthesize_stack(replace(Settings(), queue=QueueSettings(enabled=enabled)))
        variables = stack.only("aws_lambda_function")["environment"]["variables"]

        assert variables["WORK_QUEUE_IS_READ"] == told


class TestFunction:
    def test_knows_both_queues_and_the_lists(self, default_stack: Synthesized) -> None:
        """Where it sends what it has no time for, what it cannot ingest, and where lists lie."""
        variables = default_stack.only("aws_lambda_function")["environment"]["variables"]
        names = ("WORK_QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "LISTS_URI", "MAX_ATTEMPTS", "MAX_CONCURRENCY")

        assert [variables[name] for name in names] == [
            f"${{{default_stack.address('aws_sqs_queue', 'work')}.url}}",
            f"${{{default_stack.address('aws_sqs_queue', 'dead-letters')}.url}}",
            f"s3://${{{default_stack.address('aws_s3_bucket')}.bucket}}/lists/",
            "3",
            "5",
        ]

    @pytest.mark.parametrize(
        "action", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"]
    )
    def test_may_do_what_lambda_does_for_it(self, default_stack: Synthesized, action: str) -> None:
        """Lambda polls with the function's role, and refuses a mapping whose role may not.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        work = f"${{{default_stack.address('aws_sqs_queue', 'work')}.arn}}"
        permitted = [
            resource
            for statement in default_stack.statements("aws_iam_role_policy.pipeline_fetch")
            for resource in statement["Resource"]
            if action in statement["Action"]
        ]

        assert work in permitted

    def test_uses_the_queues_key_to_read_and_to_send(self, synthesize_stack: SynthesizeStack) -> None:
        """Reading needs Decrypt; sending needs it too, and a data key.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        """
        key = "arn:aws:kms:us-east-1:123456789012:key/work"
        stack = synthesize_stack(Settings(queue=QueueSettings(kms_key=key)))
        (encrypting,) = [
            statement
            for statement in stack.statements("aws_iam_role_policy.pipeline_fetch")
            if statement["Resource"] == [key]
        ]

        assert encrypting["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]

    @pytest.mark.parametrize("table", ["queue", "dead_letters"])
    def test_may_use_the_next_and_the_former_key_of_a_queue(
        self, synthesize_stack: SynthesizeStack, table: str
    ) -> None:
        """A message keeps the key that it was sent with, also where SQS moves it, so that both are needed.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html;
        the local AWS encrypts no message, so that nothing but this holds it.
        """
        former, following = (f"arn:aws:kms:us-east-1:123456789012:key/{each}" for each in ("former", "next"))
        tables: dict[str, Any] = {
            "queue": QueueSettings(kms_key=following, other_kms_keys=(former,)),
            "dead_letters": DeadLetterSettings(kms_key=following, other_kms_keys=(former,)),
        }
        stack = synthesize_stack(Settings(**{table: tables[table]}, sources=[SCHEDULED]))
        roles = ("aws_iam_role_policy.pipeline_fetch", "aws_iam_role_policy.pipeline_schedules")

        assert (
            stack.only("aws_sqs_queue", table.replace("queue", "work").replace("_", "-"))["kms_master_key_id"]
            == following
        )
        for role in roles:
            permitted = [each["Action"] for each in stack.statements(role) if each["Resource"] == [former]]
            assert permitted == [["kms:Decrypt", "kms:GenerateDataKey"]], role


class TestUrl:
    def test_there_is_none_by_default(self, default_stack: Synthesized) -> None:
        """Nobody may invoke the function over HTTP unless somebody wants it."""
        assert "aws_lambda_function_url" not in default_stack.json["resource"]
        assert default_stack.json["output"]["function_url"]["value"] == ""

    def test_takes_signed_requests_only(self, synthesize_stack: SynthesizeStack) -> None:
        """No request without a signature reaches the function.

        https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
        """
        stack = synthesize_stack(Settings(function=FunctionSettings(url_enabled=True)))
        made = stack.only("aws_lambda_function_url")

        assert (made["authorization_type"], "cors" in made) == ("AWS_IAM", False)
        assert stack.json["output"]["function_url"]["value"] == (
            f"${{{stack.address('aws_lambda_function_url')}.function_url}}"
        )

    def test_is_open_to_nobody_by_itself(self, synthesize_stack: SynthesizeStack) -> None:
        """The function has no policy of its own: a caller needs a permission of its account."""
        stack = synthesize_stack(Settings(function=FunctionSettings(url_enabled=True)))

        assert "aws_lambda_permission" not in json.dumps(stack.json["resource"])
