"""Joins URLs and sets query parameters without changing the rest of the URL."""

from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote_plus, urljoin, urlsplit

from url_fetcher.errors import AddressRefused
from url_fetcher.telling.redaction import public_url

_FIRST_OUTSIDE_ASCII = 0x80


def from_header(value: str) -> str:
    """Decodes a URL from a header: bytes outside ASCII are UTF-8, or else each is percent-encoded.

    http.client decodes headers as Latin-1, so encoding the text again gives the original bytes.
    """
    data = value.encode("latin-1")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < _FIRST_OUTSIDE_ASCII else f"%{byte:02X}" for byte in data)


def joined(url: str, target: str) -> str:
    """Resolves a redirect or a link against the URL that it came from.

    Raises:
        AddressRefused: When the target is not a URL; not retryable.
    """
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise AddressRefused(f"{public_url(url)}: leads to a target that is not a URL") from error


def percent_encoded(text: str) -> str:
    """The text as a part of a path or of a query."""
    return quote(text, safe="")


def with_scheme_of(url: str, target: str) -> str:
    """Returns the target with the scheme and port of ``url`` if it is plain http on that https host.

    Servers behind a proxy that ends TLS often link to themselves without it.
    """
    try:
        parts, origin = urlsplit(target), urlsplit(url)
        is_plain = (origin.scheme, parts.scheme) == ("https", "http")
        if (
            not is_plain
            or parts.hostname != origin.hostname
            or parts.port not in (None, 80, 443, origin.port)
        ):
            return target
    except ValueError:
        return target
    # A user in the target is left there, and refused with the URL.
    user, at, _ = parts.netloc.rpartition("@")
    return f"https://{user}{at}{origin.netloc}{target[len('http://') :].removeprefix(parts.netloc)}"


def with_query(
    url: str, parameters: Mapping[str, str], encoded: Callable[[str], str] = percent_encoded
) -> str:
    """Returns the URL with these query parameters set; others stay byte for byte as they were.

    Args:
        url: The URL.
        parameters: The parameters by name.
        encoded: Encodes a value.

    Raises:
        AddressRefused: When the URL, a name or a value is not Unicode text; not retryable.
    """
    try:
        url.encode()
        new = "&".join(f"{percent_encoded(name)}={encoded(value)}" for name, value in parameters.items())
    except UnicodeEncodeError as error:
        raise AddressRefused(
            "url: it or a query parameter has half of a surrogate pair; write the whole character"
        ) from error
    kept = without_query(url, *parameters)
    return f"{kept}{'&' if '?' in kept else '?'}{new}" if new else kept


def without_query(url: str, *names: str) -> str:
    """Returns the URL without these query parameters and without its fragment."""
    base, _, query = url.partition("#")[0].partition("?")
    kept = "&".join(
        pair for pair in query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in names
    )
    return f"{base}?{kept}" if kept else base
