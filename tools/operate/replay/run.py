"""Replays several objects at once: reads each, puts its records on the stream, then moves it."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from tools.ground.text import count
from tools.operate.groups import Groups, without_numbers
from tools.operate.replay.listing import Found
from tools.operate.replay.objects import Content, Gone, Unreadable, move, read, spool
from tools.operate.replay.stored import CannotReplay, Replayable, documents
from url_fetcher.delivery.packing import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from url_fetcher.delivery.sink import Sink

OBJECTS_AT_ONCE = 8
MAX_LINE_BYTES = 8 * 1024 * 1024
"""Of a stored line: a record of 1,000 KiB takes six times that if every byte of it is escaped."""

BETWEEN_DOCUMENTS = re.compile(rb"\}[ \t]*\{")


@dataclass
class Replayed:
    """The result of a run; safe to add to from several threads.

    Attributes:
        objects: How many were looked at.
        moved: How many of them had records to put.
        lines: How many records were put; in a dry run, how many would be.
        stay: How many lines stay, by reason, without its numbers.
        unreadable: Objects that stay as a whole, each with the reason.
        found: All lines, by source and reason.
    """

    objects: int = 0
    moved: int = 0
    lines: int = 0
    stay: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    found: Groups = field(default_factory=Groups)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, lines: int, stay: Counter[str], found: Groups) -> None:
        """Count one object."""
        with self._lock:
            self.objects += 1
            self.moved += bool(lines)
            self.lines += lines
            self.stay += stay
            self.found.merge(found)

    def add_unreadable(self, key: str, reason: str) -> None:
        """Count one object that stays as a whole."""
        with self._lock:
            self.objects += 1
            self.unreadable[key] = reason


class Replay:
    """Puts what stored objects hold on the stream again.

    Args:
        s3: A client for some threads.
        bucket: The lake's.
        make_sink: Makes the way to the stream, one for each object.
        replayable: Says what of a line is put.
        dry_run: Whether to put and move nothing, only to count.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        *,
        make_sink: "Callable[[], Sink]",
        replayable: Replayable,
        dry_run: bool = False,
    ) -> None:
        self.done = Replayed()
        self._s3 = s3
        self._bucket = bucket
        self._make_sink = make_sink
        self._replayable = replayable
        self._dry_run = dry_run

    def run(self, objects: Iterable[Found], show: Callable[[str], None]) -> Replayed:
        """Replay every object, or stop at the first failure; what is under way is brought to its end.

        Raises:
            AwsError: When S3 refuses more than an object, or cannot be reached; nothing is lost.
            DeliveryError: When the stream does not take the records; nothing is lost.
        """
        with ThreadPoolExecutor(OBJECTS_AT_ONCE, thread_name_prefix="replay") as threads:
            under_way: set[Future[None]] = set()
            for found in objects:
                under_way.add(threads.submit(self._replay, found))
                if len(under_way) >= 2 * OBJECTS_AT_ONCE:
                    under_way = self._settle(under_way, threads)
                show(self._progress)
            while under_way:
                under_way = self._settle(under_way, threads)
                show(self._progress)
        return self.done

    @property
    def _progress(self) -> str:
        put = "" if self._dry_run else f", {count(self.done.lines, 'record')} put on the stream"
        return f"{count(self.done.objects, 'object')} read{put}"

    def _settle(self, under_way: set[Future[None]], threads: ThreadPoolExecutor) -> set[Future[None]]:
        """Waits until one has ended and returns the others; raises an error that one has raised."""
        ended, left = wait(under_way, return_when=FIRST_COMPLETED)
        try:
            for each in ended:
                each.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
        return left

    def _replay(self, found: Found) -> None:
        with suppress(Gone), spool() as file, spool() as remaining:
            try:
                content = read(self._s3, self._bucket, found, file)
            except Unreadable as error:
                self.done.add_unreadable(found.key, str(error))
                return
            groups = Groups()
            lines, stay = self._put(content, remaining, lambda line: self._note(line, found.key, groups))
            if lines and not self._dry_run:
                move(self._s3, self._bucket, found, content, remaining)
            self.done.add(lines, stay, groups)

    def _note(self, line: bytes, key: str, groups: Groups) -> None:
        source, reason, at, start = self._replayable.described(line)
        groups.add(source, reason, at=at, sample=(start, key))

    def _put(
        self, content: Content, remaining: IO[bytes], note: Callable[[bytes], None]
    ) -> tuple[int, Counter[str]]:
        """How many records the stream has accepted, and why lines stay. Those lines are in ``remaining``."""
        lines, stay = 0, Counter[str]()
        sink = self._make_sink()
        try:
            for line, is_whole in _documents(content.file):
                note(line)
                try:
                    if not is_whole:
                        raise CannotReplay(f"is over {MAX_LINE_BYTES} bytes")
                    made = self._replayable.of(line)
                except CannotReplay as error:
                    remaining.write(line)
                    stay[without_numbers(str(error))] += is_whole or line.endswith(b"\n")
                    continue
                if isinstance(made, Entry):
                    lines += made.lines
                    if not self._dry_run:
                        sink.put_as_it_is(made)
                else:
                    lines += len(made.records)
                    if not self._dry_run:
                        sink.put_again(made)
        finally:
            sink.close()
        return lines, stay


def _documents(file: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """As ``_lines``, but several documents on one line come one by one."""
    for line, is_whole in _lines(file):
        for each in documents(line) if is_whole and BETWEEN_DOCUMENTS.search(line) else (line,):
            yield each, is_whole


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether it is whole; one that is too long comes in pieces."""
    is_begun = True
    while line := file.readline(MAX_LINE_BYTES):
        is_ended = line.endswith(b"\n") or len(line) < MAX_LINE_BYTES
        if line.strip() or not (is_begun and is_ended):
            yield line, is_begun and is_ended
        is_begun = is_ended
