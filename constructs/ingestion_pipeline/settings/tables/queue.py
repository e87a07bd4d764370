"""The work queue: events that the function ingests one after the other, each retried alone."""

from dataclasses import dataclass

from ingestion_pipeline.settings.pages import LAMBDA_SQS_SCALING, SQS_KEYS, SQS_QUOTAS
from ingestion_pipeline.settings.patterns import KEY_ARN
from ingestion_pipeline.settings.rules import Checked, switch, text, whole

LAMBDA_SQS_BATCHES = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"


@dataclass(frozen=True, kw_only=True)
class QueueSettings(Checked):
    """The work queue: events that the function ingests one after the other, each retried alone."""

    table = "queue"
    enabled: bool = switch(
        False,
        "Whether the work queue is consumed even if no source has a schedule; with one it is in any case. "
        "Lambda polls a queue that is consumed without a pause, which is billed.",
    )
    max_concurrency: int = whole(
        10,
        2,
        1_000,
        "Most invocations at the same time for the queue. In events of `urls`, they share a source's `rate`.",
        LAMBDA_SQS_SCALING,
        "MAX_CONCURRENCY",
    )
    batch_size: int = whole(
        1, 1, 10, "Most events that one invocation gets, within its time.", LAMBDA_SQS_BATCHES
    )
    retention_days: int = whole(
        4,
        1,
        14,
        "Days that the queue keeps an event; at most `dead_letters.queue_retention_days`.",
        SQS_QUOTAS,
    )
    kms_key: str = text(
        "",
        "KMS key of yours that encrypts the queue, by its ARN; the function may use it. Empty: SQS's own.",
        f"({KEY_ARN})?",
        "empty, or the ARN of a key",
        SQS_KEYS,
    )
