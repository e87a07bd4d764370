"""IAM: a batch operation of SQS is decided on by the action of its single one.

On AWS whoever may send, delete or hide one message may do so with ten in one call: there are no actions
of the batch operations. The emulator decides on them as on actions of their own, which no policy for
AWS allows.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
"""

from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions

from local_aws.emulator.patches import patch_point

PERMITTED_AS = {
    f"sqs:{action}Batch": f"sqs:{action}"
    for action in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
}


def apply() -> None:
    """Replaces how the action of a request is found."""
    patch_point.wrap(iam_actions, "extract_iam_action", _of_one)


def _of_one(original: Callable[..., str | None], *arguments: Any) -> str | None:
    found = original(*arguments)
    return PERMITTED_AS.get(found, found) if found else found
