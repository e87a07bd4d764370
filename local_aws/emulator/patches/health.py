"""Health: the answer names the process that gives it.

Not a difference to AWS, which has no such page: whoever starts the emulator must know that it is
this one that answers, and not another one that took the port in between.
"""

import json
import os
from collections.abc import Callable
from typing import Any

from ministack import app

from local_aws.emulator.patches import patch_point


def apply() -> None:
    """Adds ``pid`` to the health answer."""
    patch_point.wrap(app, "_handle_health_request", _with_pid)


def _with_pid(original: Callable[[str, str], Any], path: str, request_id: str) -> Any:
    answer = original(path, request_id)
    if answer is None:
        return None
    status, headers, body = answer
    return status, headers, json.dumps({**json.loads(body), "pid": os.getpid()}).encode()
