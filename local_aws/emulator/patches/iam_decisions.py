"""IAM: each decision is written down, one JSON line in the file that ``IAM_DECISIONS_FILE`` names.

AWS tells of its decisions in CloudTrail only. The emulator decides only with ``AUTH=true``, and
nothing but for the caller ``test``, who may do everything. A line is
``{"action": …, "resource": …, "access_key_id": …, "allowed": …}``; from such lines the exact
policy of a run can be written. What the emulator does not check (``iam:PassRole``, ``kms:*``, tags
sent at creation) is not in it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator

from local_aws.emulator.patches import patch_point

FILE_VARIABLE = "IAM_DECISIONS_FILE"


def apply() -> None:
    """Records decisions if the environment names a file for them."""
    path = os.environ.get(FILE_VARIABLE)
    if path:
        patch_point.wrap(iam_evaluator, "enforce", _record, Path(path))


def _record(
    original: Callable[..., Any],
    path: Path,
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    **context: Any,
) -> Any:
    denied = original(access_key_id, iam_action, service, region, resource_arn=resource_arn, **context)
    line = {
        "action": iam_action,
        "resource": resource_arn,
        "access_key_id": access_key_id,
        "allowed": denied is None,
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return denied
