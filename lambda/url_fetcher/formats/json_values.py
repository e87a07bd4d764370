"""Checks that bytes are one JSON value (RFC 8259)."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from json import JSONDecodeError

import msgspec

_COUNTED_AT_A_TIME = 16
_RAW_CONTROL = "Invalid control character"
_BREAKS = bytes.maketrans(b"\r\n", b"  ")
_decode = msgspec.json.Decoder(msgspec.Raw).decode


class NotJson(Exception):
    """When bytes are not one JSON value.

    Args:
        reason: The parser's message.
        position: The index of the first byte that is wrong.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def one_line(record: bytes) -> bytes:
    """Returns the record with a space for each line break; valid JSON has them only between tokens."""
    return record.translate(_BREAKS) if b"\n" in record or b"\r" in record else record


def check_text(data: bytes) -> None:
    """Checks that ``data`` is UTF-8; the decoder does not check the parts that it passes on as they are.

    Raises:
        NotJson: With the index of the first byte that is not UTF-8.
    """
    if data.isascii():
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise NotJson("not UTF-8", error.start) from error


def may_be_deep(records: Sequence[bytes], max_nesting: int) -> bool:
    """True if one of ``records`` has enough brackets for more than ``max_nesting`` levels."""
    # A level takes two bytes, so only longer records are looked into, and a few at a time.
    longer = [record for record in records if len(record) > 2 * max_nesting]
    for start in range(0, len(longer), _COUNTED_AT_A_TIME):
        some = longer[start : start + _COUNTED_AT_A_TIME]
        if _openings(b"".join(some)) > max_nesting and any(
            _openings(bytes(record)) > max_nesting for record in some
        ):
            return True
    return False


def _openings(data: bytes) -> int:
    # Three times as fast as bytes.count where the byte is frequent.
    return 2 * len(data) - len(data.replace(b"{", b"")) - len(data.replace(b"[", b""))


def check_value(value: bytes) -> str:
    """Returns the reason why a value is undeliverable although its end is certain; empty for valid JSON.

    Numbers of any size and escaped lone surrogates are valid by the grammar and stay as they are;
    NaN and Infinity, which some encoders write and JSON readers may refuse, are such a reason, and so is
    a control character in a string that should be escaped.

    Raises:
        NotJson: When it is no JSON; has the index of the first wrong byte.
    """
    check_text(value)
    try:
        _decode(value)
    except (msgspec.DecodeError, RecursionError):
        return _check_slowly(value)
    return ""


def _check_slowly(value: bytes) -> str:
    # The decoder refuses lone surrogates, and some errors of it carry no position.
    constants: list[str] = []
    text = value.decode()
    decode = partial(json.loads, text, parse_constant=constants.append, parse_int=str, parse_float=str)
    try:
        decode()
    except JSONDecodeError as error:
        if _is_raw_control(error) and _is_json(partial(decode, strict=False)):
            return f"holds a raw control character at its character {error.pos}, which JSON escapes"
        raise NotJson(error.msg, len(text[: error.pos].encode())) from error
    return f"holds {constants[0]}, which is not JSON" if constants else ""


def _is_raw_control(error: JSONDecodeError) -> bool:
    """True for a control character in a string whose end is certain."""
    # A line break in a string that is a value by itself is more likely a missing quote.
    is_lone_text = error.doc.lstrip(" \t\r\n").startswith('"')
    return error.msg.startswith(_RAW_CONTROL) and not (is_lone_text and error.doc[error.pos] in "\r\n")


def _is_json(decode: Callable[[], object]) -> bool:
    try:
        decode()
    except JSONDecodeError:
        return False
    return True
