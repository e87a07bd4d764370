"""Proves to a source who asks, with secrets that are read when they are needed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from url_fetcher.http.transport import Credentials, Transport
from url_fetcher.source.oauth2 import ClientCredentials, basic_header
from url_fetcher.source.schema import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth, OAuth2Auth

if TYPE_CHECKING:
    from url_fetcher.source.secrets import Vault


class Authenticator(Protocol):
    """Gives credentials for each request."""

    def credentials(self) -> Credentials:
        """What to send now.

        Raises:
            ConfigurationError: When a secret cannot be used; not retryable.
            SourceRejected: When the token server refuses the client; not retryable.
            SourceUnavailable: When a service fails; retryable.
        """

    def refresh(self) -> bool:
        """After a 401: read secrets and tokens anew next time; False when there are none."""


def authenticator(auth: Auth, *, vault: Callable[[], "Vault"], transport: Transport) -> Authenticator:
    """The authenticator for a source's settings; the vault is opened only for one that needs a secret."""
    if isinstance(auth, NoAuth):
        return _Anonymous()
    if isinstance(auth, OAuth2Auth):
        return ClientCredentials(auth, vault(), transport)
    return _FromSecret(auth, vault())


class _Anonymous:
    def credentials(self) -> Credentials:
        return Credentials()

    def refresh(self) -> bool:
        return False


class _FromSecret:
    """Bearer token, user and password, or API key: straight from a secret."""

    def __init__(self, auth: BearerAuth | BasicAuth | ApiKeyAuth, vault: "Vault") -> None:
        self._auth = auth
        self._vault = vault

    def credentials(self) -> Credentials:
        auth, secret = self._auth, self._vault.secret
        if isinstance(auth, BasicAuth):
            user = secret(auth.secret_arn, auth.username_key)
            # Some APIs take their key as the user, without a password.
            password = secret(auth.secret_arn, auth.password_key, may_be_empty=True)
            return Credentials(headers={"Authorization": basic_header(user, password, self._vault)})
        value = secret(auth.secret_arn, auth.secret_key, may_be_plain=True)
        if isinstance(auth, BearerAuth):
            return Credentials(headers={"Authorization": f"Bearer {value}"})
        if auth.location == "header":
            return Credentials(headers={auth.name: value})
        return Credentials(query={auth.name: value})

    def refresh(self) -> bool:
        self._vault.forget(self._auth.secret_arn)
        return True
