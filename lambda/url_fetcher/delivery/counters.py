"""The settings of the delivery, and its counters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from url_fetcher.settings_variables import SettingsVariables

_KIB = 1024


@dataclass(frozen=True)
class SinkSettings:
    """The settings by which records are put on the stream.

    The limits are of Kinesis (500 records and 5 MiB a request in every region and version of the
    service) and of Firehose, which takes records of at most 1,000 KiB.

    Args:
        packing: The content of a Kinesis record: many lines, many lines as a gzip member, or one line.
        pack_bytes: Target size of a Kinesis record, key included. A billed unit is 25 KB, which may mean
            25,000 bytes: 24 KiB are one unit in any case, 25 KiB may be two.
        partition_key_field: Field of the record whose value is the partition key; empty for random keys.
        request_bytes: Target size of a request before base64; smaller while the stream refuses.
        max_in_flight_bytes: Most bytes in flight, before base64.
        connections: Most requests in flight.
        first_pause_seconds: Upper bound of the first pause after a refusal.
        max_pause_seconds: Upper bound of every pause.
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
        """Takes the function's own settings; the rest are defaults and limits of the service."""
        return cls(
            packing=variables.packing,
            pack_bytes=variables.pack_kib * _KIB,
            partition_key_field=variables.partition_key_field,
        )


@dataclass
class DeliveryReport:
    """Counts what happened to the records; counts are of records unless stated otherwise.

    Args:
        accepted: Records in the stream.
        dead_lettered: Records stored as dead letters, or refused because no place is configured for them.
        retried: Records sent again, counted each time.
        possible_duplicates: Records sent again although the service may have accepted them before.
        bytes: Size of the accepted Kinesis records without their keys: the lines, or their gzip members.
        kinesis_records: Accepted Kinesis records.
        requests: All requests.
        refused_requests: Requests that failed, or in which a record was refused.
        put_seconds: Time in requests; that of requests in flight together is added up.
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
        """Adds one request: its content, and the part that must be sent again."""
        self.requests += 1
        self.accepted += sent.lines - refused.lines
        self.bytes += sent.data_bytes - refused.data_bytes
        self.kinesis_records += sent.entries - refused.entries
        self.refused_requests += bool(refused.entries)
        self.possible_duplicates += refused.lines if outcome_unknown else 0


@dataclass(frozen=True)
class Tally:
    """The totals of some entries: their number, their lines, and their bytes without and with keys."""

    entries: int
    lines: int
    data_bytes: int
    bytes: int
