"""CloudWatch: every invocation is measured, whoever began it.

``AWS/Lambda`` counts those of a queue's messages and of events, too. The emulator measures only what the
caller waits for, and counts an event as done when it is taken.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import time
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from local_aws.emulator.patches import patch_point


def apply() -> None:
    """Measures where every invocation passes."""
    emit = patch_point.seam(lambda_svc, "_emit_lambda_metrics")
    patch_point.wrap(lambda_svc, "_emit_lambda_metrics", _emit_throttles)
    patch_point.wrap(lambda_svc, "_execute_function_dispatch", _measured, emit)


def _emit_throttles(
    original: Callable[..., None],
    function_name: str,
    duration_ms: float,
    error: bool,
    throttle: bool,
) -> None:
    if throttle and not duration_ms:  # with a duration, it is told a second time
        original(function_name, duration_ms, error, throttle)


def _measured(
    original: Callable[..., Any], emit: Callable[..., None], function: Any, config: dict[str, Any], *more: Any
) -> Any:
    began = time.monotonic()
    result = original(function, config, *more)
    failed = isinstance(result, dict) and bool(result.get("error"))
    emit(config.get("FunctionName", ""), (time.monotonic() - began) * 1000, failed, throttle=False)
    return result
