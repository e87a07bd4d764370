"""Reads one source into the stream, page by page, and counts everything."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import xxhash

from url_fetcher.delivery.envelope import Origin
from url_fetcher.delivery.holding import MAX_HELD_BYTES, Holding
from url_fetcher.errors import (
    DeadlineExceeded,
    DeliveryError,
    IngestionError,
    LimitExceeded,
    MalformedBody,
    SourceRejected,
    SourceTimeout,
    SourceUnavailable,
)
from url_fetcher.formats.detect import open_splitter
from url_fetcher.formats.splitter import Rejected, Splitter, split
from url_fetcher.parents import OfParent, Parents, TakesRecords
from url_fetcher.paths import described
from url_fetcher.source.children import Parent
from url_fetcher.source.identity import identity_of
from url_fetcher.source.refusal import Refusal, sign_of_error
from url_fetcher.source.schema import Source
from url_fetcher.source.verdict import Answer, found, one_object, refuse_failed, shown
from url_fetcher.summary import Summary, summarize
from url_fetcher.telling.redaction import Redactor, public_url, secrets_in

if TYPE_CHECKING:
    from url_fetcher.deadline import Deadline
    from url_fetcher.source.reader import Page, SourceReader

_KIB = 1024
_MAX_ERROR_BYTES = 8_192
_GONE = frozenset({404, 410})
"""The status of a parent without children, which is a dead letter and no reason to end the run."""


class Ingestion:
    """Reads a source to its end and puts its records on the stream.

    Args:
        source: The source's settings.
        reader: Yields its pages.
        sink: A ``Sink``, or a replacement for it; closed at the end in any case.
        deadline: The end of fetching; tells a slow source from an invocation without time.
        redactor: Knows the secrets that no message may show.
    """

    def __init__(
        self,
        source: Source,
        *,
        reader: "SourceReader",
        sink: TakesRecords,
        deadline: "Deadline",
        redactor: Redactor,
    ) -> None:
        self.source_url = public_url(reader.url)
        self._identity = identity_of(self.source_url)
        self._source = source
        self._reader = reader
        self._sink = sink
        self._deadline = deadline
        self._redactor = redactor
        self._fetched = 0
        self._parents = Parents(source.children, reader.parents_done) if source.children else None
        self._shape = ""
        # Read once: a source may have a million pages.
        self._outside_settings = source.outside_settings
        conditions = (*source.fail_when, *source.retry_when, *source.empty_when)
        # True if a condition may say, after the records were read, that they are an error or no records.
        self._may_fail = any(each.reads_page for each in conditions)
        self._may_be_error = not (source.record_path or conditions)

    @property
    def summary(self) -> Summary:
        """The counters so far; final after ``run``, also if that raised."""
        return summarize(self._fetched, self._reader.report, self._sink.report)

    def run(self) -> None:
        """Ingests the source; records that were put before an error are delivered and counted.

        Raises:
            IngestionError: Of any kind; its details say what was accepted, which page it was and, for
                a source of several pages, where to go on.
        """
        try:
            with closing(self._sink):
                for page in self._reader.pages():
                    self._deliver(page)
                    if self._parents:
                        self._read_children(self._parents)
        except IngestionError as error:
            explained = self._explained(error)
            if explained is error:
                raise
            raise explained from error

    def _explained(self, error: IngestionError) -> IngestionError:
        """The error with what was done before it and where to go on."""
        if isinstance(error, SourceTimeout) and self._deadline.passed:
            error = DeadlineExceeded(f"the invocation's time is up: {error}", **error.details)
        facts: dict[str, str | int | float | bool | None] = {
            "source_url": self.source_url,
            "page": self._reader.pages_read + 1,
        }
        message = str(error)
        # A failed delivery may lack records of the pages before this one.
        if not isinstance(error, DeliveryError) and (resume := self._resume()):
            facts["resume"] = resume
            message += f'; go on with "resume": {resume}'
        facts |= {"fetched": self._fetched, "accepted": self._sink.report.accepted}
        error.details = facts | error.details
        error.args = (message,)
        return error

    def _resume(self) -> str:
        """The `resume` for an event to go on at this page, as JSON; empty on page 1 or if it has a secret."""
        resume = self._reader.resume
        if parents := self._parents and self._parents.done:
            resume = msgspec.structs.replace(resume, parents=parents)
        if resume.url:
            resume = msgspec.structs.replace(resume, url=self._source.auth.without_secret(resume.url))
        if (self._reader.pages_read == 0 and not resume.parents) or public_url(resume.url) != resume.url:
            return ""
        text = msgspec.json.encode(resume).decode()
        return text if self._redactor.clean(text) == text else ""

    def _read_children(self, parents: Parents) -> None:
        """Asks for the children of each parent of the page, which was read to its end.

        Raises:
            IngestionError: As ``run``, with the URL of the child request in its details.
        """
        source = self._source.child
        if source is None:
            return
        # A condition that the user has set for such a status counts more.
        gone = _GONE - {condition.status for condition in source.fail_when}
        for parent, timestamp in parents.take():
            origin = Origin(source_url=self.source_url, timestamp=timestamp, identity=self._identity)
            try:
                reader = self._reader.of_child(source, parent.values)
            except (LimitExceeded, MalformedBody) as error:
                self._reject_parent(origin, parent.fields, f"no child request: {error}")
                continue
            try:
                self._read_child(source, reader, parent)
            except IngestionError as error:
                if not isinstance(error, SourceRejected) or error.details.get("status") not in gone:
                    self._redactor.learn(*secrets_in(reader.url))
                    raise
                self._reject_parent(origin, parent.fields, str(error))

    def _read_child(self, source: Source, reader: "SourceReader", parent: Parent) -> None:
        """Delivers the children of one parent."""
        # Forgotten with the parent: each may have a secret of its own in the URL.
        redactor = Redactor(self._redactor)
        redactor.learn(*secrets_in(reader.url))
        child = Ingestion(
            source,
            reader=reader,
            sink=OfParent(self._sink, parent),
            deadline=self._deadline,
            redactor=redactor,
        )
        child._fetched = self._fetched
        report = self._reader.report
        report.parents += 1
        requests = report.requests
        try:
            for page in reader.pages():
                child._deliver(page)
        except IngestionError as error:
            error.args = (redactor.clean(str(error)),)
            error.details["child_url"] = child.source_url
            raise
        finally:
            self._fetched = child._fetched
            report.child_requests += report.requests - requests

    def _reject_parent(self, origin: Origin, data: bytes, reason: str) -> None:
        self._fetched += 1
        self._sink.reject(origin, Rejected(data, reason, 0, is_record=False))

    def _deliver(self, page: "Page") -> None:
        """Puts the records of one page."""
        limits = self._source.limits
        origin = Origin(source_url=self.source_url, timestamp=page.timestamp, identity=self._identity)
        splitter = open_splitter(
            self._source.format,
            record_path=self._source.record_path,
            records_optional=self._source.records_optional,
            outside_settings=self._outside_settings,
            csv=self._source.csv,
            max_record_bytes=limits.max_record_kib * _KIB,
            max_nesting=limits.max_nesting,
            content_type=page.content_type,
            url=self._source.url,
        )
        is_held = self._may_fail or page.is_one_of_many
        holding = Holding(partial(self._put, origin), max_bytes=MAX_HELD_BYTES if is_held else 0)
        seen = _SeenRecords(is_digested=page.is_one_of_many)
        try:
            for records, rejected in split(page.chunks, splitter):
                record_bytes = seen.note(records, rejected)
                if not self._shape or self._is_as_before(splitter.shape):
                    holding.add(records, rejected, record_bytes=record_bytes)
        except IngestionError as error:
            if not self._may_fail:
                holding.release()
                raise
            # An answer without its records may say why.
            said = splitter.outside() if isinstance(error, MalformedBody) else None
            if self._is_refused(page, said, holding):
                return
            if not self._is_empty(page, said):
                raise
        self._accept(page, splitter, seen, holding)

    def _accept(self, page: "Page", splitter: Splitter, seen: "_SeenRecords", holding: Holding) -> None:
        """Puts the records that are held of a page, unless it is an error or came before."""
        outside, shape = splitter.outside(), splitter.shape
        is_as_before = self._is_as_before(shape)
        about = outside
        if outside is None and (self._may_fail or not is_as_before):
            about = one_object(shape, seen.first)
        if self._is_refused(page, about, holding):
            return
        if about is not outside and self._is_empty(page, about):
            page.finish(records=0, outside=about)
            return
        if not is_as_before:
            raise self._another_shape(shape if about is outside else described(about))
        if self._may_be_error and not self._shape:
            self._warn_of_error(shape, seen.first)
        self._shape = self._shape or shape
        if not page.is_repeat(seen.digest):
            holding.release()
        page.finish(records=seen.records, outside=outside, last=seen.last, digest=seen.digest)

    def _warn_of_error(self, shape: str, records: Sequence[bytes]) -> None:
        """Warns if the first page is one object that looks like an error, although its status is good."""
        if len(records) != 1 or len(records[0]) > _MAX_ERROR_BYTES:
            return
        if key := sign_of_error(one_object(shape, records)):
            said = shown(Refusal(records[0]).message, self._redactor.clean)
            self._reader.warn(
                f"the only record looks like an error of the source, and is ingested: {said}; if it is one, "
                f'set `fail_when`, such as [{{ path = "{key}", exists = true }}]'
            )

    def _is_empty(self, page: "Page", said: object) -> bool:
        """True if an answer without its records means, by what stands in it, that there are none."""
        return said is not None and bool(found(Answer(page.status, said), self._source.empty_when))

    def _is_as_before(self, shape: str) -> bool:
        """True unless a page is something else than the pages that were accepted before it."""
        return not self._shape or shape in ("", self._shape)

    def _another_shape(self, shape: str) -> MalformedBody:
        """The error for a page that is something else than the pages before it, such as a message."""
        return MalformedBody(
            f"the page's records are {shape}, those of the pages before it {self._shape}: it may be an error "
            "that the source sends with a good status; nothing of it was ingested; tell such an answer by "
            "`retry_when` or `fail_when`"
        )

    def _is_refused(self, page: "Page", outside: object, holding: Holding) -> bool:
        """True if the page is an error, so that it is requested again; then no record of it was put.

        Raises:
            SourceRejected: When the error is permanent; not retryable.
            SourceUnavailable: When it is temporary, but some records were put already; retryable.
        """
        if outside is None:
            return False
        try:
            refuse_failed(
                Answer(page.status, outside),
                retry_when=self._source.retry_when,
                fail_when=self._source.fail_when,
                url=self.source_url,
                clean=self._redactor.clean,
            )
        except SourceUnavailable as failure:
            if holding.has_put:
                raise
            page.refuse(failure)
            return True
        return False

    def _put(self, origin: Origin, records: Sequence[bytes], rejected: Sequence[Rejected]) -> None:
        """Puts records and rejects bad ones, up to the source's limit."""
        limit = self._source.limits.max_records
        left = max(0, limit - self._fetched)
        if self._parents:
            rejected = [
                each._replace(reason=f"{each.reason}; its children were not asked for") for each in rejected
            ]
            for record, reason in self._parents.note(records[:left], origin.timestamp):
                self._reject_parent(origin, record, reason)
            if not self._parents.are_delivered:
                records = ()
        self._sink.put(origin, records[:left] if len(records) > left else records)
        self._fetched += min(len(records), left)
        for each in rejected[: max(0, limit - self._fetched)]:
            self._fetched += 1
            self._sink.reject(origin, each)
        if len(records) + len(rejected) > left:
            raise LimitExceeded(
                f"the source has more records than limits.max_records = {limit}; raise it", max_records=limit
            )


class _SeenRecords:
    """The records of a page: their number, their digest, the first two, and the last one.

    Args:
        is_digested: False if no digest is needed.
    """

    def __init__(self, *, is_digested: bool) -> None:
        self.records = 0
        self.first: list[bytes] = []
        self._is_digested = is_digested
        self._record = self._rejected = b""
        # Two digests: which rejected records come with which others depends on where chunks end.
        self._digest, self._digest_of_rejected = xxhash.xxh3_64(), xxhash.xxh3_64()

    @property
    def last(self) -> bytes:
        """The last that the stream can take, or else the last rejected one that is whole; empty if none."""
        return bytes(self._record) or self._rejected

    @property
    def digest(self) -> int:
        """The digest of the records and their number; 0 if there is none."""
        if not self._is_digested or not self.records:
            return 0
        parts = (self._digest.digest(), self._digest_of_rejected.digest(), self.records.to_bytes(8))
        return xxhash.xxh3_64_intdigest(b"".join(parts))

    def note(self, records: Sequence[bytes], rejected: Sequence[Rejected]) -> int | None:
        """Notes the next records. Returns their bytes without the rejected ones; None if not counted."""
        if len(self.first) < 2:
            self.first += map(bytes, records[: 2 - len(self.first)])
        self.records += len(records) + len(rejected)
        if records:
            self._record = records[-1]
        if rejected and not rejected[-1].total_bytes:
            self._rejected = rejected[-1].data
        if not self._is_digested:
            return None
        for each in rejected:
            self._digest_of_rejected.update(each.data)
        if not records:
            return 0
        joined = b"\n".join(records)
        self._digest.update(joined)
        self._digest.update(b"\n")
        return len(joined) - len(records) + 1
