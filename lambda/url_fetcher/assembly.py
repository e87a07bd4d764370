"""Makes the parts that an event needs: the reader of a source, and the sink to the stream."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from url_fetcher.deadline import Deadline
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.sink import Sink, SinkSettings
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.connection import Dialer
from url_fetcher.http.transport import Transport
from url_fetcher.source.auth.auth_kind import Session
from url_fetcher.source.identity import configured_url
from url_fetcher.source.reader import SourceReader
from url_fetcher.telling.redaction import Redactor, secrets_in

if TYPE_CHECKING:
    from url_fetcher.clients import Clients
    from url_fetcher.intake.environment import Environment
    from url_fetcher.intake.event import IngestionRequest
    from url_fetcher.source.schema import Source
    from url_fetcher.telling.logs import Log

# Fetching ends this long before the event's time is up, so that records in flight can be delivered.
_DRAIN_SHARE, _MIN_DRAIN_SECONDS, _MAX_DRAIN_SECONDS = 0.2, 2.0, 20.0


class Deadlines:
    """The ends of an event's fetching and, later, of its delivering.

    Args:
        seconds: The longest time for the whole event.
        reserved_seconds: The part of it that is kept for reporting the result.
    """

    def __init__(self, seconds: float, *, reserved_seconds: float) -> None:
        self._seconds, self._reserved_seconds = seconds, reserved_seconds
        drain_seconds = min(_MAX_DRAIN_SECONDS, max(_MIN_DRAIN_SECONDS, _DRAIN_SHARE * seconds))
        self.delivering = Deadline(seconds - reserved_seconds)
        self.fetching = self.delivering.earlier(seconds - drain_seconds)

    def sooner(self, seconds: float) -> "Deadlines":
        """The same deadlines, so many seconds earlier."""
        return Deadlines(self._seconds - seconds, reserved_seconds=self._reserved_seconds)

    def reading(self, source: "Source") -> Deadline:
        """The end of reading one source, counted from now."""
        return self.fetching.earlier(source.limits.timeout_seconds)


class Assembly:
    """Makes the parts of one event's ingestion.

    Args:
        environment: The settings of the deployment.
        clients: The clients of the process.
        log: The event's log.
        redactor: The event's redactor, which hides secrets in its URLs.
    """

    def __init__(
        self, environment: "Environment", clients: "Clients", *, log: "Log", redactor: Redactor
    ) -> None:
        self.environment = environment
        self.clients = clients
        self.log = log
        self.redactor = redactor

    def for_one_url(self) -> "Assembly":
        """The same for one URL of many; its redactor is forgotten with it."""
        redactor = Redactor(beyond=self.redactor)
        return Assembly(self.environment, self.clients, log=self.log, redactor=redactor)

    def dialer(self, source: "Source", deadline: Deadline) -> Dialer:
        """Makes a dialer with a source's limits."""
        environment = self.environment
        return Dialer(
            AddressPolicy.of(environment, runtime_api=environment.aws_lambda_runtime_api),
            deadline=deadline,
            connect_timeout_seconds=source.limits.connect_timeout_seconds,
            read_timeout_seconds=source.limits.read_timeout_seconds,
            ca_certificates=source.ca_certificates,
        )

    def reader(
        self,
        request: "IngestionRequest",
        deadline: Deadline,
        *,
        transport: Transport | None = None,
        turn: AbstractContextManager[object] | None = None,
        next_start: Callable[[], float] | None = None,
    ) -> SourceReader:
        """Makes the reader of the requested source.

        Args:
            request: The source, and the page to resume at.
            deadline: The end of reading.
            transport: Replaces an own one.
            turn: A lock that is held while credentials are fetched.
            next_start: As ``Exchange``'s.
        """
        clients = self.clients
        transport = transport or Transport(self.dialer(request.source, deadline))
        session = Session(
            lambda: clients.secrets.within(deadline),
            transport,
            lambda: clients.own_role,
            turn or contextlib.nullcontext(),
        )
        reader = SourceReader(
            request.source,
            transport=transport,
            session=session,
            deadline=deadline,
            resume=request.resume,
            warn=lambda message: self.log.warning(self.redactor.clean(message)),
            clean=self.redactor.clean,
            next_start=next_start,
        )
        self.redactor.learn(*secrets_in(reader.url))
        if child := request.source.child:
            self.redactor.learn(*secrets_in(configured_url(child)))
        return reader

    def sink(self, deadline: Deadline) -> Sink:
        """Makes the sink to the stream and the dead letters."""
        environment = self.environment
        return Sink(
            self.clients.kinesis,
            environment.kinesis_stream_name,
            deadline=deadline,
            settings=SinkSettings.of(environment),
            dead_letters=DeadLetters(
                environment.dead_letter_bucket, environment.dead_letter_prefix, deadline=deadline
            ),
        )
