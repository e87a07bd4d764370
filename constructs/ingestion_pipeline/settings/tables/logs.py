"""How long a log may be kept; every table with a log has such a setting."""

from typing import Any

from ingestion_pipeline.settings.rules import one_of

LOG_RETENTION = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
)
# fmt: off
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)
# fmt: on


def retention_days(meaning: str) -> Any:
    """A setting that is one of the periods CloudWatch Logs offers, 14 days by default."""
    return one_of(14, LOG_RETENTION_DAYS, meaning, LOG_RETENTION)
