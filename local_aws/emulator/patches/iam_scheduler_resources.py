"""IAM: each operation of EventBridge Scheduler is decided on for what it is about.

On AWS a schedule's ARN has its group, and tags are read and written of a group. The emulator decides on
every schedule as on one of the group ``default``, and on tags as on everything. In a request the group is
a parameter of the query, or a member of the body.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions

from local_aws.emulator.patches import patch_point

DEFAULT_GROUP = "default"
TAGS = "/tags/"


def apply() -> None:
    """Replaces how the resource of a request to Scheduler is found."""
    patch_point.wrap(iam_actions, "extract_resource_arn", _with_group)


def _with_group(original: Callable[..., str], service: str, method: str, path: str, *more: Any) -> str:
    found = original(service, method, path, *more)
    if service != "scheduler":
        return found
    if path.startswith(TAGS):
        return unquote(path.removeprefix(TAGS))
    _, body, query_params, *_ = more
    return found.replace(f":schedule/{DEFAULT_GROUP}/", f":schedule/{_group(body, query_params)}/")


def _group(body: bytes, query_params: Mapping[str, Any]) -> str:
    given = query_params.get("groupName")
    if given:
        return str(given[0] if isinstance(given, list) else given)
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        return DEFAULT_GROUP
    return str(members.get("GroupName", DEFAULT_GROUP)) if isinstance(members, dict) else DEFAULT_GROUP
