"""The Kinesis data stream."""

from dataclasses import dataclass

from ingestion_pipeline.settings.patterns import KEY_ARN
from ingestion_pipeline.settings.rules import Checked, text, texts, whole

KINESIS_QUOTAS = "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"
STREAM_ENCRYPTION = "https://docs.aws.amazon.com/streams/latest/dev/server-side-encryption.html"
AWS_KINESIS_KEY = "alias/aws/kinesis"


@dataclass(frozen=True, kw_only=True)
class StreamSettings(Checked):
    """The Kinesis data stream."""

    table = "stream"
    shard_count: int = whole(
        2,
        1,
        20_000,
        "Number of shards; each takes 1 MB and 1,000 Kinesis records a second. AWS at most doubles or halves "
        "the number at a time: from 1 to 3 takes two applies.",
        KINESIS_QUOTAS,
    )
    retention_hours: int = whole(24, 24, 8_760, "Hours that the stream keeps a record.", KINESIS_QUOTAS)
    kms_key: str = text(
        AWS_KINESIS_KEY,
        "KMS key that encrypts the stream: AWS's own, or the ARN of yours, which both roles may then use.",
        f"{AWS_KINESIS_KEY}|{KEY_ARN}",
        f"{AWS_KINESIS_KEY} or the ARN of a key",
        STREAM_ENCRYPTION,
    )
    other_kms_keys: tuple[str, ...] = texts(
        "Further keys that both roles may use: the next key before `kms_key` changes, and the former one "
        "until the records that it encrypted have left the stream.",
        KEY_ARN,
        "a list of ARNs of keys",
        STREAM_ENCRYPTION,
    )
