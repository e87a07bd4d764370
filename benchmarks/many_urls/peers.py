"""What others do with a list of URLs, each as a user of it would write it: get, wrap and put.

Runs in the benchmarks' own virtual environment; see ``benchmarks.peers``. Each variant is given the address
of a list and the stream's endpoint, and says how many URLs it has ingested.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from benchmarks.peers import BATCH, STREAM, Variant, client_of, line, put_all, wrapped

_THREADS = 8


def _urls(list_url: str) -> list[str]:
    import requests

    return requests.get(list_url, timeout=60).text.split()


def _entries(url: str) -> list[dict[str, Any]]:
    return [{"Data": line(record), "PartitionKey": str(uuid.uuid4())} for record in wrapped(url)]


def put_record_each(list_url: str, endpoint: str) -> int:
    """The original design in a loop: each URL's records one by one."""
    client = client_of(endpoint)
    urls = _urls(list_url)
    for url in urls:
        for entry in _entries(url):
            client.put_record(StreamName=STREAM, **entry)
    return len(urls)


def put_records_each(list_url: str, endpoint: str) -> int:
    """A plain loop: a request of requests and one PutRecords for each URL."""
    client = client_of(endpoint)
    urls = _urls(list_url)
    for url in urls:
        put_all(client, _entries(url))
    return len(urls)


def put_records_threads(list_url: str, endpoint: str) -> int:
    """The same by eight threads, each with a session that keeps its connections."""
    import requests

    client = client_of(endpoint)
    own = threading.local()

    def ingest(url: str) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        now = datetime.now(UTC).isoformat
        records = own.session.get(url, timeout=60).json()
        lines = [line({"timestamp": now(), "sourceUrl": url, "data": each}) for each in records]
        put_all(client, [{"Data": text, "PartitionKey": str(uuid.uuid4())} for text in lines])

    urls = _urls(list_url)
    with ThreadPoolExecutor(_THREADS) as threads:
        return sum(1 for _ in threads.map(ingest, urls))


def dlt_resource(list_url: str, endpoint: str) -> int:
    """A resource of dlt, which gets the URLs in threads of its own, into a destination of put_records."""
    dlt = import_module("dlt")
    client = client_of(endpoint)
    get: Callable[..., Any] = import_module("dlt.sources.helpers.requests").get
    urls = _urls(list_url)

    @dlt.defer  # type: ignore[untyped-decorator]
    def fetched(url: str) -> list[Any]:
        return [{"source_url": url, "data": record} for record in get(url).json()]

    def records() -> Iterator[Any]:
        for url in urls:
            yield fetched(url)

    def put(items: list[Any], _table: Any) -> None:
        lines = [json.dumps(item, default=str).encode() + b"\n" for item in items]
        put_all(client, [{"Data": text, "PartitionKey": str(uuid.uuid4())} for text in lines])

    wrap = dlt.destination(batch_size=BATCH, loader_file_format="typed-jsonl", name="kinesis")
    resource = dlt.resource(records, name="records", max_table_nesting=0)
    dlt.pipeline(f"bench_{uuid.uuid4().hex}", destination=wrap(put)).run(resource)
    return len(urls)


URL_ORIGINAL = "requests, one PutRecord a record (the original design)"
URL_LOOP = "requests, one PutRecords a URL"
URL_THREADS = "the same, 8 threads with sessions"
URL_DLT = "dlt resource"
URL_VARIANTS: dict[str, Variant] = {
    URL_ORIGINAL: put_record_each,
    URL_LOOP: put_records_each,
    URL_THREADS: put_records_threads,
    URL_DLT: dlt_resource,
}
"""By name."""
