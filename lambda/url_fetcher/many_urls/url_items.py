"""The items of an event of many URLs: each one an event of its own, and many in one message."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from url_fetcher.errors import ConfigurationError
from url_fetcher.intake.decoding import without_nulls
from url_fetcher.intake.event_kinds import EVENT_KINDS
from url_fetcher.telling.redaction import public_url
from url_fetcher.work_queue.send import body_of

MAX_ITEMS = 10_000
MAX_MESSAGE_ITEMS = 100
MAX_MESSAGE_BYTES = 64 * 1024
"""What SQS bills as one request."""

_MAX_KEYS_BYTES = 16 * 1024
_MAX_SHOWN_CHARACTERS = 200
_TOO_DEEP = "the event: is nested too deeply"
_NOT_FOR_ALL = ("url", "source", "resume", *(kind.key for kind in EVENT_KINDS[::-1]))
_NOT_IN_ITEMS = ("source", *(key for kind in EVENT_KINDS for key in kind.keys))


def keys_for_all(event: Mapping[str, Any], *, beside: Iterable[str]) -> dict[str, Any]:
    """The keys of a source that hold for all URLs of an event.

    Args:
        event: Of many URLs.
        beside: Its keys that say which URLs.

    Raises:
        ConfigurationError: When one of the keys is no key for all, or they are too long; not retryable.
    """
    given = {key: event[key] for key in event if key not in beside}
    size = _size_of(given)
    try:
        keys: dict[str, Any] = without_nulls(given)
    except RecursionError as error:
        raise ConfigurationError(_TOO_DEEP) from error
    if found := [key for key in _NOT_FOR_ALL if key in keys]:
        raise ConfigurationError(
            f"the event: has {' and '.join([*beside][:1])} together with {', '.join(found)}; beside the URLs "
            "it may have the keys of a source that hold for all of them"
        )
    if size > _MAX_KEYS_BYTES:
        raise ConfigurationError(
            f"the event: the keys for all URLs are {size} bytes; {_MAX_KEYS_BYTES} are allowed, because "
            "every message repeats them: configure less or send the sources one by one"
        )
    return keys


def items_of(urls: object) -> list[Any]:
    """The items of ``urls``, as they are given.

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
    """The event that an item stands for.

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
    """The event that does what an item of many does, for this item alone.

    With a ``rate``, which holds over all invocations only in an event of ``urls``, it is one of those, and
    so is one that would be understood otherwise by itself.
    """
    try:
        event = item_event(keys, item)
    except ConfigurationError:
        return {**keys, "urls": [item]}
    return {**keys, "urls": [item]} if event.get("rate") else event


def _size_of(value: object) -> int:
    """How long a value is as JSON.

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
    """An item in a log line or an error: its URL, short and without secrets."""
    url = item.get("url") if isinstance(item, dict) else item
    return public_url(url)[:_MAX_SHOWN_CHARACTERS] if isinstance(url, str) else type(url).__name__


def messages_of(keys: Mapping[str, Any], items: Iterable[object]) -> Iterator[tuple[str, int]]:
    """Bodies of messages that hold the items, and how many each holds.

    Each holds up to 100 items and 64 KiB, but one in any case.
    """
    packed = MessageFiller(keys)
    for item in items:
        if (full := packed.add(item)) is not None:
            yield full
    if (rest := packed.flush()) is not None:
        yield rest


class MessageFiller:
    """Gathers items into the bodies of messages.

    Args:
        keys: Those that hold for all.
    """

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._keys = keys
        self._room = MAX_MESSAGE_BYTES - len(body_of({**keys, "urls": []}).encode())
        self._items: list[object] = []
        self._size = 0

    def add(self, item: object) -> tuple[str, int] | None:
        """Take an item; the message that is full with those before it, if any, and its number of items."""
        size = len(body_of(item).encode()) + 1
        is_full = len(self._items) == MAX_MESSAGE_ITEMS or self._size + size > self._room
        full = self.flush() if is_full else None
        self._items.append(item)
        self._size += size
        return full

    def flush(self) -> tuple[str, int] | None:
        """The message that is not full; None without items."""
        if not self._items:
            return None
        made = body_of({**self._keys, "urls": self._items}), len(self._items)
        self._items, self._size = [], 0
        return made
