"""A cache of secrets and tokens that outlives an invocation."""

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

_MAX_AGE_SECONDS = 900.0  # for sources that answer a rotated secret with another status than 401
# Control characters could inject headers; half of a surrogate pair cannot be sent.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_LAST_LATIN_1 = 0xFF


class SecretCache:
    """Reads each secret once and hides its values in logs and errors.

    Args:
        client: Returns the Secrets Manager client of a Region; called when a secret is read.
        redactor: Learns every value, to hide it.
        clock: Returns wall clock seconds, because the monotonic clock stops while Lambda freezes a function.
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
        self.hide = redactor.learn
        """Hides values that were derived from a secret."""
        self.now = clock
        self._texts: dict[str, tuple[str, float]] = {}
        self._tokens: dict[object, tuple[str, float]] = {}
        self._refused: dict[object, str] = {}
        self.unwritten: dict[object, object] = {}
        """Tokens that a token server granted and that are not stored in their secret yet."""
        self.owner = uuid4().hex
        self.deadline = unbounded()

    def within(self, deadline: "Deadline") -> "SecretCache":
        """Returns a view on the same secrets and tokens whose reads end at ``deadline``."""
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
        """Returns one value of a secret: a member of its JSON object, or the whole text if it is plain.

        Args:
            arn: The secret's ARN.
            key: The member of the JSON object.
            may_be_plain: True if the secret may be plain text instead of an object.
            may_be_empty: True if the value may be empty.
            is_for_header: True if the value is sent in a header and so must fit into one.

        Raises:
            ConfigurationError: When the secret is missing, may not be read or has no such key; not retryable.
            SourceUnavailable: When Secrets Manager fails; retryable.
            SourceTimeout: When it does not answer before the deadline; retryable.
        """
        text = self._text(arn)
        try:
            fields = msgspec.json.decode(text)
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            fields = None
        if isinstance(fields, dict):
            value = fields.get(key)
        else:
            value = (fields if isinstance(fields, str) else text.strip()) if may_be_plain else None
        if not isinstance(value, str) or not (value or may_be_empty) or _UNPRINTABLE.search(value):
            raise ConfigurationError(
                f"secret {arn}: key {key!r} is missing, empty or not a line of text; store JSON with that key"
                + (" or the value alone" if may_be_plain else ""),
                secret_arn=arn,
            )
        # Learned before it is used, so that not even the next error can show it.
        self.hide(value)
        if is_for_header and not _fits_header(value):
            raise ConfigurationError(
                f"secret {arn}: key {key!r} begins or ends with a space or has a character beyond Latin-1, "
                "which a header cannot carry; store the value as the source gave it",
                secret_arn=arn,
            )
        return value

    def forget(self, arn: str) -> None:
        """Drops a secret that the source refuses, so that it is read again."""
        self._texts.pop(arn, None)

    def token(self, key: object) -> str | None:
        """Returns a token that has not expired, or None."""
        token, expires_at = self._tokens.get(key, ("", 0.0))
        return token if self.now() < expires_at else None

    def keep_token(self, key: object, token: str, *, lifetime_seconds: float) -> None:
        """Caches and hides a token; it expires early, to allow for clock skew and the request's own time."""
        self.hide(token)
        margin_seconds = min(60.0, lifetime_seconds / 10)
        self._tokens[key] = (token, self.now() + lifetime_seconds - margin_seconds)

    def forget_token(self, key: object) -> None:
        """Drops a token that the source refuses."""
        token, _ = self._tokens.pop(key, ("", 0.0))
        self._refused[key] = token

    def is_refused(self, key: object, token: str) -> bool:
        """True if this is the last token that the source refused."""
        return self._refused.get(key) == token

    def current(self, arn: str) -> SecretVersion:
        """Reads the secret and caches it.

        Raises:
            ConfigurationError, SourceUnavailable, SourceTimeout: As ``SecretsManager.read``.
        """
        version = self.manager.read(arn, self.deadline)
        self._texts[arn] = (version.text, self.now() + _MAX_AGE_SECONDS)
        return version

    def _text(self, arn: str) -> str:
        """The secret's text, from the cache if that is younger than 15 minutes."""
        text, expires_at = self._texts.get(arn, ("", 0.0))
        if self.now() < expires_at:
            return text
        return self.current(arn).text


def _fits_header(value: str) -> bool:
    """True if a header can carry a value unchanged (RFC 9110, 5.5)."""
    return value == value.strip() and all(ord(each) <= _LAST_LATIN_1 for each in value)
