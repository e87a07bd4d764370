"""Cuts the list in S3 that ``urls_from`` names into messages of many URLs each."""

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from url_fetcher.errors import ConfigurationError
from url_fetcher.intake.event import UNCONFIGURED, source_name_in
from url_fetcher.intake.event_kinds import LIST
from url_fetcher.many_urls.lines import MAX_LINE_BYTES, Line, LineCutter
from url_fetcher.many_urls.list_object import ListObject, refuse_other_forms, refuse_other_places
from url_fetcher.many_urls.url_items import MessageFiller, item_event, keys_for_all, single_item_event
from url_fetcher.work_queue.send import DeadLetter, Outgoing, WorkQueue, body_of

if TYPE_CHECKING:
    from url_fetcher.task import Given

_WORK_SHARE = 0.8
_MAX_WAITING = 40
_SHOWN_BYTES = 1024
_URL = re.compile(r"https?://.", re.IGNORECASE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Place(msgspec.Struct, forbid_unknown_fields=True):
    """The place in a list from which an event that was sent on continues."""

    offset: int = 0
    etag: str = ""
    in_line: bool = False


class ListTask:
    """Sends the URLs of a list to the work queue; when time runs out, it sends an event for the rest.

    An event without an ETag is sent on at once with that of the list, which all attempts then read.

    Args:
        given: An event with ``urls_from``, and keys of a source for all URLs.
    """

    name = "list"
    metrics_source = UNCONFIGURED
    counted_later = ()

    def __init__(self, given: "Given") -> None:
        self._event = given.event
        self.source_name = source_name_in(given.event)
        self._assembly = assembly = given.assembly
        environment = assembly.environment
        deadline = given.deadlines.delivering
        self._stops_at = time.monotonic() + _WORK_SHARE * deadline.remaining
        self._deadline = deadline
        self._queue = WorkQueue(
            lambda: assembly.clients.sqs,
            url=environment.own_queue_url,
            dead_letter_url=environment.dead_letter_queue_url,
            deadline=deadline,
        )
        self._keys: dict[str, Any] = {}
        self._outgoing: list[str] = []
        self._dead_letters: list[DeadLetter] = []
        self._counts = {"urls_listed": 0, "urls_failed": 0, "messages": 0, "list_bytes": 0}
        self._is_done = False

    def begin(self) -> Mapping[str, object]:
        """As ``Task``'s."""
        event, environment = self._event, self._assembly.environment
        if not environment.own_queue_url or not environment.dead_letter_queue_url:
            raise ConfigurationError(
                "the event: urls_from needs the work queue, which is not consumed: set queue.enabled = true "
                "and deploy again"
            )
        refuse_other_places(event["urls_from"], allowed=environment.lists_uri)
        self._keys = keys_for_all(event, LIST)
        self._place = _place_of(event)
        self._packing = MessageFiller(self._keys)
        return {"urls_from": event["urls_from"], "offset": self._place.offset}

    def run(self) -> Mapping[str, object]:
        """As ``Task``'s."""
        begun = self._place
        cutter = LineCutter(begun.offset, in_line=begun.in_line)
        found = ListObject(
            lambda: self._assembly.clients.s3,
            self._event["urls_from"],
            etag=begun.etag,
            deadline=self._deadline,
        )
        self._is_done = self._cut(found, cutter)
        self._counts["list_bytes"] = cutter.offset - begun.offset
        self._outgoing += self._packing.flush()
        self._flush()
        if not self._is_done:
            self._send_on(cutter, found.etag)
        return {"urls_from": self._event["urls_from"], "offset": cutter.offset, "done": self._is_done}

    def counters(self) -> dict[str, int | float]:
        """As ``Task``'s."""
        return {**self._counts}

    def metrics(self, *, failed: bool) -> dict[str, int]:
        """As ``Task``'s: ``urls_listed`` are those that were sent."""
        counts = {name: self._counts[name] for name in ("urls_listed", "urls_failed")} | {
            "failed": int(failed)
        }
        return {"accepted": 0} | {name: count for name, count in counts.items() if count}

    def answer(self) -> dict[str, object]:
        """As ``Task``'s."""
        rest = "" if self._is_done else "; the rest of the list follows"
        message = f"{self._counts['urls_listed']} URLs sent to the work queue{rest}"
        return {"message": message, "recordsProcessed": 0, **self._counts}

    def _cut(self, found: ListObject, cutter: LineCutter) -> bool:
        """Sends URLs until the list or the time ends. Returns True at the end of the list."""
        while piece := found.piece(cutter.position):
            if cutter.position == 0:
                refuse_other_forms(piece)
            # Without the ETag a retry could read another list, and the rest of this one would be lost.
            if not self._place.etag:
                return False
            for line in cutter.feed(piece):
                self._take(line)
                if self._flush_if_full() and self._is_late:
                    return False
            # A piece without a whole line made no progress, so an event for the rest would repeat itself.
            if cutter.offset > self._place.offset and self._is_late:
                return False
        for line in cutter.finish():
            self._take(line)
        return True

    @property
    def _is_late(self) -> bool:
        return time.monotonic() >= self._stops_at

    def _take(self, line: Line) -> None:
        """Puts the URL of a line into a message; a line without a URL becomes a dead letter."""
        try:
            item = _item_of(line)
            if item is None:
                return
            item_event(self._keys, item)
        except ConfigurationError as error:
            self._counts["urls_failed"] += 1
            self._dead_letters.append(
                DeadLetter(body_of(single_item_event(self._keys, _as_it_is(line))), error)
            )
            return
        self._counts["urls_listed"] += 1
        self._outgoing += self._packing.add(item)

    def _flush_if_full(self) -> bool:
        if len(self._outgoing) + len(self._dead_letters) < _MAX_WAITING:
            return False
        self._flush()
        return True

    def _flush(self) -> None:
        """Sends the messages and dead letters that wait."""
        self._queue.send(Outgoing(body) for body in self._outgoing)
        self._queue.send_dead_letters(self._dead_letters, request_id=self._assembly.log.request_id)
        self._counts["messages"] += len(self._outgoing)
        self._outgoing, self._dead_letters = [], []

    def _send_on(self, cutter: LineCutter, etag: str) -> None:
        """Sends an event by which another invocation continues the list."""
        place = {"offset": cutter.offset, "etag": etag, "in_line": cutter.in_line}
        event = {**self._keys, "urls_from": self._event["urls_from"], **place}
        self._queue.send([Outgoing(body_of(event))])


def _place_of(event: Mapping[str, Any]) -> _Place:
    """Returns the place at which an event begins.

    Raises:
        ConfigurationError: When the keys do not fit together; not retryable.
    """
    given = {key: event[key] for key in LIST.own_keys if event.get(key) is not None}
    try:
        place = msgspec.convert(given, _Place)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the event: {error}; leave out offset, etag and in_line") from error
    if place.offset < 0 or (place.offset and not place.etag):
        raise ConfigurationError(
            "the event: offset needs the etag of the list, as the function sends both on; leave out both to "
            "begin at the start"
        )
    return place


def _item_of(line: Line) -> object:
    """Returns the item on a line; None for a blank line.

    Raises:
        ConfigurationError: When it is neither a URL nor a JSON object; not retryable.
    """
    if line.is_too_long:
        raise ConfigurationError(
            f"the line at byte {line.start} of the list is over {MAX_LINE_BYTES} bytes; shorten it"
        )
    try:
        text = _without_mark(line).decode().strip()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the line at byte {line.start} of the list is not UTF-8") from error
    if text.startswith("{"):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ConfigurationError(
                f"the line at byte {line.start} of the list is not JSON: {error}"
            ) from error
    if text and not _URL.match(text):
        raise ConfigurationError(
            f"the line at byte {line.start} of the list is neither a URL that begins with https:// nor a "
            "JSON object"
        )
    return text or None


def _as_it_is(line: Line) -> object:
    """Returns the item for the dead letter of a line: its object or its text.

    A line that is too long or not UTF-8 might be another URL if it were cut or repaired. So it becomes an
    object without `url`, which nothing fetches.
    """
    try:
        text = _without_mark(line).decode().strip()
    except UnicodeDecodeError:
        text = ""
    if line.is_too_long or not text:
        shown = line.data[:_SHOWN_BYTES].decode(errors="backslashreplace")
        return {"line": shown, "offset": line.start, "truncated": len(line.data) > _SHOWN_BYTES}
    try:
        return msgspec.json.decode(text) if text.startswith("{") else text
    except (msgspec.DecodeError, RecursionError):
        return text


def _without_mark(line: Line) -> bytes:
    return line.data.removeprefix(_BYTE_ORDER_MARK) if line.start == 0 else line.data
