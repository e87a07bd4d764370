"""Authentication at a source: one class for each kind, with its settings.

A new kind is a class here, or in a module of its own such as OAuth2's, and a member of ``Auth``.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from url_fetcher.errors import ConfigurationError
from url_fetcher.http.headers import CONNECTION_HEADER, NAME, is_of_the_connection
from url_fetcher.http.transport import Credentials
from url_fetcher.http.urls import without_query
from url_fetcher.source.auth.auth_kind import AuthKind, SecretAuth, Session, basic_header
from url_fetcher.source.auth.aws_sigv4 import AwsSigV4Auth
from url_fetcher.source.auth.oauth2 import OAuth2Auth
from url_fetcher.source.auth.oauth2_refresh import OAuth2RefreshAuth
from url_fetcher.source.kinds import Key

HeaderName: TypeAlias = Annotated[
    str,
    Meta(
        pattern=NAME,
        extra_json_schema={"not": {"pattern": CONNECTION_HEADER}},
    ),
]


class NoAuth(AuthKind, frozen=True, tag="none"):
    """The source needs no authentication."""


class BearerAuth(SecretAuth, frozen=True, tag="bearer"):
    """``Authorization: Bearer`` with a token from a secret: plain text, or JSON with ``secret_key``.

    ``prefix`` replaces ``Bearer``; an empty one sends the token alone.
    """

    secret_key: Key = "token"  # noqa: S105 (a name inside the secret)
    prefix: Annotated[str, Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{0,64}$")] = "Bearer"

    def credentials(self, session: Session) -> Credentials:
        """The header with the token."""
        token = session.secrets.secret(
            self.secret_arn, self.secret_key, may_be_plain=True, is_for_header=True
        )
        return Credentials(headers={"Authorization": f"{self.prefix} {token}".lstrip(" ")})


class BasicAuth(SecretAuth, frozen=True, tag="basic"):
    """``Authorization: Basic`` with a user and a password from a JSON secret.

    With an empty ``password_key`` the password is empty, and the secret may be plain text: some APIs take
    their key as the user.
    """

    username_key: Key = "username"
    password_key: Annotated[str, Meta(max_length=128)] = "password"  # noqa: S105 (a name inside the secret)

    def credentials(self, session: Session) -> Credentials:
        """The header with user and password."""
        user = session.secrets.secret(self.secret_arn, self.username_key, may_be_plain=not self.password_key)
        # The server would take the rest of the user's name as part of the password.
        if ":" in user:
            raise ConfigurationError(
                f"secret {self.secret_arn}: key {self.username_key!r} has a colon, which ends a user's name "
                "(RFC 7617); store user and password under keys of their own",
                secret_arn=self.secret_arn,
            )
        password = self.password_key and session.secrets.secret(
            self.secret_arn, self.password_key, may_be_empty=True
        )
        return Credentials(headers={"Authorization": basic_header(user, password, session.secrets)})


class ApiKeyAuth(SecretAuth, frozen=True, tag="api_key"):
    """A key from a secret (plain text, or JSON with ``secret_key``) in a header or a query parameter."""

    secret_key: Key = "api_key"  # noqa: S105 (a name inside the secret)
    location: Literal["header", "query"] = "header"
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.~-]{1,128}$")] = "X-Api-Key"

    def __post_init__(self) -> None:
        """Refuses headers that control the connection, by which a request could be smuggled."""
        if self.location == "header" and is_of_the_connection(self.name):
            raise ValueError(f"`name`: the header {self.name} is set by the client itself; take the source's")

    def credentials(self, session: Session) -> Credentials:
        """The key in its header or query parameter."""
        is_for_header = self.location == "header"
        key = session.secrets.secret(
            self.secret_arn, self.secret_key, may_be_plain=True, is_for_header=is_for_header
        )
        given = {self.name: key}
        return Credentials(headers=given) if is_for_header else Credentials(query=given)

    def without_secret(self, url: str) -> str:
        """The URL without the key, if the key is a query parameter."""
        return without_query(url, self.name) if self.location == "query" else url


class HeadersAuth(SecretAuth, frozen=True, kw_only=True, tag="headers"):
    """Several headers, each with one value of a JSON secret."""

    headers: Annotated[dict[HeaderName, Key], Meta(min_length=1, max_length=16)]

    def __post_init__(self) -> None:
        """Refuses headers that control the connection, by which a request could be smuggled."""
        for name in filter(is_of_the_connection, self.headers):
            raise ValueError(f"`headers.{name}` is set by the client itself: remove it")

    def credentials(self, session: Session) -> Credentials:
        """All headers with their values."""
        return Credentials(
            headers={
                name: session.secrets.secret(self.secret_arn, key, is_for_header=True)
                for name, key in self.headers.items()
            }
        )


Auth: TypeAlias = (
    NoAuth | BearerAuth | BasicAuth | ApiKeyAuth | HeadersAuth | OAuth2Auth | OAuth2RefreshAuth | AwsSigV4Auth
)
