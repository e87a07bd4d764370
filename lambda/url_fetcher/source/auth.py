"""How a source learns who asks: one class for each kind of authentication, with its settings.

A new kind is a class here (or in a module of its own, as OAuth2 is) and a member of ``Auth``.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from url_fetcher.http.transport import Credentials
from url_fetcher.http.urls import without_query
from url_fetcher.source.auth_kind import AuthKind, SecretAuth, Session, basic_header
from url_fetcher.source.kinds import Key
from url_fetcher.source.oauth2 import OAuth2Auth


class NoAuth(AuthKind, frozen=True, tag="none"):
    """The source asks for nothing."""


class BearerAuth(SecretAuth, frozen=True, tag="bearer"):
    """``Authorization: Bearer`` with a token from a secret: plain text, or JSON with ``secret_key``."""

    secret_key: Key = "token"  # noqa: S105 (a name inside the secret)

    def credentials(self, session: Session) -> Credentials:
        """The token's header."""
        token = session.secrets.secret(
            self.secret_arn, self.secret_key, may_be_plain=True, is_for_header=True
        )
        return Credentials(headers={"Authorization": f"Bearer {token}"})


class BasicAuth(SecretAuth, frozen=True, tag="basic"):
    """``Authorization: Basic`` with a user and a password from a JSON secret."""

    username_key: Key = "username"
    password_key: Key = "password"  # noqa: S105 (a name inside the secret)

    def credentials(self, session: Session) -> Credentials:
        """The header of both; the password may be empty, as some APIs take their key as the user."""
        user = session.secrets.secret(self.secret_arn, self.username_key)
        password = session.secrets.secret(self.secret_arn, self.password_key, may_be_empty=True)
        return Credentials(headers={"Authorization": basic_header(user, password, session.secrets)})


class ApiKeyAuth(SecretAuth, frozen=True, tag="api_key"):
    """A key from a secret (plain text, or JSON with ``secret_key``) in a header or a query parameter."""

    secret_key: Key = "api_key"  # noqa: S105 (a name inside the secret)
    location: Literal["header", "query"] = "header"
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.~-]{1,128}$")] = "X-Api-Key"

    def credentials(self, session: Session) -> Credentials:
        """The key in its header or parameter."""
        is_for_header = self.location == "header"
        key = session.secrets.secret(
            self.secret_arn, self.secret_key, may_be_plain=True, is_for_header=is_for_header
        )
        given = {self.name: key}
        return Credentials(headers=given) if is_for_header else Credentials(query=given)

    def without_secret(self, url: str) -> str:
        """The URL without the key, where it is a parameter of it."""
        return without_query(url, self.name) if self.location == "query" else url


Auth: TypeAlias = NoAuth | BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth
