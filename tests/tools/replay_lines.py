"""Stored lines of both kinds, as the function and Firehose write them."""

import json
from base64 import b64encode
from typing import Any

from url_fetcher.delivery.envelope import Envelope, Origin
from url_fetcher.source.identity import identity_of

URL = "https://example.com/orders"
TIMESTAMP = "2026-11-23T01:18:08.129Z"
ORIGIN = Origin(URL, TIMESTAMP, identity_of(URL))


def letter(data: str, **changes: object) -> dict[str, Any]:
    """A dead letter of a record that was nested too deeply under an earlier limit."""
    return {
        "timestamp": TIMESTAMP,
        "sourceUrl": URL,
        "id": Envelope(ORIGIN).id_of(data.encode()),
        "reason": "is nested 3 levels deep; the limit is 2",
        "offset": 0,
        "data": data,
        "truncated": False,
        "totalBytes": len(data),
        **changes,
    }


def line(data: str) -> dict[str, Any]:
    """The line of a record, as the stream has it when its source is read."""
    found: dict[str, Any] = json.loads(Envelope(ORIGIN).lines([data.encode()]).joined())
    return found


def error(data: bytes, **changes: object) -> dict[str, Any]:
    """Firehose's record of an error, with the record of the stream in it."""
    return {
        "attemptsMade": 4,
        "arrivalTimestamp": 1_795_872_301_876,
        "errorCode": "Lambda.FunctionError",
        "errorMessage": "The Lambda function was successfully invoked but it returned an error result.",
        "attemptEndingTimestamp": 1_795_872_401_876,
        "rawData": b64encode(data).decode(),
        "lambdaArn": "arn:aws:lambda:us-east-1:000000000000:function:x:$LATEST",
        **changes,
    }
