"""Turns any error into one of ours, without secrets and without its causes."""

import traceback
from typing import TYPE_CHECKING

from url_fetcher.errors import IngestionError, UnexpectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from url_fetcher.telling.logs import Log
    from url_fetcher.telling.redaction import Redactor

_MAX_CAUSES = 10


def failure_of(error: Exception, redactor: "Redactor") -> IngestionError:
    """Returns the error to raise: one of ours, without secrets in its message and its details."""
    failure = error if isinstance(error, IngestionError) else UnexpectedError(_line_of(error))
    failure.args = (redactor.clean(str(failure)),)
    failure.details = {
        name: redactor.clean(value) if isinstance(value, str) else value
        for name, value in failure.details.items()
    }
    return failure


def log_failure(
    log: "Log",
    what: str,
    failure: IngestionError,
    error: Exception,
    *,
    redactor: "Redactor",
    facts: "Mapping[str, object]",
) -> None:
    """Logs the error with its details, its causes and more facts; then removes the causes.

    Args:
        log: The event's log.
        what: Name of the task that failed.
        failure: The result of ``failure_of``.
        error: The error that it was made of.
        redactor: The same as for ``failure_of``.
        facts: The counters so far.
    """
    fields: dict[str, object] = {"causes": [redactor.clean(_line_of(each)) for each in _causes(error)]}
    if failure is not error:
        fields["traceback"] = redactor.clean("".join(traceback.format_exception(error)))
    log.error(
        f"{what} failed",
        error=str(failure),
        error_type=type(failure).__name__,
        retryable=failure.retryable,
        details=failure.details,
        **fields,
        **facts,
    )
    failure.__cause__ = failure.__context__ = None


def _causes(error: BaseException) -> list[BaseException]:
    """The causes of an error that a traceback would show, the nearest first."""
    found: list[BaseException] = []
    cause = _cause(error)
    while cause is not None and cause not in found and len(found) < _MAX_CAUSES:
        found.append(cause)
        cause = _cause(cause)
    return found


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _line_of(error: BaseException) -> str:
    """The error's class and message, also where its own ``__str__`` fails."""
    return traceback.format_exception_only(error)[-1].strip()
