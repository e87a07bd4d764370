"""The work queue. The function ingests its events one after the other and retries each by itself."""

from dataclasses import dataclass

from ingestion_pipeline.settings.pages import LAMBDA_SQS_SCALING, SQS_KEYS, SQS_QUOTAS
from ingestion_pipeline.settings.patterns import KEY_ARN
from ingestion_pipeline.settings.rules import Checked, switch, text, texts, whole

LAMBDA_SQS_BATCHES = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"


@dataclass(frozen=True, kw_only=True)
class QueueSettings(Checked):
    """The work queue. The function ingests its events one after the other and retries each by itself."""

    table = "queue"
    enabled: bool = switch(
        False,
        "Whether the work queue is consumed if no source has a schedule; with a schedule it always is. "
        "Lambda polls a consumed queue without a pause, and SQS bills the requests.",
    )
    max_concurrency: int = whole(
        5,
        2,
        1_000,
        "Most invocations at the same time for the queue. Those of an event of `urls` divide the "
        "source's `rate` among them; other events do not. A new account may have 10 invocations in all.",
        LAMBDA_SQS_SCALING,
        "MAX_CONCURRENCY",
    )
    batch_size: int = whole(
        1,
        1,
        10,
        "Most events that one invocation gets; it has to finish them all within its time.",
        LAMBDA_SQS_BATCHES,
    )
    retention_days: int = whole(
        4,
        1,
        14,
        "Days that the queue keeps an event; less than `dead_letters.queue_retention_days`.",
        SQS_QUOTAS,
    )
    kms_key: str = text(
        "",
        "KMS key of yours that encrypts the queue, by its ARN; the function may use it. Empty: SQS's own.",
        f"({KEY_ARN})?",
        "empty, or the ARN of a key",
        SQS_KEYS,
    )
    other_kms_keys: tuple[str, ...] = texts(
        "Further keys that the function may use: the next key before `kms_key` changes, and the former one "
        "until the events that it encrypted have left the queue.",
        KEY_ARN,
        "a list of ARNs of keys",
        SQS_KEYS,
    )
