"""Turns the items of an event of many URLs into events of their own, or into messages of many items."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from url_fetcher.errors import ConfigurationError
from url_fetcher.intake.decoding import without_nulls
from url_fetcher.intake.event_kinds import EVENT_KINDS, EventKind
from url_fetcher.telling.redaction import public_url
from url_fetcher.work_queue.send import body_of

MAX_ITEMS = 10_000
MAX_MESSAGE_ITEMS = 100
MAX_MESSAGE_BYTES = 64 * 1024
"""SQS bills so many bytes as one request."""

_MAX_KEYS_BYTES = 16 * 1024
_MAX_SHOWN_CHARACTERS = 200
_TOO_DEEP = "the event: is nested too deeply"
_NOT_FOR_ALL = ("url", "source", "resume", *(kind.key for kind in EVENT_KINDS[::-1]))
_NOT_IN_ITEMS = ("source", *(key for kind in EVENT_KINDS for key in kind.keys))


def keys_for_all(event: Mapping[str, Any], kind: EventKind) -> dict[str, Any]:
    """Returns the keys of a source that apply to all URLs of an event of this kind.

    Raises:
        ConfigurationError: When a key cannot apply to all URLs, or they are too long; not retryable.
    """
    given = {key: event[key] for key in event if key not in kind.keys}
    size = _size_of(given)
    try:
        keys: dict[str, Any] = without_nulls(given)
    except RecursionError as error:
        raise ConfigurationError(_TOO_DEEP) from error
    if found := [key for key in _NOT_FOR_ALL if key in keys]:
        raise ConfigurationError(
            f"the event: has {kind.key} together with {', '.join(found)}; beside the URLs "
            "it may have the keys of a source that hold for all of them"
        )
    if size > _MAX_KEYS_BYTES:
        raise ConfigurationError(
            f"the event: the keys for all URLs are {size} bytes; {_MAX_KEYS_BYTES} are allowed, because "
            "every message repeats them: configure less or send the sources one by one"
        )
    return keys


def items_of(urls: object) -> list[Any]:
    """Returns the items of ``urls`` unchanged.

    Raises:
        ConfigurationError: When it is no list, empty, or too long; not retryable.
    """
    if not isinstance(urls, list):
        raise ConfigurationError(
            f"the event: urls is {type(urls).__name__}; give a list of URLs or of objects with `url`"
        )
    if not 0 < len(urls) <= MAX_ITEMS:
        raise ConfigurationError(
            f"the event: urls has {len(urls)} items; 1 to {MAX_ITEMS} are allowed in one event; put more "
            "into an object and give its address as `urls_from`"
        )
    _size_of(urls)
    return urls


def item_event(keys: Mapping[str, Any], item: object) -> dict[str, Any]:
    """Returns the event for one item.

    Raises:
        ConfigurationError: When it is neither a URL nor an object with one; not retryable.
    """
    if isinstance(item, str):
        return {**keys, "url": item}
    if not isinstance(item, dict):
        raise ConfigurationError(
            f"an item of urls is {type(item).__name__}; give a URL or an object with `url`"
        )
    if found := [key for key in _NOT_IN_ITEMS if item.get(key) is not None]:
        raise ConfigurationError(
            f"an item of urls has {', '.join(found)}; it may have `url` and the other keys of a source"
        )
    if item.get("url") is None:
        raise ConfigurationError("an item of urls has no `url`; give a URL or an object with `url`")
    return {**keys, **item}


def single_item_event(keys: Mapping[str, Any], item: object) -> dict[str, Any]:
    """Returns an event that fetches this item alone, as its event of many URLs would have.

    An item with a ``rate`` stays in an event of ``urls``, because only there the rate applies to all
    invocations together. So does an item that is not valid, which alone could be another kind of event.
    """
    try:
        event = item_event(keys, item)
    except ConfigurationError:
        return {**keys, "urls": [item]}
    return {**keys, "urls": [item]} if event.get("rate") else event


def _size_of(value: object) -> int:
    """Returns the length of a value as JSON.

    Raises:
        ConfigurationError: When no message can hold it; not retryable.
    """
    try:
        return len(body_of(value))
    except RecursionError as error:
        raise ConfigurationError(_TOO_DEEP) from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"the event: is not JSON in UTF-8: {type(error).__name__}") from error


def shown(item: object) -> str:
    """Returns an item's URL for a log line or an error, shortened and without secrets."""
    url = item.get("url") if isinstance(item, dict) else item
    return public_url(url)[:_MAX_SHOWN_CHARACTERS] if isinstance(url, str) else type(url).__name__


def messages_of(keys: Mapping[str, Any], items: Iterable[object]) -> Iterator[str]:
    """Yields the bodies of messages with all items."""
    filler = MessageFiller(keys)
    for item in items:
        yield from filler.add(item)
    yield from filler.flush()


class MessageFiller:
    """Gathers items into the bodies of messages: up to 100 items and 64 KiB, but at least one item.

    Args:
        keys: The keys that apply to all items.
    """

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._keys = keys
        self._room = MAX_MESSAGE_BYTES - len(body_of({**keys, "urls": []}).encode())
        self._items: list[object] = []
        self._size = 0

    def add(self, item: object) -> list[str]:
        """Adds an item. Returns the message before it, if the item does not fit into that one."""
        size = len(body_of(item).encode()) + 1
        is_full = len(self._items) == MAX_MESSAGE_ITEMS or self._size + size > self._room
        full = self.flush() if is_full else []
        self._items.append(item)
        self._size += size
        return full

    def flush(self) -> list[str]:
        """Returns the message that is not full; none without items."""
        made = [body_of({**self._keys, "urls": self._items})] if self._items else []
        self._items, self._size = [], 0
        return made
