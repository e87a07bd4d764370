"""IAM: each operation of Lambda is decided on by its own action.

On AWS reading an event source mapping is ``lambda:GetEventSourceMapping``, and each of a function's
settings has an action of its own. The emulator decides on the first as on a list of all mappings, and on
most of the others as on ``lambda:GetFunction`` or ``lambda:UpdateFunctionCode``. The operations and
their paths are botocore's.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""

import re
from collections.abc import Callable

import botocore.loaders
from ministack.core import iam_actions

from local_aws.emulator.patches import patch_point

PERMITTED_AS = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
}
"""The action of each operation that is not called as its action."""

PARAMETER = re.compile(r"\\\{\w+(\\\+)?\\\}")


def apply() -> None:
    """Replaces how the action of a request to Lambda is found."""
    operations = botocore.loaders.Loader().load_service_model("lambda", "service-2")["operations"]
    routes = [
        (operation["http"]["method"], _pattern(operation["http"]["requestUri"]), name)
        for name, operation in operations.items()
    ]
    patch_point.wrap(iam_actions, "_lambda_action", _action, routes)


def _action(
    original: Callable[[str, str], str | None],
    routes: list[tuple[str, re.Pattern[str], str]],
    method: str,
    path: str,
) -> str | None:
    for verb, route, name in routes:
        if verb == method and route.fullmatch(path.rstrip("/")):
            return PERMITTED_AS.get(name, name)
    return original(method, path)


def _pattern(route: str) -> re.Pattern[str]:
    """The pattern of the paths of a route as botocore has it, such as ``/functions/{FunctionName}/url``."""
    path = re.escape(route.partition("?")[0].rstrip("/"))
    return re.compile(PARAMETER.sub(lambda found: ".+" if found[1] else "[^/]+", path))
