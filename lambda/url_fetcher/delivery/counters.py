"""How records are delivered, and what became of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from url_fetcher.settings_variables import SettingsVariables

_KIB = 1024


@dataclass(frozen=True)
class SinkSettings:
    """How records are put on the stream.

    The limits are of Kinesis (500 records and 5 MiB a request in every region and version of the
    service) and of Firehose, which takes records of at most 1,000 KiB.

    Args:
        packing: What shares a Kinesis record: many lines, many lines as a gzip member, or nothing.
        pack_bytes: The size aimed at for one, key included. A billed unit is 25 KB, which may mean
            25,000 bytes: 24 KiB are one unit in any case, 25 KiB may be two.
        partition_key_field: The record's key that gives the partition key; empty for random ones.
        request_bytes: The size aimed at for a request, before base64; while the stream refuses, less.
        max_in_flight_bytes: How much may be on its way at once, before base64.
        connections: How many requests may be.
        first_pause_seconds: The bound of the first pause after a refusal.
        max_pause_seconds: The bound of every pause.
        max_request_records: The service's limit.
        max_request_bytes: The service's limit, keys included.
        max_record_bytes: The service's limit, key included.
    """

    packing: Literal["lines", "gzip", "none"] = "lines"
    pack_bytes: int = 24 * _KIB
    partition_key_field: str = ""
    request_bytes: int = 2 * 1024 * 1024
    max_in_flight_bytes: int = 8 * 1024 * 1024
    connections: int = 8
    first_pause_seconds: float = 0.05
    max_pause_seconds: float = 2.0
    max_request_records: int = 500
    max_request_bytes: int = 5 * 1024 * 1024
    max_record_bytes: int = 1000 * _KIB

    @classmethod
    def of(cls, variables: "SettingsVariables") -> "SinkSettings":
        """What the function's settings ask for; the rest is the service's limits and the defaults."""
        return cls(
            packing=variables.packing,
            pack_bytes=variables.pack_kib * _KIB,
            partition_key_field=variables.partition_key_field,
        )


@dataclass
class DeliveryReport:
    """What became of the records; counts are of records unless they say otherwise.

    Args:
        accepted: In the stream.
        dead_lettered: Kept as dead letters, or refused because there is no place for them.
        retried: Sent again, once for each time.
        possible_duplicates: Sent again although the service may have accepted them before.
        bytes: Of the accepted Kinesis records without their keys: the lines, or their gzip members.
        kinesis_records: Accepted records as the service counts them.
        requests: Requests made.
        refused_requests: Of these, those in which something was refused or that failed.
        put_seconds: Time in requests, summed over those under way at once.
    """

    accepted: int = 0
    dead_lettered: int = 0
    retried: int = 0
    possible_duplicates: int = 0
    bytes: int = 0
    kinesis_records: int = 0
    requests: int = 0
    refused_requests: int = 0
    put_seconds: float = 0.0

    def count(self, sent: "Tally", refused: "Tally", *, outcome_unknown: bool) -> None:
        """Add one request: what was in it and what of that has to be sent again."""
        self.requests += 1
        self.accepted += sent.lines - refused.lines
        self.bytes += sent.data_bytes - refused.data_bytes
        self.kinesis_records += sent.entries - refused.entries
        self.refused_requests += bool(refused.entries)
        self.possible_duplicates += refused.lines if outcome_unknown else 0


@dataclass(frozen=True)
class Tally:
    """How much some entries are: their number, their lines, and their bytes without and with keys."""

    entries: int
    lines: int
    data_bytes: int
    bytes: int
