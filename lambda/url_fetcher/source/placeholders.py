"""Placeholders in a source's request, such as ``{page}``, and the values that each page puts in their place.

They stand behind the host in ``url``, in values of ``query`` and ``headers``, and in any text of ``body``.
Before a placeholder's name ``{{`` is a brace; every other brace is a character like any other.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from url_fetcher.errors import MalformedBody
from url_fetcher.http.headers import refuse_bad_headers
from url_fetcher.http.urls import percent_encoded
from url_fetcher.paths import described

Values: TypeAlias = Mapping[str, object]
"""By placeholder; None for the cursor of a first page, which has none."""

NAMES = ("offset", "page", "cursor", "since", "until")

PARENT = "parent"
"""Of a child request: the parent's record, or followed by a dot and a path a value in it."""

_NAME = rf"({'|'.join(NAMES)}|{PARENT}(?:\.[^{{}}]{{1,512}})?)\}}"
_PLACEHOLDER = re.compile(rf"(\{{+){_NAME}")
_IN_URL = re.compile(rf"\{{{_NAME}")
_STEPS = re.compile(r"/\.\.?(?=/|$)")
_ENDS_A_QUOTATION = re.compile(r"[\"'`\\<\x00-\x1f\x7f]")
_LEFT_OUT = object()

Quoted: TypeAlias = Callable[[str], str]


def pattern_of(name: str) -> str:
    """A pattern of texts with this placeholder, which Python, JavaScript and Terraform read alike."""
    return rf"(^|[^{{])(\{{\{{)*\{{{name}\}}"


def names_in(value: object) -> frozenset[str]:
    """The placeholders in a text, or in any text of a table or a list."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return frozenset[str]().union(*map(names_in, value))
    if not isinstance(value, str) or "{" not in value:
        return frozenset()
    return frozenset(found[2] for found in _PLACEHOLDER.finditer(value) if len(found[1]) % 2)


def whole(text: str) -> str:
    """The name of the placeholder that a text is; empty if it is more than that, or another text."""
    found = _PLACEHOLDER.fullmatch(text)
    return found[2] if found and len(found[1]) == 1 else ""


def are_whole(value: object, name: str) -> bool:
    """True if a table has this placeholder, and only as whole members."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        having = [each for each in inner if name in names_in(each)]
        return bool(having) and all(are_whole(each, name) for each in having)
    return isinstance(value, str) and whole(value) == name


def marked(text: str, quoted: Quoted) -> str:
    """The text as a part of a URL with braces for placeholders only; ``quoted`` encodes what lies between."""
    return _replaced(text, "{{{}}}".format, quoted)


def without_braces(url: str) -> str:
    """The URL with its braces percent-encoded."""
    return url.replace("{", "%7B").replace("}", "%7D")


def filled_url(url: str, values: Values) -> str:
    """The URL of ``marked`` parts with these values in it; a parameter without a value is left out.

    Raises:
        MalformedBody: When a value would lead to another path, or is no text; not retryable.
    """
    if "{" not in url:
        return url
    base, _, query = url.partition("?")
    path = _filled_part(base, values)
    if path != base and _STEPS.search(path):
        raise MalformedBody(
            "`url`: a value would be a step of the path, `.` or `..`; give it a query parameter"
        )
    pairs = "&".join(_filled_part(pair, values) for pair in query.split("&") if not _is_missing(pair, values))
    return f"{path}?{pairs}" if pairs else path


def filled_headers(headers: Mapping[str, str], values: Values) -> dict[str, str]:
    """The headers with these values in them; one that is a placeholder without a value is left out.

    Raises:
        MalformedBody: When a value cannot be sent in a header; not retryable.
    """
    made = {
        name: _filled_text(text, values, str)
        for name, text in headers.items()
        if not (whole(text) and values.get(whole(text)) is None)
    }
    if made == headers:
        return made
    try:
        if any(text != text.strip() for text in made.values()):
            raise ValueError("`headers`: one begins or ends with white space, which servers take away")
        refuse_bad_headers(made)
    except ValueError as error:
        raise MalformedBody(f"{error}, with the source's value in it") from error
    return made


def filled_body(body: str | dict[str, Any], values: Values, *, is_form: bool) -> str | dict[str, Any]:
    """The body with these values in it.

    A member that is a placeholder becomes the value, a number if it is one, and is left out without a value.

    Raises:
        MalformedBody: When a value would end a quotation in a text, or cannot be written into it; not
            retryable.
    """
    if isinstance(body, str):
        return _filled_text(body, values, percent_encoded if is_form else _unquoted)
    made: dict[str, Any] = _filled_table(body, values)
    return made


def _filled_table(value: Any, values: Values) -> Any:
    if isinstance(value, dict):
        made = {key: _filled_table(inner, values) for key, inner in value.items()}
        return {key: inner for key, inner in made.items() if inner is not _LEFT_OUT}
    if isinstance(value, list):
        return [made for each in value if (made := _filled_table(each, values)) is not _LEFT_OUT]
    if not isinstance(value, str):
        return value
    if name := whole(value):
        found = values.get(name)
        return _LEFT_OUT if found is None else found
    return _filled_text(value, values, _unquoted)


def _filled_text(text: str, values: Values, quoted: Quoted) -> str:
    return _replaced(text, lambda name: quoted(_text(name, values.get(name))), str)


def _filled_part(part: str, values: Values) -> str:
    """A part of a URL; a placeholder that the values do not have stays for those that do."""
    return _IN_URL.sub(
        lambda found: percent_encoded(_text(found[1], values[found[1]])) if found[1] in values else found[0],
        part,
    )


def _is_missing(pair: str, values: Values) -> bool:
    """True for a query parameter that is a placeholder without a value."""
    name = whole(pair.partition("=")[2])
    return name in values and values[name] is None


def _replaced(text: str, place: Quoted, plain: Quoted) -> str:
    """The text with ``place(name)`` for each placeholder, and ``plain`` of all between them."""
    if "{" not in text:
        return plain(text)
    made: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        pairs, is_placeholder = divmod(len(found[1]), 2)
        rest = "" if is_placeholder else f"{found[2]}}}"
        made.append(plain(text[end : found.start()] + "{" * pairs + rest))
        if is_placeholder:
            made.append(place(found[2]))
        end = found.end()
    return "".join([*made, plain(text[end:])])


def _text(name: str, value: object) -> str:
    """A value inside a text."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedBody(
            f"`{{{name}}}` stands inside a text, but its value is {described(value)}; in `body` give it a "
            "member of its own"
        )
    text = str(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise MalformedBody(f"the value of `{{{name}}}` has half of a surrogate pair") from error
    return text


def _unquoted(text: str) -> str:
    """A value inside a text of some language, such as SQL or GraphQL, where it may stand in quotes."""
    # The value comes from the source: it may not change what is asked for.
    if _ENDS_A_QUOTATION.search(text):
        raise MalformedBody(
            "`body`: a value has a quote, a backslash, `<` or a control character, which could end a "
            "quotation in the text around it; give it a member of its own"
        )
    return text
