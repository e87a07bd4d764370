"""Which objects to replay: those below some prefixes, of some hours."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from tools.ground.aws import explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOUR_FOLDERS = re.compile(r"year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/")
HOUR, INSTANT = timedelta(hours=1), timedelta(microseconds=1)


class Found(NamedTuple):
    """An object; the ETag tells this version of it from others."""

    key: str
    etag: str
    size: int


class Span(NamedTuple):
    """A span of time, in UTC; None where it is open. It begins with ``start`` and ends before ``end``."""

    start: datetime | None = None
    end: datetime | None = None

    def has(self, key: str, modified: datetime) -> bool:
        """Whether an object belongs to it: by the hour in its key, or when it was written if it has none."""
        found = HOUR_FOLDERS.search(key)
        try:
            begun = _hour(*map(int, found.groups())) if found else modified
        except ValueError:
            found, begun = None, modified
        last = begun + (HOUR - INSTANT if found else timedelta())
        return (self.start is None or last >= self.start) and (self.end is None or begun < self.end)


def _hour(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def instant(text: str) -> datetime:
    """The time that ISO 8601 text names; UTC if it names no zone, midnight if it has only a date.

    Raises:
        ValueError: When it is anything else.
    """
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def objects(s3: "S3Client", bucket: str, prefixes: Sequence[str], span: Span) -> Iterator[Found]:
    """The objects, each prefix in the order of its keys, listed while they are taken.

    Raises:
        AwsError: When AWS refuses or cannot be reached.
    """
    for prefix in prefixes:
        pages = iter(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
        while True:
            with explained():
                page = next(pages, None)
            if page is None:
                break
            for each in page.get("Contents", []):
                if span.has(each["Key"], each["LastModified"]):
                    yield Found(each["Key"], each["ETag"], each["Size"])
