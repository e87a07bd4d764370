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
    """Replaces CreateStream and both describe calls."""
    streams = patch_point.seam(kinesis, "_streams")
    patch_point.wrap(kinesis, "_create_stream", _create_stream, streams)
    patch_point.wrap(kinesis, "_stream_desc", _describe)
    patch_point.wrap(kinesis, "_describe_stream_summary", _summarise, streams)


def _create_stream(original: Handler, streams: dict[str, Any], request: dict[str, Any]) -> Answer:
    answer = original(request)
    if answer[0] == 200:
        streams[request["StreamName"]]["tags"].update(request.get("Tags") or {})
    return answer


def _metrics(stream: dict[str, Any]) -> list[dict[str, list[str]]]:
    return [{"ShardLevelMetrics": sorted(stream.get("ShardLevelMetrics", []))}]


def _describe(
    original: Callable[..., dict[str, Any]], stream: dict[str, Any], *shard_ids: list[str] | None
) -> dict[str, Any]:
    return {**original(stream, *shard_ids), "EnhancedMonitoring": _metrics(stream)}


def _summarise(original: Handler, streams: dict[str, Any], request: dict[str, Any]) -> Answer:
    status, headers, body = original(request)
    if status == 200:
        document = json.loads(body)
        summary = document["StreamDescriptionSummary"]
        summary["EnhancedMonitoring"] = _metrics(streams[summary["StreamName"]])
        body = json.dumps(document).encode()
    return status, headers, body
