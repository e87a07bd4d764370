"""Keeps secrets out of log lines, errors, answers and records."""

import base64
import re
import string
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

HIDDEN = "REDACTED"
# `key` counts only alone or after a word that makes it a secret: `sort_key` is not one.
_SECRET_PARAMETER = re.compile(
    r"(access|account|api|app|client|consumer|functions|licen[cs]e|master|private|shared|subscription|user)[-_.]?key"
    r"|^key$|^appid$|token|secret|passw|passphrase|^pass$|^pwd$|signature|^sig$|^auth|credential|^code$|session"
    r"|^jwt$",
    re.IGNORECASE,
)
# A page's token is not a secret, unless its name says that it grants access.
_PLACE_PARAMETER = re.compile(
    r"^(?!.*(access|auth|secret|api[-_]?key)).*(page|next|cursor|continu|sync|start|after|skip|delta)",
    re.IGNORECASE,
)
_PAIR_IN_TEXT = re.compile(r"(?<=[?&;])([^\s?&;=#\"'<>]{1,256})=([^\s&#\"<>]+)")
_USER_IN_TEXT = re.compile(r"(?<=://)[^\s/?#\"'<>]*@")
_MIN_SECRET_CHARACTERS = 4  # A shorter value would blot out ordinary words.
_MAX_LAYERS = 3  # A URL inside JSON inside a URL.

_FOLD = str.maketrans(string.ascii_uppercase + "+", string.ascii_lowercase + " ")
_CONTROLS = str.maketrans("bfnrt", "\b\f\n\r\t")
_HEX = "[0-9a-fA-F]"
_ESCAPES = re.compile(
    rf"(?P<percent>(?:%{_HEX}{{2}})+)|(?P<bytes>(?:\\x{_HEX}{{2}})+)|(?P<units>(?:\\u{_HEX}{{4}})+)"
    rf"|\\U(?P<point>000{_HEX}{{5}}|0010{_HEX}{{4}})|\\(?P<plain>[\"'\\/bfnrt])"
)


def public_url(url: str) -> str:
    """The URL without user, password and fragment, and with secret query values replaced.

    A URL that cannot be split is hidden as a whole.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    pairs = (
        f"{name}{equals}{HIDDEN}" if value and _is_secret(name) else pair
        for pair in parts.query.split("&")
        for name, equals, value in [pair.partition("=")]
    )
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "&".join(pairs), ""))


def secrets_in(url: str) -> list[str]:
    """The query values of a URL whose names say that they are secret."""
    try:
        pairs = parse_qsl(urlsplit(url).query)
    except ValueError:
        return []
    return [value for name, value in pairs if _is_secret(name)]


def _is_secret(parameter: str) -> bool:
    """True if a query parameter's name says that its value is a secret."""
    name = unquote(parameter)
    return _SECRET_PARAMETER.search(name) is not None and _PLACE_PARAMETER.search(name) is None


class Redactor:
    """Replaces every secret that it knows, however its characters are escaped.

    Args:
        beyond: Knows more secrets, of the process; those learned here are forgotten with this one.
    """

    def __init__(self, beyond: "Redactor | None" = None) -> None:
        self._learned: set[str] = set()
        self._forms: set[str] = set()
        self._beyond = beyond

    def learn(self, *secrets: str) -> None:
        """Hide these values from now on: as they are, escaped, in base64, and UTF-8 read as Latin-1."""
        for secret in set(secrets) - self._learned:
            self._learned.add(secret)
            if len(secret) >= _MIN_SECRET_CHARACTERS:
                self._forms |= set(map(_folded, _forms_of(secret)))

    def clean(self, text: str) -> str:
        """The text with every known secret replaced, and with it those that a URL in it gives away.

        A secret is found in either case, under any mix of percent-encoding, JSON's and Python's escapes and
        ``+`` for a space, up to three layers deep. Halves of surrogate pairs, for which UTF-8 has no bytes,
        are escaped.
        """
        pieces, end = [], 0
        for first, last in sorted(self._found(text)):
            if first >= end:
                pieces += [text[end:first], HIDDEN]
            end = max(end, last)
        cleaned = _USER_IN_TEXT.sub("", "".join(pieces) + text[end:])
        return _PAIR_IN_TEXT.sub(_without_value, cleaned).encode(errors="backslashreplace").decode()

    @property
    def forms(self) -> set[str]:
        """The texts that are looked for, in lower case."""
        # A copy: another thread may learn a secret meanwhile.
        return self._forms | (self._beyond.forms if self._beyond else set())

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """Yields the first and last index of each secret in the text, escapes included."""
        forms = self.forms
        if not forms:
            return
        layer = _Layer(text, range(len(text)), range(1, len(text) + 1))
        for _ in range(1 + _MAX_LAYERS):
            folded = _folded(layer.text)
            for form in forms:
                at = folded.find(form)
                while at >= 0:
                    yield layer.starts[at], layer.ends[at + len(form) - 1]
                    at = folded.find(form, at + 1)
            if not _ESCAPES.search(layer.text):
                return
            layer = layer.unescaped()


class _Layer:
    """A text and, for each of its characters, where in the outermost text it comes from."""

    def __init__(self, text: str, starts: Sequence[int], ends: Sequence[int]) -> None:
        self.text = text
        self.starts = starts
        self.ends = ends

    def unescaped(self) -> "_Layer":
        """The text that this one is an escape of."""
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for match in _ESCAPES.finditer(self.text):
            first, last = match.span()
            meant = _meaning(match)
            pieces += [self.text[at:first], meant]
            starts += [*self.starts[at:first], *[self.starts[first]] * len(meant)]
            ends += [*self.ends[at:first], *[self.ends[last - 1]] * len(meant)]
            at = last
        pieces.append(self.text[at:])
        return _Layer("".join(pieces), [*starts, *self.starts[at:]], [*ends, *self.ends[at:]])


def _meaning(escapes: "re.Match[str]") -> str:
    """The characters that a run of escapes of one sort stands for."""
    text = escapes.group()
    if escapes.lastgroup in ("percent", "bytes"):
        data = bytes.fromhex(re.sub(r"%|\\x", "", text))
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("latin-1")
    if escapes.lastgroup == "units":
        return bytes.fromhex(text.replace("\\u", "")).decode("utf-16-be", "surrogatepass")
    if escapes.lastgroup == "point":
        return chr(int(escapes["point"], 16))
    return text[1:].translate(_CONTROLS)


def _forms_of(secret: str) -> Iterator[str]:
    """The texts in which a secret is looked for."""
    data = secret.encode("utf-8", "surrogatepass")
    # http.client reads UTF-8 in a header as Latin-1; requests keeps what looks like an escape when it
    # requotes a URL, so a secret with such a sequence is also looked for with the sequence decoded.
    for plain in (secret, data.decode("latin-1")):
        yield plain
        unescaped = _Layer(plain, range(len(plain)), range(len(plain))).unescaped().text
        if len(unescaped.strip()) >= _MIN_SECRET_CHARACTERS:
            yield unescaped
    yield base64.b64encode(data).decode().rstrip("=")
    yield base64.urlsafe_b64encode(data).decode().rstrip("=")


def _folded(text: str) -> str:
    """The text in lower case and with ``+`` as a space; its length stays the same."""
    return text.translate(_FOLD)


def _without_value(pair: "re.Match[str]") -> str:
    return f"{pair[1]}={HIDDEN}" if _is_secret(pair[1]) else pair[0]
