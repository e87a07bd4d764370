"""Counts the work of one ingestion for the answer, the log line and the metrics."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from url_fetcher.delivery.sink import DeliveryReport
    from url_fetcher.source.exchange import FetchReport


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of one ingestion.

    ``fetched`` are the records found in the source; each is accepted, dead-lettered or, when the
    ingestion failed, neither. ``retried`` are records sent to the stream again, ``requests_retried``
    requests to the source. ``warnings`` are signs that the source has more pages than were read, or
    that its only record is an error. ``parents`` are the records whose children were asked for, with
    ``child_requests``. ``bytes`` are those received, ``decompressed_bytes`` what they held,
    ``kinesis_bytes`` those of the accepted Kinesis records without their keys, compressed if the
    packing compresses.
    """

    fetched: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    retried: int = 0
    possible_duplicates: int = 0
    bytes: int = 0
    decompressed_bytes: int = 0
    pages: int = 0
    requests_retried: int = 0
    warnings: int = 0
    parents: int = 0
    child_requests: int = 0
    kinesis_records: int = 0
    kinesis_bytes: int = 0
    kinesis_requests: int = 0
    fetch_seconds: float = 0.0
    put_seconds: float = 0.0

    def counters(self) -> dict[str, int | float]:
        """Each counter by name, seconds to the millisecond."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in msgspec.structs.asdict(self).items()
        }

    def metrics(self, *, failed: bool) -> dict[str, int]:
        """The metrics of one ingestion, which CloudWatch counts by source.

        ``accepted`` is always there, so that its number of samples is the number of invocations and a
        source without records shows; the others are left out while they are zero, because a metric is
        billed only for the hours in which it is sent. Alarms on them treat missing data as good.

        Args:
            failed: True if the invocation ended with an error.
        """
        counts = {
            "failed": int(failed),
            "dead_lettered": self.dead_lettered,
            "requests_retried": self.requests_retried,
            "warnings": self.warnings,
        }
        return {"accepted": self.accepted, **{name: count for name, count in counts.items() if count}}


NOTHING_DONE = Summary()
"""The counters of an invocation that failed before it asked a source."""


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
        warnings=fetch.warnings,
        parents=fetch.parents,
        child_requests=fetch.child_requests,
        kinesis_records=delivery.kinesis_records,
        kinesis_bytes=delivery.bytes,
        kinesis_requests=delivery.requests,
        fetch_seconds=fetch.fetch_seconds,
        put_seconds=delivery.put_seconds,
    )


def summed(parts: Iterable[Summary], delivery: "DeliveryReport") -> Summary:
    """The counters of many ingestions in one, which had one way to the stream."""
    names = (
        "fetched",
        "bytes",
        "decompressed_bytes",
        "pages",
        "requests_retried",
        "warnings",
        "parents",
        "child_requests",
        "fetch_seconds",
    )
    done = list(parts)
    totals = {name: sum(getattr(each, name) for each in done) for name in names}
    return Summary(
        accepted=delivery.accepted,
        dead_lettered=delivery.dead_lettered,
        retried=delivery.retried,
        possible_duplicates=delivery.possible_duplicates,
        kinesis_records=delivery.kinesis_records,
        kinesis_bytes=delivery.bytes,
        kinesis_requests=delivery.requests,
        put_seconds=delivery.put_seconds,
        **totals,
    )
