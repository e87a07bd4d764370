"""The buffers of the Firehose patch: records in, S3 objects out, by size or by age."""

import asyncio
import contextvars
import gzip
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.services import cloudwatch, s3

logger = logging.getLogger("firehose.buffers")

MIB = 1024 * 1024
DEFAULT_SIZE_MIB = 5
DEFAULT_INTERVAL_SECONDS = 300
WRITE_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Delivery:
    """One record on its way to one destination of one delivery stream."""

    stream_arn: str
    destination_id: str
    config: dict[str, Any]
    record: bytes


@dataclass
class Batch:
    """The records of one object; bucket and key are those of its oldest record."""

    delivery: Delivery
    bucket: str
    key: str
    timer: threading.Timer
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    parts: list[bytes] = field(default_factory=list)
    size_bytes: int = 0
    began: float = field(default_factory=time.time)

    def append(self, record: bytes) -> None:
        """Adds a record, and the delimiter if one was configured."""
        self.parts.append(record + (b"\n" if _appends_delimiter(self.delivery.config) else b""))
        self.size_bytes += len(self.parts[-1])


class Buffers:
    """Every open buffer of the emulator; safe to use from several threads.

    Args:
        time_scale: Factor on each interval, greater than 0.
        event_loop: Returns the loop that serves S3, once it runs.
    """

    def __init__(self, time_scale: float, event_loop: Callable[[], asyncio.AbstractEventLoop | None]) -> None:
        self.time_scale = time_scale
        self.event_loop = event_loop
        self.lock = threading.Lock()
        self.open: dict[tuple[str, str, str], Batch] = {}

    def add(self, delivery: Delivery, bucket: str, key: str) -> None:
        """Takes a record; writes its object when that is full, later otherwise."""
        hints = delivery.config.get("BufferingHints") or {}
        identity = (delivery.stream_arn, delivery.destination_id, _partition(delivery, key))
        with self.lock:
            batch = self.open.get(identity)
            if batch is None:
                seconds = hints.get("IntervalInSeconds", DEFAULT_INTERVAL_SECONDS) * self.time_scale
                timer = threading.Timer(seconds, self._write_later, [identity])
                timer.daemon = True
                batch = self.open[identity] = Batch(delivery, bucket, key, timer)
                timer.start()
            batch.append(delivery.record)
            full = batch.size_bytes >= hints.get("SizeInMBs", DEFAULT_SIZE_MIB) * MIB
        if full:
            self._write_later(identity)

    def flush(self, stream_arn: str) -> None:
        """Writes the records that a delivery stream still holds, and waits; not for the loop's own thread."""
        identities = [identity for identity in list(self.open) if identity[0] == stream_arn]
        for future in [self._write_later(identity) for identity in identities]:
            if future is not None:
                future.result(WRITE_TIMEOUT_SECONDS)

    async def drain(self) -> None:
        """Writes everything that is still held, on the loop that serves S3."""
        for identity in list(self.open):
            batch = self._close(identity)
            if batch is not None:
                await asyncio.create_task(_write(batch), context=batch.context)

    def discard(self) -> None:
        """Forgets everything that is held."""
        for identity in list(self.open):
            self._close(identity)

    def _close(self, identity: tuple[str, str, str]) -> Batch | None:
        with self.lock:
            batch = self.open.pop(identity, None)
        if batch is not None:
            batch.timer.cancel()
        return batch

    def _write_later(self, identity: tuple[str, str, str]) -> Any:
        batch = self._close(identity)
        loop = self.event_loop()
        if batch is None or loop is None:
            return None
        return batch.context.run(asyncio.run_coroutine_threadsafe, _write(batch), loop)


def _partition(delivery: Delivery, key: str) -> str:
    """The prefix, which with dynamic partitioning separates the buffers of a destination; else empty."""
    if not (delivery.config.get("DynamicPartitioningConfiguration") or {}).get("Enabled"):
        return ""
    return key.rpartition("/")[0]


def _appends_delimiter(config: dict[str, Any]) -> bool:
    processing = config.get("ProcessingConfiguration") or {}
    types = {processor.get("Type") for processor in processing.get("Processors") or []}
    return bool(processing.get("Enabled")) and "AppendDelimiterToRecord" in types


async def _write(batch: Batch) -> None:
    """Puts one object; a refusal is an error in the log, because AWS would keep trying for a day."""
    config, key, body = batch.delivery.config, batch.key, b"".join(batch.parts)
    compression = config.get("CompressionFormat", "UNCOMPRESSED")
    if compression == "GZIP":
        body = await asyncio.to_thread(gzip.compress, body, 6)
        key += "" if config.get("FileExtension") else ".gz"
    elif compression != "UNCOMPRESSED":
        logger.warning("%s is not emulated: %s is written uncompressed", compression, key)
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(len(body)),
        "host": "s3.localhost",
    }
    answer = await s3.handle_request("PUT", f"/{batch.bucket}/{key}", headers, body, {}, internal=True)
    if answer[0] != 200:
        logger.error("Lost %d bytes for s3://%s/%s: S3 answered %s", len(body), batch.bucket, key, answer[0])
    else:
        logger.info("Wrote s3://%s/%s: %d records, %d bytes", batch.bucket, key, len(batch.parts), len(body))
        name = {"DeliveryStreamName": batch.delivery.stream_arn.rpartition("/")[2]}
        late = time.time() - batch.began
        cloudwatch.record_metric("AWS/Firehose", "DeliveryToS3.DataFreshness", late, "Seconds", name)
