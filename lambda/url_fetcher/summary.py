"""What one ingestion did, counted: for the answer, the log line and the metrics."""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from url_fetcher.delivery.sink import DeliveryReport
    from url_fetcher.source.exchange import FetchReport


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of one ingestion.

    ``fetched`` are the records found in the source; each is accepted, dead-lettered or, when the
    ingestion failed, neither. ``retried`` are records sent to the stream again, ``requests_retried``
    requests to the source. ``bytes`` are those received, ``decompressed_bytes`` what they held.
    """

    fetched: int
    accepted: int
    dead_lettered: int
    retried: int
    possible_duplicates: int
    bytes: int
    decompressed_bytes: int
    pages: int
    requests_retried: int
    kinesis_records: int
    kinesis_requests: int
    fetch_seconds: float
    put_seconds: float

    def counters(self) -> dict[str, int | float]:
        """Each counter by name, seconds to the millisecond."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in msgspec.structs.asdict(self).items()
        }


def summarize(fetched: int, fetch: "FetchReport", delivery: "DeliveryReport") -> Summary:
    """The counters of both halves in one."""
    return Summary(
        fetched=fetched,
        accepted=delivery.accepted,
        dead_lettered=delivery.dead_lettered,
        retried=delivery.retried,
        possible_duplicates=delivery.possible_duplicates,
        bytes=fetch.received_bytes,
        decompressed_bytes=fetch.decompressed_bytes,
        pages=fetch.pages,
        requests_retried=fetch.retried,
        kinesis_records=delivery.kinesis_records,
        kinesis_requests=delivery.requests,
        fetch_seconds=fetch.fetch_seconds,
        put_seconds=delivery.put_seconds,
    )


def answer(summary: Summary, source_url: str) -> dict[str, object]:
    """The invocation's answer: status 200, and JSON with message, recordsProcessed and every counter."""
    body = {
        "message": "Data ingestion completed successfully",
        "recordsProcessed": summary.accepted,
        "sourceUrl": source_url,
        **summary.counters(),
    }
    return {"statusCode": 200, "body": msgspec.json.encode(body).decode()}
