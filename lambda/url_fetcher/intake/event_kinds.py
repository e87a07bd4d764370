"""The kinds of events about many URLs, each found by a key of its own; any other event asks for one source.

A new kind is a `Task` in a module of its own and a line in ``EVENT_KINDS``; what other events refuse follows.
"""

from typing import NamedTuple


class EventKind(NamedTuple):
    """One kind of event.

    Attributes:
        key: Tells the kind: an event in which it is neither missing nor null.
        own_keys: Further keys of the kind, which say where to go on.
        task: Module and class, imported when the first such event comes: every start would pay for it.
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

EVENT_KINDS = (LIST, URLS)
"""The first whose key an event has is the event's."""


def kind_of(event: object) -> EventKind | None:
    """The kind of an event; None if it asks for one source."""
    if not isinstance(event, dict):
        return None
    return next((kind for kind in EVENT_KINDS if event.get(kind.key) is not None), None)
