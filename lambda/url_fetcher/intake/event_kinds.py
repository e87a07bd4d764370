"""The kinds of events that are no single source, each found by a key of its own; others ask for one source.

A new kind is a `Task` in a module of its own and a line in ``EVENT_KINDS``; what other events refuse follows.
"""

from typing import NamedTuple


class EventKind(NamedTuple):
    """One kind of event.

    Attributes:
        key: An event is of this kind if the key is set and not null.
        own_keys: Other keys of the kind, with the place at which to go on.
        task: Module and class; imported for the first such event, because it would slow every start.
    """

    key: str
    own_keys: tuple[str, ...]
    task: str

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that no other event may have."""
        return (self.key, *self.own_keys)


LIST = EventKind("urls_from", ("offset", "etag", "in_line"), "url_fetcher.many_urls.url_list:ListTask")
URLS = EventKind("urls", (), "url_fetcher.many_urls.url_batch:BatchTask")
WATCH = EventKind("watch", (), "url_fetcher.watch.watchdog:WatchTask")

EVENT_KINDS = (LIST, URLS, WATCH)
"""An event is of the first kind whose key it has."""


def kind_of(event: object) -> EventKind | None:
    """The kind of an event; None if it asks for one source."""
    if not isinstance(event, dict):
        return None
    return next((kind for kind in EVENT_KINDS if event.get(kind.key) is not None), None)
