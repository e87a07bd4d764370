"""What every kind of authentication is and needs."""

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeAlias

from msgspec import Meta

from url_fetcher.http.transport import Credentials, Transport
from url_fetcher.source.kinds import Kind

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

    from url_fetcher.source.auth.secrets import SecretCache

SecretArn: TypeAlias = Annotated[
    str, Meta(max_length=700, pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:\S+$")
]

PERMITS = "permits"
"""Beside a field that holds an ARN, in the schema: the actions on it that the function's role is permitted.

Those are permitted that belong to the ARN's service; ``{Method}`` stands for ``Get`` or ``Post``, as the
source's ``method`` says. What deploys reads it from the schema, so that a kind needs no permission elsewhere.
"""

KeyArn: TypeAlias = Annotated[
    str, Meta(max_length=256, pattern=r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$")
]


@dataclass(frozen=True)
class Session:
    """What a kind of authentication works with.

    Args:
        open_secrets: Gives the secrets; called only by a kind that needs one.
        transport: Sends requests to token servers.
        own_role: Gives the keys and the Region of the function's own role; called likewise.
        turn: Held while credentials are got: a token server is asked by one thread at a time.
    """

    open_secrets: Callable[[], "SecretCache"]
    transport: Transport
    own_role: Callable[[], "OwnRole"]
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)

    @property
    def secrets(self) -> "SecretCache":
        """The secrets and tokens."""
        return self.open_secrets()


@dataclass(frozen=True)
class OwnRole:
    """What the function itself is in AWS.

    Args:
        credentials: Gives the role's keys, new ones when the last ones expire.
        region: Where the function runs.
    """

    credentials: "Callable[[], ReadOnlyCredentials | None]"
    region: str


class AuthKind(Kind, frozen=True):
    """One kind of authentication."""

    def credentials(self, session: Session) -> Credentials:
        """What to send now; nothing, unless a kind says otherwise.

        Raises:
            ConfigurationError: When a secret cannot be used; not retryable.
            SourceRejected: When a token server refuses the client; not retryable.
            SourceUnavailable: When a service fails; retryable.
            SourceTimeout: When one does not answer in time; retryable.
        """
        return Credentials()

    def forget(self, session: Session) -> bool:
        """After a 401: read secrets and tokens anew next time; False when there are none."""
        return False

    def without_secret(self, url: str) -> str:
        """The URL of a request without what this kind has added to it."""
        return url


class SecretAuth(AuthKind, frozen=True, kw_only=True):
    """One kind of authentication with a secret.

    Attributes:
        secret_arn: The secret's ARN, with or without the six characters that Secrets Manager adds.
        kms_key: ARN of the key of yours that the secret is encrypted with; the function may then use it.
    """

    secret_arn: SecretArn
    kms_key: KeyArn = ""

    def forget(self, session: Session) -> bool:
        """Read the secret anew."""
        session.secrets.forget(self.secret_arn)
        return True


def basic_header(user: str, password: str, secrets: "SecretCache") -> str:
    """The value of ``Authorization`` for a user and a password (RFC 7617)."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    secrets.hide(encoded)
    return f"Basic {encoded}"
