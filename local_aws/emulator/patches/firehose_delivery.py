"""Firehose: records are buffered, joined and compressed before they are written to S3.

AWS collects records until ``SizeInMBs`` (before compression) or ``IntervalInSeconds`` is reached,
joins them byte by byte (with a newline after each only if an ``AppendDelimiterToRecord`` processor
asks for it), compresses the whole and names the object after the arrival of its oldest record,
with ``.gz`` at the end of a GZIP object unless ``FileExtension`` says otherwise. With dynamic
partitioning there is one buffer for each prefix.

The emulator writes each record at once as an object of its own and never compresses. It still
evaluates prefixes, partitions and conversions here; only what it is about to write is held back.
Left as it is: Parquet objects and error documents (written at once), compressions other than GZIP
(written uncompressed, and said in the log), de-aggregation of KPL records.

``FIREHOSE_TIME_SCALE`` (default 1) shortens the interval: with 0.01, 300 s last 3 s. What is still
held is written when the delivery stream is deleted and when the emulator stops; AWS promises
neither.
"""

import os
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

from ministack import app
from ministack.services import firehose

from local_aws.emulator.patches import patch_point
from local_aws.emulator.patches.firehose_buffers import Buffers, Delivery

TIME_SCALE_VARIABLE = "FIREHOSE_TIME_SCALE"
_delivering: ContextVar[Delivery | None] = ContextVar("delivering", default=None)


def apply() -> None:
    """Replaces the way from a record to its object.

    Raises:
        EmulatorChanged: If a private name is missing.
        ValueError: If the time scale is no positive number.
    """
    scale = float(os.environ.get(TIME_SCALE_VARIABLE, "1"))
    if not scale > 0:
        raise ValueError(f"{TIME_SCALE_VARIABLE} is {scale}; it must be greater than 0, 1 is AWS's own pace")
    patch_point.seam(app, "_MAIN_LOOP")
    buffers = Buffers(scale, event_loop=lambda: patch_point.seam(app, "_MAIN_LOOP"))
    patch_point.wrap(firehose, "_deliver_to_s3", _deliver)
    patch_point.wrap(firehose, "_put_s3_object", _hold_back, buffers)
    patch_point.wrap(firehose, "reset", _reset, buffers)
    patch_point.wrap(app, "_handle_lifespan", _drain_at_shutdown, buffers)
    handlers = patch_point.seam(firehose, "_HANDLERS")
    arn = patch_point.seam(firehose, "_stream_arn")
    handlers["DeleteDeliveryStream"] = partial(_delete, handlers["DeleteDeliveryStream"], buffers, arn)


def _deliver(
    original: Callable[..., None],
    stream: dict[str, Any],
    destination: dict[str, Any],
    record: bytes,
    keys: object = None,
) -> None:
    """Lets the write that happens inside know which record of which stream it is for."""
    token = _delivering.set(Delivery(stream["arn"], destination["id"], destination["config"], record))
    try:
        original(stream, destination, record, keys)
    finally:
        _delivering.reset(token)


def _hold_back(original: Callable[..., None], buffers: Buffers, bucket: str, key: str, body: bytes) -> None:
    delivery = _delivering.get()
    # A converted record or an error document is another object than the record that came in.
    if delivery is None or body is not delivery.record:
        original(bucket, key, body)
    else:
        buffers.add(delivery, bucket, key)


def _reset(original: Callable[[], None], buffers: Buffers) -> None:
    buffers.discard()
    original()


def _delete(
    original: Callable[..., Any], buffers: Buffers, arn: Callable[[str], str], request: dict[str, Any]
) -> Any:
    answer = original(request)
    buffers.flush(arn(request.get("DeliveryStreamName", "")))
    return answer


async def _drain_at_shutdown(
    original: Callable[..., Awaitable[None]],
    buffers: Buffers,
    scope: Any,
    receive: Callable[[], Awaitable[Any]],
    send: Any,
) -> None:
    async def watched() -> Any:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await buffers.drain()
        return message

    await original(scope, watched, send)
