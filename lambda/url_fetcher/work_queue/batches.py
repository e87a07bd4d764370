"""Divides messages into batches that SQS takes in one request."""

from collections.abc import Iterable, Iterator
from typing import Any

MAX_ENTRIES = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""

# SQS takes 1 MiB, queues with an older setting 256 KiB; a message is billed by 64 KiB in any case.
_MAX_BATCH_BYTES = 256 * 1024


def batches(entries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yields the entries of each request: ten at most, within the limit of a request's size.

    Args:
        entries: Each with its ``MessageBody``. One without an ``Id`` gets its number in the batch.
    """
    batch: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        entry_bytes = len(entry["MessageBody"].encode(errors="surrogatepass"))
        if batch and (len(batch) == MAX_ENTRIES or size + entry_bytes > _MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"Id": str(len(batch)), **entry})
        size += entry_bytes
    if batch:
        yield batch
