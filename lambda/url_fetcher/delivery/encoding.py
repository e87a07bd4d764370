"""Encodes and reads PutRecords without botocore's serializer and parser, which cost most of its time."""

import json
import re
from typing import TYPE_CHECKING, Any

from pybase64 import b64encode

if TYPE_CHECKING:
    from botocore.client import BaseClient

_BODY = "url_fetcher.put_records_body"
_NONE_FAILED = re.compile(rb'"FailedRecordCount"\s*:\s*0\s*[,}]')
_ENDS_BYTES = 256
_SUCCESS = 200


def encode_directly(client: "BaseClient") -> None:
    """Encodes a Kinesis client's PutRecords here from now on.

    The zip carries botocore, so its protocol for Kinesis is known: JSON.
    """
    # With these public events signing, endpoints and errors stay botocore's.
    events = client.meta.events
    events.register("before-parameter-build.kinesis.PutRecords", _encode_records)
    events.register("before-call.kinesis.PutRecords", _use_encoded)
    events.register("before-parse.kinesis.PutRecords", _read_success)


def _encode_records(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    pieces: list[bytes] = []
    for record in params["Records"]:
        key = record["PartitionKey"]
        pieces += (
            b'{"Data":"',
            b64encode(record["Data"]),
            b'","PartitionKey":%b},' % _quoted(key),
        )
    pieces[-1] = pieces[-1][:-1]
    rest = json.dumps({name: value for name, value in params.items() if name != "Records"})
    context[_BODY] = b"".join((b'{"Records":[', *pieces, b"],", rest[1:].encode()))
    params["Records"] = []


def _quoted(key: str) -> bytes:
    # Most keys are random digits, and quoting costs as much as all the rest of a small record.
    return b'"%b"' % key.encode() if key.isalnum() and key.isascii() else json.dumps(key).encode()


def _use_encoded(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    params["body"] = context.pop(_BODY, params["body"])


def _read_success(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    body: bytes = response_dict["body"]
    ends = (body[:_ENDS_BYTES], body[-_ENDS_BYTES:])
    if response_dict["status_code"] == _SUCCESS and any(map(_NONE_FAILED.search, ends)):
        # Of a full success only the number of results matters; they are not parsed, just counted.
        customized_response_dict["Records"] = [{}] * body.count(b'"SequenceNumber"')
        customized_response_dict["FailedRecordCount"] = 0
        response_dict["body"] = b"{}"
