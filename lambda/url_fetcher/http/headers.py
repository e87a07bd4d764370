"""Checks the request headers of a source: none may control the connection or hold a secret."""

import re
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from msgspec import Meta

NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$"
"""RFC 9110, 5.6.2: token"""
_VALUE = r"^[\t\x20-\x7e\x80-\xff]*$"
_MAX_VALUE_CHARACTERS = 4_096
_OF_THE_CONNECTION = {
    "accept-encoding", "connection", "content-length", "expect", "host", "if-range", "keep-alive",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}  # fmt: skip
CONNECTION_HEADER = f"^(?i:{'|'.join(sorted(_OF_THE_CONNECTION))})$"
"""A pattern of the names that the client itself sets."""
_MAY_BE_SECRET = "(?i:authorization|cookie|api[-_]?key|token|secret|password|signature)"  # noqa: S105 - names
_KEPT_ACROSS_ORIGINS = {"accept", "accept-language", "content-type", "user-agent"}


# Here only for the schema, which synth and plan check: the function's own check below never shows a value.
Headers: TypeAlias = dict[
    Annotated[
        str,
        Meta(
            extra_json_schema={"pattern": NAME, "not": {"pattern": f"{CONNECTION_HEADER}|{_MAY_BE_SECRET}"}}
        ),
    ],
    Annotated[str, Meta(extra_json_schema={"pattern": _VALUE, "maxLength": _MAX_VALUE_CHARACTERS})],
]
"""The headers of a source."""


def refuse_bad_headers(headers: Mapping[str, str]) -> None:
    """Checks every name and value.

    Raises:
        ValueError: For the first header that is not allowed; the message never has its value.
    """
    for name, value in headers.items():
        if not re.search(NAME, name):
            raise ValueError(f"`headers`: {name!r} is not a header's name (RFC 9110: letters, digits, -)")
        if is_of_the_connection(name):
            raise ValueError(f"`headers.{name}` is set by the client itself: remove it")
        if re.search(_MAY_BE_SECRET, name):
            raise ValueError(f"`headers.{name}` may hold a secret: keep it in Secrets Manager and use `auth`")
        if not re.search(_VALUE, value) or len(value) > _MAX_VALUE_CHARACTERS or "\n" in value:
            raise ValueError(f"`headers.{name}` holds a line break, a control character or over 4,096 bytes")


def is_of_the_connection(name: str) -> bool:
    """True for a header that only the client may set: a second one could smuggle a request."""
    return name.lower() in _OF_THE_CONNECTION


def without_own_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may go to another origin; any other could be a key in disguise."""
    return {name: value for name, value in headers.items() if name.lower() in _KEPT_ACROSS_ORIGINS}
