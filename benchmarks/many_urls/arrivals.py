"""What has arrived on a stream of the records that many URLs answer."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.many_urls.sources import RECORDS_A_URL, Expected
from local_aws.servers.stream_records import lines_of_record

_LINE = re.compile(
    rb'\{"timestamp":"[^"]+","sourceUrl":"[^"]+/(?P<url>\d+)","id":"(?P<id>[0-9a-f]{32})","data":(?P<data>\{.*\})\}'
)


@dataclass
class Arrived:
    """What a stream has accepted of the records that the URLs answer.

    Args:
        counts: How often each record came, by its number.
        ids: The ids that it came with.
        foreign: Lines that are no record of the URL that they name, byte by byte.
    """

    counts: Counter[int]
    ids: set[tuple[int, bytes]]
    foreign: int

    @classmethod
    def of(cls, accepted: Iterable[bytes], expected: Expected) -> "Arrived":
        """Of the data of Kinesis records."""
        counts: Counter[int] = Counter()
        ids: set[tuple[int, bytes]] = set()
        foreign = 0
        for line in (line for data in accepted for line in lines_of_record(data).splitlines()):
            found = _LINE.fullmatch(line)
            number = expected.number_of(found["data"]) if found else None
            if found is None or number is None or number // RECORDS_A_URL != int(found["url"]):
                foreign += 1
                continue
            counts[number] += 1
            ids.add((number, found["id"]))
        return cls(counts, ids, foreign)

    @property
    def urls(self) -> set[int]:
        """The numbers of the URLs of which every record has come."""
        whole = Counter(number // RECORDS_A_URL for number in self.counts)
        return {number for number, records in whole.items() if records == RECORDS_A_URL}
