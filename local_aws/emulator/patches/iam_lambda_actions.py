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
    """Replaces how the action of a request to Lambda is found.

    Raises:
        EmulatorChanged: If a private name is missing.
    """
    patch_point.wrap(iam_actions, "_lambda_action", _by_operation)


def _by_operation(original: Callable[[str, str], str | None]) -> Callable[[str, str], str | None]:
    operations = botocore.loaders.Loader().load_service_model("lambda", "service-2")["operations"]
    routes = [
        (operation["http"]["method"], _pattern(operation["http"]["requestUri"]), name)
        for name, operation in operations.items()
    ]

    def action_of(method: str, path: str) -> str | None:
        found = next(
            (name for verb, route, name in routes if verb == method and route.fullmatch(path.rstrip("/"))),
            None,
        )
        return PERMITTED_AS.get(found, found) if found else original(method, path)

    return action_of


def _pattern(route: str) -> re.Pattern[str]:
    """What a path looks like for which botocore has ``/functions/{FunctionName}/url``."""
    path = re.escape(route.partition("?")[0].rstrip("/"))
    return re.compile(PARAMETER.sub(lambda found: ".+" if found[1] else "[^/]+", path))
