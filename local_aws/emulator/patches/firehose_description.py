"""Firehose: the description of an S3 destination is complete.

AWS describes ``CustomTimeZone`` (UTC when none was asked for), ``FileExtension`` and, when a
backup is configured, ``S3BackupDescription``. The emulator leaves all three out, so that every
second plan wants to change the delivery stream.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import firehose

from local_aws.emulator.patches import patch_point

BACKUP_DEFAULTS: dict[str, Any] = {
    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "CompressionFormat": "UNCOMPRESSED",
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "CloudWatchLoggingOptions": {"Enabled": False},
    "Prefix": "",
    "ErrorOutputPrefix": "",
}


def apply() -> None:
    """Replaces the description of a destination."""
    patch_point.wrap(firehose, "_dest_description", _complete)


def _complete(
    original: Callable[[dict[str, Any]], dict[str, Any]], destination: dict[str, Any]
) -> dict[str, Any]:
    description = original(destination)
    s3 = description.get("ExtendedS3DestinationDescription")
    if s3 is not None:
        config = destination["config"]
        s3["CustomTimeZone"] = config.get("CustomTimeZone") or "UTC"
        if config.get("FileExtension"):
            s3["FileExtension"] = config["FileExtension"]
        backup = config.get("S3BackupUpdate") or config.get("S3BackupConfiguration")
        if backup:
            s3["S3BackupDescription"] = {**BACKUP_DEFAULTS, **backup}
    return description
