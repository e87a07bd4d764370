"""Secrets from Secrets Manager and the tokens got with them, kept between invocations."""

import copy
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from url_fetcher.deadline import unbounded
from url_fetcher.errors import ConfigurationError
from url_fetcher.source.auth.secrets_manager import KeepsSecrets, SecretsManager, SecretVersion

if TYPE_CHECKING:
    from url_fetcher.deadline import Deadline
    from url_fetcher.telling.redaction import Redactor

_MAX_AGE_SECONDS = 900.0  # a rotated secret that is not answered by 401 is still noticed
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_LAST_LATIN_1 = 0xFF


class SecretCache:
    """Reads each secret once and hides its values in everything that is said.

    Args:
        client: Gives the Secrets Manager client of a Region; called when a secret is read.
        redactor: Learns every value, to hide it.
        clock: Gives seconds of the wall clock: a frozen function's monotonic clock stands still.
    """

    def __init__(
        self,
        client: Callable[[str], KeepsSecrets],
        redactor: "Redactor",
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.manager = SecretsManager(client)
        self._redactor = redactor
        self._clock = clock
        self._texts: dict[str, tuple[str, float]] = {}
        self._tokens: dict[object, tuple[str, float]] = {}
        self._refused: dict[object, str] = {}
        self.unwritten: dict[object, object] = {}
        """What was granted by a token server and could not be written back yet."""
        self.owner = uuid4().hex
        self.deadline = unbounded()

    def within(self, deadline: "Deadline") -> "SecretCache":
        """The same secrets and tokens, for an invocation that does not wait for one after ``deadline``."""
        bounded = copy.copy(self)
        bounded.deadline = deadline
        return bounded

    def secret(
        self,
        arn: str,
        key: str,
        *,
        may_be_plain: bool = False,
        may_be_empty: bool = False,
        is_for_header: bool = False,
    ) -> str:
        """One value of a secret: of its JSON object, or the whole text where that is plain.

        Args:
            arn: The secret's.
            key: The value's in that JSON object.
            may_be_plain: Whether the secret may be the value alone.
            may_be_empty: Whether no characters are a value.
            is_for_header: Whether it is sent in a header as it is, and so must fit into one.

        Raises:
            ConfigurationError: When the secret is missing, may not be read or has no such key; not retryable.
            SourceUnavailable: When Secrets Manager fails; retryable.
            SourceTimeout: When it does not answer before the deadline; retryable.
        """
        text = self._text(arn)
        try:
            fields = msgspec.json.decode(text)
        except (ValueError, RecursionError):  # msgspec's own are ValueErrors
            fields = None
        if isinstance(fields, dict):
            value = fields.get(key)
        else:
            value = (fields if isinstance(fields, str) else text.strip()) if may_be_plain else None
        if not isinstance(value, str) or not (value or may_be_empty) or not _is_printable(value):
            raise ConfigurationError(
                f"secret {arn}: key {key!r} is missing, empty or not a line of text; store JSON with that key"
                + (" or the value alone" if may_be_plain else ""),
                secret_arn=arn,
            )
        self._redactor.learn(value)
        if is_for_header and not _fits_header(value):
            raise ConfigurationError(
                f"secret {arn}: key {key!r} begins or ends with a space or has a character beyond Latin-1, "
                "which a header cannot carry; store the value as the source gave it",
                secret_arn=arn,
            )
        return value

    def hide(self, value: str) -> None:
        """Hide a value that was made from a secret."""
        self._redactor.learn(value)

    def forget(self, arn: str) -> None:
        """Read the secret anew next time: the source says that it is not the right one."""
        self._texts.pop(arn, None)

    def token(self, key: object) -> str | None:
        """A token that has not expired, or None."""
        token, expires_at = self._tokens.get(key, ("", 0.0))
        return token if self._clock() < expires_at else None

    def keep_token(self, key: object, token: str, *, lifetime_seconds: float) -> None:
        """Remember and hide a token until its lifetime, less a margin for clocks and travel, is over."""
        self._redactor.learn(token)
        margin_seconds = min(60.0, lifetime_seconds / 10)
        self._tokens[key] = (token, self._clock() + lifetime_seconds - margin_seconds)

    def forget_token(self, key: object) -> None:
        """Get a new token next time: the source refuses this one."""
        token, _ = self._tokens.pop(key, ("", 0.0))
        self._refused[key] = token

    def is_refused(self, key: object, token: str) -> bool:
        """Whether the source has refused a token, and no other since."""
        return self._refused.get(key) == token

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    def current(self, arn: str) -> SecretVersion:
        """The secret as it is now, remembered.

        Raises:
            ConfigurationError, SourceUnavailable, SourceTimeout: As ``SecretsManager.read``.
        """
        version = self.manager.read(arn, self.deadline)
        self._texts[arn] = (version.text, self._clock() + _MAX_AGE_SECONDS)
        return version

    def _text(self, arn: str) -> str:
        """The secret's text, from memory while that is fresh."""
        text, expires_at = self._texts.get(arn, ("", 0.0))
        if self._clock() < expires_at:
            return text
        return self.current(arn).text


def _is_printable(value: str) -> bool:
    """Whether a value is text that cannot break out of a line."""
    return _UNPRINTABLE.search(value) is None


def _fits_header(value: str) -> bool:
    """Whether a header can carry a value as it is (RFC 9110, 5.5)."""
    return value == value.strip() and all(ord(each) <= _LAST_LATIN_1 for each in value)
