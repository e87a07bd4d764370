"""Finds the source that an event asks for."""

from typing import NamedTuple

from url_fetcher.errors import ConfigurationError
from url_fetcher.http.addresses import same_origin
from url_fetcher.intake.decoding import decode_settings, without_nulls
from url_fetcher.intake.source_list import SourceList
from url_fetcher.source.auth.auth import NoAuth
from url_fetcher.source.pages.pagination_kind import Resume
from url_fetcher.source.schema import SCHEDULE_KEYS, Source

UNCONFIGURED = "event"
"""The name in the metrics of a source that is not configured, or that is unknown."""

_UNNAMED = "default"  # the first configured source may have no name

# Keys of the envelopes that AWS services put around their events; none of them is one of ours.
_ENVELOPE_KEYS = {"detail-type", "Records", "requestContext", "httpMethod", "awslogs"}


class IngestionRequest(NamedTuple):
    """The source to ingest, and the page at which to resume an unfinished ingestion.

    ``metrics_source`` is the source's name in the metrics: a configured one, or ``event`` for a source
    that the event describes, whatever it calls it. Each name makes metrics that cost money.
    """

    source: Source
    resume: Resume | None
    metrics_source: str


def read_event(event: object, sources: SourceList) -> IngestionRequest:
    """Returns the source that an event asks for.

    ``{}`` asks for the first configured source, ``{"source": "name"}`` for that one, and an object with
    ``url`` is a source itself, with all keys of the schema. Each may have ``resume``, as an error gave it.

    Raises:
        ConfigurationError: Naming the key, its value and what is allowed; not retryable.
    """
    if not isinstance(event, dict | None):
        raise ConfigurationError(
            f'the event is {type(event).__name__}, not an object such as {{"url": "https://…"}}'
        )
    keys = _given(event or {})
    if found := sorted(_ENVELOPE_KEYS & keys.keys()):
        raise ConfigurationError(
            f"the event is a service's envelope (it has {', '.join(found)}): set the target's input to the "
            'source alone, such as {"source": "name"}'
        )
    given = keys.pop("resume", None)
    resume = None if given is None else decode_settings(given, Resume, where="the event's resume")
    if "url" in keys:
        return IngestionRequest(_inline(keys, sources), resume, UNCONFIGURED)
    if not keys:
        first = sources.default()
        if first is None:
            raise ConfigurationError('no source: give {"url": "https://…"} in the event, or configure one')
        return IngestionRequest(first, resume, first.name or _UNNAMED)
    if keys.keys() != {"source"} or not isinstance(keys["source"], str):
        raise ConfigurationError(
            f"the event has {', '.join(sorted(map(str, keys)))[:200]}; "
            "it may have `url` with a source's other keys, "
            "or `source` with a configured source's name, and `resume`"
        )
    source = sources.named(keys["source"])
    return IngestionRequest(source, resume, source.name)


def source_name_in(event: object) -> str:
    """The name of the source that an event asks for, as it is written there; empty for none."""
    name = (event.get("source") or event.get("name")) if isinstance(event, dict) else None
    return name[:80] if isinstance(name, str) else ""


def _given(event: dict[str, object]) -> dict[str, object]:
    """Returns the keys of an event that are not null; refuses an event with nothing but nulls."""
    try:
        keys: dict[str, object] = without_nulls(event)
    except RecursionError as error:
        raise ConfigurationError("the event: is nested too deeply") from error
    if event.keys() - {"resume"} and not keys:
        raise ConfigurationError(
            f"the event: {', '.join(sorted(map(str, event)))[:200]}: null gives nothing; give a `url` or a "
            "`source`, or leave out all keys for the first configured source"
        )
    return keys


def _inline(keys: dict[str, object], sources: SourceList) -> Source:
    """Returns a source that the event describes; it may use a secret only as a configured source does.

    Whoever may invoke the function could otherwise have it send any secret that it can read to any host.
    """
    if found := [key for key in SCHEDULE_KEYS if key in keys]:
        raise ConfigurationError(
            f"the event: {', '.join(found)}: an event is ingested at once; leave it out, or configure the "
            "source with its schedule"
        )
    source = decode_settings(keys, Source, where="the event")
    if isinstance(source.auth, NoAuth):
        return source
    is_known = any(
        source.auth == configured.auth and same_origin(source.url, configured.url)
        for configured in sources.all
    )
    if not is_known:
        raise ConfigurationError(
            "the event: auth: no configured source of this origin has the same `auth`; configure it there, "
            "so that a secret goes only where its owner lets it",
            field="$.auth",
        )
    return source
