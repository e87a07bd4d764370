"""What the others do, each as a user of it would write it: fetch an array, wrap each element, put it.

Runs in the benchmarks' own virtual environment, so what it imports is imported by need and by name;
nothing of the product is.
"""

import asyncio
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

Variant = Callable[[str, str], int]
"""Given a source's URL and the stream's endpoint, ingests and says how many records."""

_STREAM = "bench"
_BATCH = 500
_AGGREGATE_BYTES = 51_200
_clients: dict[str, Any] = {}


def _client(endpoint: str) -> Any:
    # One client a process, as in a warm function.
    if endpoint not in _clients:
        import boto3

        _clients[endpoint] = boto3.client("kinesis", endpoint_url=endpoint)
    return _clients[endpoint]


def _fetch(url: str) -> list[Any]:
    import requests

    return list(requests.get(url, timeout=60).json())


def _wrapped(url: str) -> Iterator[dict[str, Any]]:
    for record in _fetch(url):
        yield {"timestamp": datetime.now(UTC).isoformat(), "sourceUrl": url, "data": record}


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _batches(entries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def one_by_one(url: str, endpoint: str) -> int:
    """The original design: one PutRecord for each record, one after the other."""
    client = _client(endpoint)
    count = 0
    for record in _wrapped(url):
        client.put_record(StreamName=_STREAM, Data=_line(record), PartitionKey=str(uuid.uuid4()))
        count += 1
    return count


def put_records(url: str, endpoint: str) -> int:
    """Batches of 500 with boto3, one after the other."""
    client = _client(endpoint)
    count = 0
    entries = ({"Data": _line(record), "PartitionKey": str(uuid.uuid4())} for record in _wrapped(url))
    for batch in _batches(entries):
        client.put_records(StreamName=_STREAM, Records=batch)
        count += len(batch)
    return count


def put_records_threads(url: str, endpoint: str) -> int:
    """Batches of 500 with boto3, eight requests at a time."""
    client = _client(endpoint)
    entries = ({"Data": _line(record), "PartitionKey": str(uuid.uuid4())} for record in _wrapped(url))
    with ThreadPoolExecutor(8) as threads:
        done = threads.map(
            lambda batch: client.put_records(StreamName=_STREAM, Records=batch), _batches(entries)
        )
        return sum(len(answer["Records"]) for answer in done)


def aggregated(url: str, endpoint: str) -> int:
    """aws_kinesis_agg's aggregates of 50 KiB, in batches with boto3."""
    client = _client(endpoint)
    aggregator = import_module("aws_kinesis_agg.aggregator").RecordAggregator(_AGGREGATE_BYTES)

    def aggregates() -> Iterator[Any]:
        for record in _wrapped(url):
            full = aggregator.add_user_record(str(uuid.uuid4()), _line(record))
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
            client.put_records(StreamName=_STREAM, Records=batch[start : start + 80])
    return count


def _async_kinesis(url: str, endpoint: str, processor: str) -> int:
    kinesis = import_module("kinesis")

    async def produce() -> int:
        count = 0
        async with kinesis.Producer(
            _STREAM,
            endpoint_url=endpoint,
            region_name=os.environ["AWS_DEFAULT_REGION"],
            processor=getattr(kinesis, processor)(),
            # Its limits for one shard would be what is measured.
            put_rate_limit_per_shard=10**9,
            put_bandwidth_limit_per_shard=10**9,
        ) as producer:
            for record in _wrapped(url):
                await producer.put(record)
                count += 1
        return count

    return asyncio.run(produce())


def async_kinesis_lines(url: str, endpoint: str) -> int:
    """async-kinesis with its line processor."""
    return _async_kinesis(url, endpoint, "JsonLineProcessor")


def async_kinesis_json(url: str, endpoint: str) -> int:
    """async-kinesis with its default processor."""
    return _async_kinesis(url, endpoint, "JsonProcessor")


def dlt_pipeline(url: str, endpoint: str) -> int:
    """The rest_api source of dlt into a destination that calls put_records."""
    dlt = import_module("dlt")
    client = _client(endpoint)
    count = 0

    def put(items: list[Any], _table: Any) -> None:
        nonlocal count
        entries = [
            {"Data": json.dumps(item, default=str).encode() + b"\n", "PartitionKey": str(uuid.uuid4())}
            for item in items
        ]
        client.put_records(StreamName=_STREAM, Records=entries)
        count += len(items)

    wrap = dlt.destination(batch_size=_BATCH, loader_file_format="typed-jsonl", name="kinesis")
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


VARIANTS: dict[str, Variant] = {
    "one PutRecord each (the original design)": one_by_one,
    "boto3 put_records": put_records,
    "boto3 put_records, 8 threads": put_records_threads,
    "aws_kinesis_agg + put_records": aggregated,
    "async-kinesis, lines": async_kinesis_lines,
    "async-kinesis, default": async_kinesis_json,
    "dlt rest_api": dlt_pipeline,
}
