"""Answers requests to the function URL, whose body is an event."""

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from url_fetcher import errors
from url_fetcher.errors import IngestionError

_STATUS = {
    errors.ConfigurationError: 400,
    errors.ConfigurationUnavailable: 503,
    errors.AddressRefused: 400,
    errors.SourceUnavailable: 503,
    errors.SourceTimeout: 504,
    errors.SourceError: 502,
    errors.DeadlineExceeded: 504,
    errors.UrlsFailed: 502,
    errors.StreamUnavailable: 503,
    errors.DeadLettersUnavailable: 503,
    errors.WorkQueueUnavailable: 503,
}
"""By the error or the nearest class that it derives from; any other is 500."""

_JSON = {"Content-Type": "application/json"}


def respond(event: Mapping[str, Any], answer: Callable[[object], dict[str, object]]) -> dict[str, object]:
    """Returns the answer to a request: status, headers and JSON.

    It is the answer to the event in the body; an empty body is ``{}``. A failure has ``errorType``,
    ``message``, ``retryable`` and ``details``, and ``Retry-After`` where the source asked for a wait.

    Args:
        event: As Lambda hands a request over (payload format 2.0).
        answer: Handles the event.
    """
    method = str(event["requestContext"]["http"].get("method", "")).upper()
    if method != "POST":
        return _response(405, {"message": f"{method[:20]} is not allowed; POST an event"}, {"Allow": "POST"})
    try:
        given = _body_of(event)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        # The body may hold a secret, so the answer does not quote it.
        problem = {"message": f"the body is not an event in JSON: {type(error).__name__}", "retryable": False}
        return _response(400, {"errorType": "ConfigurationError", **problem}, {})
    try:
        return {**answer(given), "headers": _JSON}
    except IngestionError as error:
        fields = {
            "errorType": type(error).__name__,
            "message": str(error),
            "retryable": error.retryable,
            "details": error.details,
        }
        return _response(_status_of(error), fields, _retry_after(error))


def _body_of(event: Mapping[str, Any]) -> object:
    """The event in a request's body."""
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise TypeError("a body is text")
    data = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    return msgspec.json.decode(data) if data.strip() else {}


def _status_of(error: IngestionError) -> int:
    return next((_STATUS[each] for each in type(error).__mro__ if each in _STATUS), 500)


def _retry_after(error: IngestionError) -> dict[str, str]:
    seconds = error.details.get("retry_after_seconds")
    return {"Retry-After": str(math.ceil(seconds))} if isinstance(seconds, float | int) else {}


def _response(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> dict[str, object]:
    return {
        "statusCode": status,
        "headers": {**_JSON, **headers},
        "body": msgspec.json.encode(body).decode(),
    }
