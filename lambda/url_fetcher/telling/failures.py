"""What an error becomes before it leaves: one of ours, without a secret and without its causes."""

import traceback
from typing import TYPE_CHECKING

from url_fetcher.errors import IngestionError, UnexpectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from url_fetcher.telling.logs import Log
    from url_fetcher.telling.redaction import Redactor

_MAX_CAUSES = 10


def failure_of(error: Exception, redactor: "Redactor") -> IngestionError:
    """The error to raise: one of ours, without secrets in its message and its details."""
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
    """One line with the kind of error, its details, its causes and more facts; then the causes are cut.

    Args:
        log: Where to.
        what: What failed.
        failure: As ``failure_of`` gives it.
        error: What it was made of.
        redactor: As it was given to ``failure_of``.
        facts: What was done before.
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
    """What led to an error as a traceback would show it, the nearest first."""
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
