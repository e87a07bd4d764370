"""What a million URLs cost through the queue: measured quantities at the list prices of docs/cost.md."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from benchmarks.measure import Figure
from benchmarks.url_account import UrlAccount
from ingestion_pipeline.resources.bill import COMPRESSION, GIB_MIB, MILLION, REQUESTS_PER_EVENT, RUN_LOG_KIB
from ingestion_pipeline.settings.file import read
from tools.docs.cost import price
from tools.ground.paths import ROOT

URLS_A_MESSAGE = 100
"""At most, and as many as a list becomes as long as they are within 64 KiB."""
FULL_PROCESSOR_MIB = 1_769
"""The memory with which a function has one processor; with less it has as much less of it:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
_SHARD_MIB_A_HOUR = 3_600


@dataclass(frozen=True)
class Quantities:
    """What a million URLs take.

    Args:
        messages: Of the work queue, each an invocation.
        seconds: Of the function, all invocations together.
        memory_mib: Its memory.
        units: PUT payload units of the stream.
        stream_mib: On the stream, and read by Firehose.
    """

    messages: int
    seconds: Decimal
    memory_mib: int
    units: Decimal
    stream_mib: Decimal

    @classmethod
    def of(cls, figure: Figure, account: UrlAccount, *, memory_mib: int) -> "Quantities":
        """From what was measured.

        Args:
            figure: Ours; its ``records`` are URLs.
            account: Says what a URL's records take on the stream.
            memory_mib: The function's; below ``FULL_PROCESSOR_MIB`` the CPU time takes longer.
        """
        slower = max(1.0, FULL_PROCESSOR_MIB / memory_mib)
        # What is not CPU is waiting, which takes the same time with any memory.
        a_url = (figure.seconds + figure.cpu_seconds * (slower - 1)) / figure.records
        return cls(
            messages=MILLION // URLS_A_MESSAGE,
            seconds=Decimal(a_url) * MILLION,
            memory_mib=memory_mib,
            units=Decimal(account.units) / account.sent * MILLION,
            stream_mib=Decimal(account.stream_mib) / account.sent * MILLION,
        )


LINES: Mapping[str, Callable[[Quantities], Decimal]] = {
    "SQS: requests": lambda use: use.messages * REQUESTS_PER_EVENT * price("queue_requests") / MILLION,
    "Lambda: invocations": lambda use: use.messages * price("requests") / MILLION,
    "Lambda: GB-seconds": lambda use: use.seconds * use.memory_mib / GIB_MIB * price("compute"),
    "Kinesis: puts": lambda use: use.units * price("units") / MILLION,
    "Kinesis: a shard, for the hours that it needs for them": lambda use: (
        math.ceil(use.stream_mib / _SHARD_MIB_A_HOUR) * price("shard")
    ),
    "Firehose": lambda use: use.stream_mib / GIB_MIB * price("firehose"),
    "S3: a month": lambda use: use.stream_mib / GIB_MIB / COMPRESSION * price("storage"),
    "CloudWatch: logs": lambda use: use.messages * Decimal(RUN_LOG_KIB) / 1024 / GIB_MIB * price("logs"),
}
"""What each service bills, in the order of the table."""


def function_memory_mib() -> int:
    """The function's memory in production, by pipeline.toml."""
    return read(ROOT / "pipeline.toml", "prod").function.memory_mib


def bill(use: Quantities) -> dict[str, Decimal]:
    """USD by line."""
    return {name: line(use) for name, line in LINES.items()}
