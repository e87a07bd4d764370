"""Lambda: the answer to a failed invocation has the exception's class.

AWS answers with the name of the exception's class as ``errorType``. The emulator has it in the traceback
alone, behind the invocation's log.
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from local_aws.emulator.patches import patch_point

_UNNAMED = "Runtime.HandlerError"
_CLASS = re.compile(r"^(?:\w+\.)*(\w+)(?:: |$)", re.MULTILINE)  # the frames before it are indented


def apply() -> None:
    """Replaces the execution of a function."""
    patch_point.wrap(lambda_svc, "_execute_function_warm", _named)


def _named(original: Callable[..., dict[str, Any]], *arguments: Any, **more: Any) -> dict[str, Any]:
    result = original(*arguments, **more)
    body = result.get("body")
    if not isinstance(body, dict) or body.get("errorType") != _UNNAMED:
        return result
    _, _, trace = str(result.get("log", "")).rpartition("Traceback (most recent call last):\n")
    found = _CLASS.search(trace)
    return {**result, "body": {**body, "errorType": found[1]}} if found else result
