"""Stores failed records in the lake's bucket and failed events in a queue."""

from dataclasses import dataclass

from ingestion_pipeline.settings.pages import SQS_KEYS, SQS_QUOTAS
from ingestion_pipeline.settings.patterns import KEY_ARN, LITERAL_PREFIX
from ingestion_pipeline.settings.rules import Checked, text, texts, whole


@dataclass(frozen=True, kw_only=True)
class DeadLetterSettings(Checked):
    """Stores failed records in the lake's bucket and failed events in a queue."""

    table = "dead_letters"
    prefix: str = text(
        "dead-letters/",
        "Folder in the lake's bucket for records that could not be delivered, each with its reason.",
        LITERAL_PREFIX,
        "a literal path that ends in /",
        variable="DEAD_LETTER_PREFIX",
    )
    queue_retention_days: int = whole(
        14, 1, 14, "Days that the queue keeps an event that failed after all retries.", SQS_QUOTAS
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
