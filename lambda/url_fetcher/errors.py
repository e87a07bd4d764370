"""The errors between a URL and the stream; the last column says if another attempt may help.

    IngestionError
    ├── ConfigurationError      the environment, the event or a source's settings are wrong       no
    ├── ConfigurationUnavailable  the configured sources or a list of URLs cannot be read now     yes
    ├── SourceError
    │   ├── AddressRefused      the address, a redirect or a next page is not an allowed one      no
    │   ├── SourceRejected      the source answered with a status that will not change            no
    │   ├── SourceUnavailable   refused, reset, 429 or 5xx until the attempts were used up        yes
    │   ├── SourceTimeout       a deadline passed while connecting, waiting or reading            yes
    │   ├── LimitExceeded       a body, a record, the nesting or the pages are over their limit   no
    │   ├── MalformedBody       the body is not what its format says; carries the byte offset     no
    │   └── PaginationLoop      a page that was already read comes again                          no
    ├── DeliveryError
    │   ├── StreamRejected      the stream refuses the call itself: missing, denied, invalid      no
    │   ├── StreamUnavailable   records were still refused when the deadline came                 yes
    │   ├── DeadLettersRejected no bucket is named for dead letters, or it is missing or denied   no
    │   ├── DeadLettersUnavailable  the bucket failed or did not answer                           yes
    │   ├── WorkQueueRejected   the queue or the dead letter queue refuses a message              no
    │   └── WorkQueueUnavailable    the queue failed or did not answer                            yes
    ├── UrlsFailed              some of an event's URLs failed, and there is no queue for them    yes
    ├── DeadlineExceeded        the invocation's time is used up; says where to go on             yes
    └── UnexpectedError         a fault of this function; the log line has its traceback          no

Foreign errors (requests, urllib3, botocore, msgspec) are translated where they enter and kept
as ``__cause__``. The handler logs the causes without secrets and raises the error without them.
"""

from typing import ClassVar


class IngestionError(Exception):
    """When an ingestion could not be completed; ``retryable`` says whether the same event may yet succeed.

    Args:
        message: What went wrong with which value, the limit, and what to do.
        **details: JSON-serializable facts for the log line; never secrets, never bodies.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: str | float | bool | None) -> None:
        super().__init__(message)
        self.details = details


class ConfigurationError(IngestionError):
    """When the environment, the event or a source's settings are wrong."""


class ConfigurationUnavailable(IngestionError):
    """When the sources, a list of URLs or the metrics of past runs cannot be read at the moment."""

    retryable = True


class SourceError(IngestionError):
    """When the source could not be read to its end."""


class AddressRefused(SourceError):
    """When an address, a redirect or a next page points where this function may not go."""


class SourceRejected(SourceError):
    """When the source answers with a status, or an error by ``fail_when``, that will not change."""


class SourceUnavailable(SourceError):
    """When the source refuses, resets or answers an error that may pass until the attempts are used up."""

    retryable = True


class SourceTimeout(SourceError):
    """When a deadline passes while connecting to, waiting for or reading from the source."""

    retryable = True


class LimitExceeded(SourceError):
    """When a body, a record, the nesting or the number of pages is over its limit."""


class MalformedBody(SourceError):
    """When the body is not what its format says.

    Args:
        message: The reason, naming the format.
        offset: Offset of the break in the decompressed body; 0 if the body is wrong as a whole.
        **details: As for every error.
    """

    def __init__(self, message: str, *, offset: int = 0, **details: str | float | bool | None) -> None:
        super().__init__(message, offset=offset, **details)
        self.offset = offset


class PaginationLoop(SourceError):
    """When a page that was already read comes again."""


class DeliveryError(IngestionError):
    """When records could not be put on the stream."""


class StreamRejected(DeliveryError):
    """When the stream refuses the call itself: it is missing, access is denied, or the request is invalid."""


class StreamUnavailable(DeliveryError):
    """When records were still refused, or the service still failed, when the deadline came."""

    retryable = True


class DeadLettersRejected(DeliveryError):
    """When there is no place for dead letters: no bucket is named, or it is missing or denied."""


class DeadLettersUnavailable(DeliveryError):
    """When the place for dead letters fails or does not answer."""

    retryable = True


class WorkQueueRejected(DeliveryError):
    """When a queue refuses a message: it is missing, access is denied, or the message is invalid."""


class WorkQueueUnavailable(DeliveryError):
    """When a queue fails, does not answer, or still refused messages when the deadline came."""

    retryable = True


class UrlsFailed(IngestionError):
    """When some URLs of an event failed or were not begun, and no work queue takes them; names them."""

    retryable = True


class DeadlineExceeded(IngestionError):
    """When the invocation's time is used up before the source is; the details say where to go on."""

    retryable = True


class UnexpectedError(IngestionError):
    """When something failed that no part of this function foresees: a fault to report."""
