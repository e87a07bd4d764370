"""The report of a probe: its findings in words, then the block."""

import re
from collections.abc import Callable, Iterator, Sequence

from tools.ground.text import one_line
from tools.probe.block import toml_block
from tools.probe.client import MAX_MIB, MAX_REQUESTS, Spent
from tools.probe.fields import courses_of, fields_of
from tools.probe.look import Look

_LIMITS = re.compile(r"rate-?limit|^retry-after$|call-limit|limit-info", re.IGNORECASE)
_MAX_FIELDS = 40


def report(
    found: Look, spent: Spent, doubts: Sequence[str] = (), write: Callable[..., str] = toml_block
) -> str:
    """Returns the report; its last part is the block, as ``write`` writes it."""
    verb = "DOES" if found.is_sure else "MAY"
    more = [f"THIS BLOCK {verb} NOT READ EVERYTHING: {found.more}"] if found.more else []
    return "\n".join(
        [*map(one_line, _lines(found, spent)), "", write(found.settings, [*more, *doubts, *found.doubts])]
    )


def _lines(found: Look, spent: Spent) -> Iterator[str]:
    answer, shape = found.answer, found.shape
    pages = found.pages or [found.first]
    records = [value for page in pages for value in page.values]
    kib = answer.received_bytes / 1024
    yield f"format       {shape.format}{f' {shape.csv}' if shape.csv else ''}"
    more, count = " and more" if answer.is_cut else "", len(found.first.records)
    yield f"size         {kib:.1f} KiB{more}, {count} records in the first page"
    for number, place in enumerate(shape.places[:8]):
        yield f"{'records' if not number else '':12} {place.path or '(the body)'}: {place.count}"
    yield f"pages        {found.how}"
    for check in found.checks:
        yield f"check        {check}"
    if found.more:
        verb = "has" if found.is_sure else "may have"
        yield f"MORE         the source {verb} more than this block reads: {found.more}"
    courses = courses_of(records)
    for course in courses:
        yield f"{course.direction:12} {course.path} ({course.kind})"
    if not courses:
        yield "order        no time and no id that only grows or only falls"
    for name, value in answer.headers.items():
        if _LIMITS.search(name):
            yield f"limit        {name}: {value}"
    received = f"{spent.received_bytes / 1024:.1f} KiB of {MAX_MIB} MiB"
    yield f"requests     {spent.requests} of {MAX_REQUESTS}, {received}"
    yield ""
    yield from _table(records)


def _table(records: Sequence[object]) -> Iterator[str]:
    fields = fields_of(records)
    width = max((len(each.path) for each in fields[:_MAX_FIELDS]), default=0)
    for each in fields[:_MAX_FIELDS]:
        rest = "" if each.present == len(records) else f"   in {each.present} of {len(records)}"
        yield f"  {each.path:{width}}  {', '.join(each.types)}{rest}"
    if len(fields) > _MAX_FIELDS:
        yield f"  … and {len(fields) - _MAX_FIELDS} more fields"
