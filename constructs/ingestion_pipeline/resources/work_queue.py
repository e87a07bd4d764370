"""The work queue: events that wait to be ingested, and what hands them to the function."""

from constructs import Construct

from ingestion_pipeline.bindings import LambdaEventSourceMapping, LambdaFunctionRecursionConfig
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import json_object
from ingestion_pipeline.resources.drawing import Drawing, Edge
from ingestion_pipeline.resources.function_url import FUNCTION_ARN
from ingestion_pipeline.resources.queue import QUEUE_CHARACTERS, PrivateQueue
from ingestion_pipeline.settings.expressions import as_argument, either_or_none, plus, times
from ingestion_pipeline.settings.names import Name
from ingestion_pipeline.settings.references import QueueReference
from ingestion_pipeline.settings.regions import RECURSION
from ingestion_pipeline.settings.settings import Settings

NAME = Name("work_queue", "work", QUEUE_CHARACTERS)

TIMEOUTS_HIDDEN = 6
"""A batch may be held back while the function is throttled, so that AWS asks for six times its timeout:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""

FURTHER_RECEIVES = 5
"""Beside the retries: a throttled invocation uses up a receive without an attempt, and AWS asks for at least
five in all: https://docs.aws.amazon.com/lambda/latest/dg/sqs-retries.html."""

MAX_EVENT_BYTES = 254 * 1024
"""A dead letter is the very event, with its reason in attributes of less than 2 KiB. Together they may have
256 KiB: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html."""

CAPABILITY = Capability(
    file="work_queue",
    inside=("work", "trigger"),
    names=(NAME,),
    drawn={
        "aws_lambda_event_source_mapping": Drawing(
            edges={"event_source_arn": Edge("events", reverse=True, origin="function_name")}
        ),
    },
    remarks={
        "aws_sqs_queue.visibility_timeout_seconds": (
            "Six times the function's timeout: a batch may wait while the function is throttled."
        ),
        "aws_sqs_queue.max_message_size": (
            "2 KiB less than the dead letter queue takes, so that every event has room for its reason there."
        ),
        "aws_sqs_queue.redrive_policy": (
            "The function itself sends an event there after its last attempt, with the error. SQS moves what "
            "the function could not: it crashed, or was throttled again and again."
        ),
        "aws_lambda_event_source_mapping.enabled": (
            "One that is disabled does not poll, so that a pipeline without a schedule pays for no requests."
        ),
        "aws_lambda_event_source_mapping.function_response_types": (
            "Of a batch, only the events that failed come again."
        ),
        "aws_lambda_function_recursion_config": (
            "The function sends the rest of a long list, and events for which it had no time, to its own "
            "queue. Lambda would stop that after about 16 rounds. Each round does at least one event or goes "
            "on in the list, so that there is an end."
        ),
    },
    reads={
        # Only AWS knows a mapping's id before it is made; the action shows no event.
        "aws_lambda_event_source_mapping": Read(
            "{function_name}",
            ("lambda:{region}:{account}:event-source-mapping:*",),
            ("lambda:GetEventSourceMapping", "lambda:ListTags"),
        ),
        "aws_lambda_function_recursion_config": Read(
            "{function_name}", (FUNCTION_ARN,), ("lambda:GetFunctionRecursionConfig",)
        ),
    },
    outputs=(
        Output("work_queue_url", "0.1.0", "Queue to send events to.", "work_queue.url"),
        Output("work_queue_arn", "0.1.0", "ARN of that queue, for whoever sends.", "work_queue.arn"),
    ),
)


class WorkQueue(PrivateQueue):
    """An SQS queue whose messages are events, each tried a few times and then moved to the dead letters.

    Creates: a `PrivateQueue`. A standard one: a FIFO queue drops an event that equals one of the last five
    minutes.

    Args:
        account_id: Account of the queue.
        dead_letters: Queue to which SQS moves what was received too often.
        settings: Settings of the pipeline.

    Attributes:
        reference: Its ARN and URL go to the function and to whoever sends.
    """

    def __init__(
        self, scope: Construct, id_: str, *, account_id: str, dead_letters: QueueReference, settings: Settings
    ) -> None:
        names, function = settings.names, settings.function
        receives = plus(function.retry_attempts, FURTHER_RECEIVES)
        redrive = json_object({"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": receives})
        super().__init__(
            scope,
            id_,
            names=names,
            name=NAME,
            account_id=account_id,
            retention_days=settings.queue.retention_days,
            kms_key=settings.queue.kms_key,
            other_kms_keys=settings.queue.other_kms_keys,
            arguments={
                "max_message_size": MAX_EVENT_BYTES,
                "visibility_timeout_seconds": times(function.timeout_seconds, TIMEOUTS_HIDDEN),
                "redrive_policy": either_or_none(
                    dead_letters.takes_messages_of(names.region, [account_id]), redrive
                ),
            },
        )


class QueueTrigger(Construct):
    """Lambda's polling of the work queue, which hands events to the function and retries each alone.

    Creates: an event source mapping, and the permission to send to the queue that the function is invoked by,
    where AWS has one.

    Args:
        queue_arn: ARN of the queue.
        function_name: Name of the function. Its role must be able to read the queue already.
        settings: Settings of the pipeline.

    Attributes:
        mapping: Schedules wait for it.
    """

    def __init__(
        self, scope: Construct, id_: str, *, queue_arn: str, function_name: str, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        configurable = RECURSION.is_in(settings.names.region)
        if configurable:
            loops = LambdaFunctionRecursionConfig(
                self, "recursion", function_name=function_name, recursive_loop="Allow"
            )
            exist_only_if(loops, configurable)
        self.mapping = LambdaEventSourceMapping(
            self,
            "mapping",
            event_source_arn=queue_arn,
            function_name=function_name,
            enabled=as_argument(settings.queue_is_consumed),
            batch_size=settings.queue.batch_size,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": settings.queue.max_concurrency},
        )
