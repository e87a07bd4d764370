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

Health = Callable[[str, str], tuple[int, dict[str, str], bytes] | None]


def apply() -> None:
    """Adds ``pid`` to the health answer.

    Raises:
        EmulatorChanged: If a private name is missing.
    """
    patch_point.wrap(app, "_handle_health_request", _naming_its_process)


def _naming_its_process(original: Health) -> Health:
    def health(path: str, request_id: str) -> Any:
        answer = original(path, request_id)
        if answer is None:
            return None
        status, headers, body = answer
        return status, headers, json.dumps({**json.loads(body), "pid": os.getpid()}).encode()

    return health
