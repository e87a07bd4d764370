"""What the others do, each as a user of it would write it: fetch an array, wrap each element, put it.

Runs in the benchmarks' own virtual environment, so what it imports is imported by need and by name;
nothing of the product is.
"""

import asyncio
import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

Variant = Callable[[str, str], int]
"""Given a source's URL and the stream's endpoint, ingests and says how many records."""

STREAM = "bench"
BATCH = 500
_AGGREGATE_BYTES = 51_200
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
# Else async-kinesis' own limits for one shard would be what is measured.
_NO_LIMITS = {"put_rate_limit_per_shard": 10**9, "put_bandwidth_limit_per_shard": 10**9}
_clients: dict[str, Any] = {}


def client_of(endpoint: str) -> Any:
    """The client for an endpoint: one a process, as in a warm function."""
    if endpoint not in _clients:
        import boto3

        _clients[endpoint] = boto3.client("kinesis", endpoint_url=endpoint)
    return _clients[endpoint]


def _fetch(url: str) -> list[Any]:
    import requests

    return list(requests.get(url, timeout=60).json())


def wrapped(url: str) -> Iterator[dict[str, Any]]:
    """The records that a URL answers, each with where it is from."""
    for record in _fetch(url):
        yield {"timestamp": datetime.now(UTC).isoformat(), "sourceUrl": url, "data": record}


def line(record: Mapping[str, Any]) -> bytes:
    """A record as a line of JSON."""
    return json.dumps(record).encode() + b"\n"


def _batches(entries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def put_all(client: Any, entries: list[dict[str, Any]]) -> None:
    """Put a batch, and again what was refused, as AWS's guide tells: or it would be lost."""
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        results = client.put_records(StreamName=STREAM, Records=entries)["Records"]
        entries = [entry for entry, result in zip(entries, results, strict=True) if "ErrorCode" in result]
        if not entries:
            return
        time.sleep(random.uniform(0, pause_seconds))
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)


def one_by_one(url: str, endpoint: str) -> int:
    """The original design: one PutRecord for each record, one after the other."""
    client = client_of(endpoint)
    count = 0
    for record in wrapped(url):
        client.put_record(StreamName=STREAM, Data=line(record), PartitionKey=str(uuid.uuid4()))
        count += 1
    return count


def put_records(url: str, endpoint: str) -> int:
    """Batches of 500 with boto3, one after the other."""
    client = client_of(endpoint)
    count = 0
    entries = ({"Data": line(record), "PartitionKey": str(uuid.uuid4())} for record in wrapped(url))
    for batch in _batches(entries):
        put_all(client, batch)
        count += len(batch)
    return count


def put_records_threads(url: str, endpoint: str) -> int:
    """Batches of 500 with boto3, eight requests at a time."""
    client = client_of(endpoint)
    entries = ({"Data": line(record), "PartitionKey": str(uuid.uuid4())} for record in wrapped(url))

    def put(batch: list[dict[str, Any]]) -> int:
        put_all(client, batch)
        return len(batch)

    with ThreadPoolExecutor(8) as threads:
        return sum(threads.map(put, _batches(entries)))


def aggregated(url: str, endpoint: str) -> int:
    """aws_kinesis_agg's aggregates of 50 KiB, in batches with boto3."""
    client = client_of(endpoint)
    aggregator = import_module("aws_kinesis_agg.aggregator").RecordAggregator(_AGGREGATE_BYTES)

    def aggregates() -> Iterator[Any]:
        for record in wrapped(url):
            full = aggregator.add_user_record(str(uuid.uuid4()), line(record))
            if full:
                yield full
        last = aggregator.clear_and_get()
        if last:
            yield last

    count = 0

    def entries() -> Iterator[dict[str, Any]]:
        nonlocal count
        for aggregate in aggregates():
            key, _, data = aggregate.get_contents()
            count += aggregate.get_num_user_records()
            yield {"Data": data, "PartitionKey": key}

    for batch in _batches(entries()):
        # Aggregates are large: 500 of them would be over the limit of a request.
        for start in range(0, len(batch), 80):
            put_all(client, batch[start : start + 80])
    return count


def _async_kinesis(url: str, endpoint: str, processor: str, **limits: int) -> int:
    kinesis = import_module("kinesis")

    async def produce() -> int:
        count = 0
        async with kinesis.Producer(
            STREAM,
            endpoint_url=endpoint,
            region_name=os.environ["AWS_DEFAULT_REGION"],
            processor=getattr(kinesis, processor)(),
            **limits,
        ) as producer:
            for record in wrapped(url):
                await producer.put(record)
                count += 1
        return count

    return asyncio.run(produce())


def async_kinesis_lines(url: str, endpoint: str) -> int:
    """async-kinesis with its line processor."""
    return _async_kinesis(url, endpoint, "JsonLineProcessor", **_NO_LIMITS)


def async_kinesis_limited(url: str, endpoint: str) -> int:
    """The same as it comes: it sends no more than the shards take."""
    return _async_kinesis(url, endpoint, "JsonLineProcessor")


def async_kinesis_json(url: str, endpoint: str) -> int:
    """async-kinesis with its default processor."""
    return _async_kinesis(url, endpoint, "JsonProcessor", **_NO_LIMITS)


def dlt_pipeline(url: str, endpoint: str) -> int:
    """The rest_api source of dlt into a destination that calls put_records."""
    dlt = import_module("dlt")
    client = client_of(endpoint)
    count = 0

    def put(items: list[Any], _table: Any) -> None:
        nonlocal count
        entries = [
            {"Data": json.dumps(item, default=str).encode() + b"\n", "PartitionKey": str(uuid.uuid4())}
            for item in items
        ]
        put_all(client, entries)
        count += len(items)

    wrap = dlt.destination(batch_size=BATCH, loader_file_format="typed-jsonl", name="kinesis")
    base, _, path = url.rpartition("/")
    source = import_module("dlt.sources.rest_api").rest_api_source(
        {
            "client": {"base_url": base + "/"},
            "resources": [
                {
                    "name": "records",
                    "max_table_nesting": 0,
                    "endpoint": {"path": path, "paginator": "single_page"},
                }
            ],
        }
    )
    dlt.pipeline(f"bench_{uuid.uuid4().hex}", destination=wrap(put)).run(source)
    return count


ORIGINAL = "one PutRecord each (the original design)"
BOTO3 = "boto3 put_records"
AGGREGATED = "aws_kinesis_agg + put_records"
ASYNC_KINESIS = "async-kinesis, lines"
ASYNC_KINESIS_LIMITED = "async-kinesis, lines, with its limits"
VARIANTS: dict[str, Variant] = {
    ORIGINAL: one_by_one,
    BOTO3: put_records,
    "boto3 put_records, 8 threads": put_records_threads,
    AGGREGATED: aggregated,
    ASYNC_KINESIS: async_kinesis_lines,
    "async-kinesis, default": async_kinesis_json,
    "dlt rest_api": dlt_pipeline,
}
"""By name, those that are measured on a stream without limits."""
ONE_SHARD_VARIANTS: dict[str, Variant] = {
    ORIGINAL: one_by_one,
    BOTO3: put_records,
    AGGREGATED: aggregated,
    ASYNC_KINESIS_LIMITED: async_kinesis_limited,
}
"""Those that are measured on one shard."""
