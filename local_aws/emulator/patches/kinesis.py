"""Kinesis: tags given at creation are kept, shard-level metrics are described.

AWS keeps the ``Tags`` of CreateStream and returns the enabled shard-level metrics from both
describe calls. The emulator drops the first and always describes an empty list, so that every
second plan wants to change the stream.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import kinesis

from local_aws.emulator.patches import patch_point

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Answer]


def apply() -> None:
    """Replaces CreateStream and both describe calls.

    Raises:
        EmulatorChanged: If a private name is missing.
    """
    patch_point.wrap(kinesis, "_create_stream", _keeping_tags)
    patch_point.wrap(kinesis, "_stream_desc", _with_metrics)
    patch_point.wrap(kinesis, "_describe_stream_summary", _summary_with_metrics)


def _keeping_tags(original: Handler) -> Handler:
    streams = patch_point.seam(kinesis, "_streams")

    def create_stream(request: dict[str, Any]) -> Answer:
        answer = original(request)
        if answer[0] == 200:
            streams[request["StreamName"]]["tags"].update(request.get("Tags") or {})
        return answer

    return create_stream


def _metrics(stream: dict[str, Any]) -> list[dict[str, list[str]]]:
    return [{"ShardLevelMetrics": sorted(stream.get("ShardLevelMetrics", []))}]


def _with_metrics(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def describe(stream: dict[str, Any], shard_ids: list[str] | None = None) -> dict[str, Any]:
        return {**original(stream, shard_ids), "EnhancedMonitoring": _metrics(stream)}

    return describe


def _summary_with_metrics(original: Handler) -> Handler:
    streams = patch_point.seam(kinesis, "_streams")

    def summarise(request: dict[str, Any]) -> Answer:
        status, headers, body = original(request)
        if status == 200:
            document = json.loads(body)
            summary = document["StreamDescriptionSummary"]
            summary["EnhancedMonitoring"] = _metrics(streams[summary["StreamName"]])
            body = json.dumps(document).encode()
        return status, headers, body

    return summarise
