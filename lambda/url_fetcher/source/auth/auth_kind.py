"""The base of every kind of authentication, and its inputs."""

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
"""Keyword of a field with an ARN in the schema: the IAM actions on that ARN that the function's role needs.

Only the actions of the ARN's own service are granted. ``{Method}`` becomes ``Get`` or ``Post``, by the
source's ``method``. The constructs read it from the schema, so a new kind declares its permissions only here.
"""

KeyArn: TypeAlias = Annotated[
    str, Meta(max_length=256, pattern=r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$")
]


@dataclass(frozen=True)
class Session:
    """The resources that authentication may use.

    Args:
        open_secrets: Returns the secrets; called only by a kind that needs one.
        transport: Sends requests to token servers.
        own_role: Returns the keys and the Region of the function's own role; called only when needed.
        turn: A lock held while credentials are fetched, so that one thread at a time asks a token server.
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
    """The function's own identity in AWS.

    Args:
        credentials: Returns the role's current keys; None if there are none.
        region: The Region in which the function runs.
    """

    credentials: "Callable[[], ReadOnlyCredentials | None]"
    region: str


class AuthKind(Kind, frozen=True):
    """One kind of authentication."""

    def credentials(self, session: Session) -> Credentials:
        """Returns what to send with the next request; nothing by default.

        Raises:
            ConfigurationError: When a secret cannot be used; not retryable.
            SourceRejected: When a token server refuses the client; not retryable.
            SourceUnavailable: When Secrets Manager or a token server fails; retryable.
            SourceTimeout: When one of them does not answer in time; retryable.
        """
        return Credentials()

    def forget(self, session: Session) -> bool:
        """After a 401: drops cached secrets and tokens; False if there are none."""
        return False

    def without_secret(self, url: str) -> str:
        """The URL of a request without the parameters that this kind added."""
        return url


class SecretAuth(AuthKind, frozen=True, kw_only=True):
    """The base of every kind with a secret.

    Attributes:
        secret_arn: The secret's ARN, with or without the six random characters that Secrets Manager appends.
        kms_key: ARN of the customer managed key that encrypts the secret, which the role may then use.
    """

    secret_arn: SecretArn
    kms_key: KeyArn = ""

    def forget(self, session: Session) -> bool:
        """Drops the cached secret, so that the next request reads a rotated one."""
        session.secrets.forget(self.secret_arn)
        return True


def basic_header(user: str, password: str, secrets: "SecretCache") -> str:
    """The value of ``Authorization`` for a user and a password (RFC 7617)."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    # Base64 is no protection: redaction must know this form of the secret, too.
    secrets.hide(encoded)
    return f"Basic {encoded}"
