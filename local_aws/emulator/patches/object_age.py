"""S3: with ``S3_AGE_SECONDS`` every object is said to be so much older than it is.

Not a difference to AWS: a test cannot wait for days until what was deployed is that old.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ministack.services import s3

from local_aws.emulator.patches import patch_point

AGE_VARIABLE = "S3_AGE_SECONDS"


def apply() -> None:
    """Changes the time at which objects are written, if the environment says so."""
    if age := os.environ.get(AGE_VARIABLE):
        patch_point.wrap(s3, "now_iso", _earlier, timedelta(seconds=float(age)))


def _earlier(_: Callable[[], str], age: timedelta) -> str:
    return (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
