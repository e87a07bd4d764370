"""Proves to a source who asks, with secrets that are read when they are needed."""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Protocol
from urllib.parse import quote, urlencode

import msgspec

from url_fetcher.errors import MalformedBody, SourceRejected, SourceUnavailable
from url_fetcher.redaction import public_url
from url_fetcher.retry import is_retried, retry_after_seconds
from url_fetcher.schema import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth, OAuth2Auth
from url_fetcher.transport import Credentials, Request, Transport

if TYPE_CHECKING:
    from url_fetcher.vault import Vault

_MAX_TOKEN_ANSWER_BYTES = 64 * 1024
_OK = 200
# What a server does not tell is taken as five minutes: short enough for most, renewed on 401 otherwise.
_DEFAULT_LIFETIME_SECONDS = 300.0


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
        return _ClientCredentials(auth, vault(), transport)
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
            return Credentials(headers={"Authorization": _basic(user, password, self._vault)})
        value = secret(auth.secret_arn, auth.secret_key, may_be_plain=True)
        if isinstance(auth, BearerAuth):
            return Credentials(headers={"Authorization": f"Bearer {value}"})
        if auth.location == "header":
            return Credentials(headers={auth.name: value})
        return Credentials(query={auth.name: value})

    def refresh(self) -> bool:
        self._vault.forget(self._auth.secret_arn)
        return True


class _Token(msgspec.Struct):
    """A token server's answer (RFC 6749, 5.1)."""

    access_token: Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[\x21-\x7e]+$")]
    expires_in: float | str = _DEFAULT_LIFETIME_SECONDS


class _ClientCredentials:
    """An OAuth2 token got for a client's id and secret, kept until it expires."""

    def __init__(self, auth: OAuth2Auth, vault: "Vault", transport: Transport) -> None:
        self._auth = auth
        self._vault = vault
        self._transport = transport

    def credentials(self) -> Credentials:
        token = self._vault.token(self._auth) or self._fetch()
        return Credentials(headers={"Authorization": f"Bearer {token}"})

    def refresh(self) -> bool:
        self._vault.forget_token(self._auth)
        self._vault.forget(self._auth.secret_arn)
        return True

    def _fetch(self) -> str:
        """A new token."""
        url = public_url(self._auth.token_url)
        response = self._transport.open(self._request(), Credentials())
        try:
            if is_retried(response.status):
                asked = retry_after_seconds(response.headers.get("Retry-After"))
                raise SourceUnavailable(
                    f"{url}: the token server answers {response.status}",
                    status=response.status,
                    retry_after_seconds=asked,
                )
            if response.status != _OK:
                self._vault.forget(self._auth.secret_arn)
                raise SourceRejected(
                    f"{url}: the token server answers {response.status}; check its client, secret and scope",
                    token_status=response.status,
                )
            answer = response.read(_MAX_TOKEN_ANSWER_BYTES)
        finally:
            response.close()
        return self._kept(answer, url)

    def _kept(self, answer: bytes, url: str) -> str:
        """The token of an answer, remembered."""
        try:
            token = msgspec.json.decode(answer, type=_Token)
            lifetime_seconds = float(token.expires_in)
        except (msgspec.MsgspecError, ValueError):
            # The cause would show the answer, and with it the token.
            raise MalformedBody(
                f"{url}: the token server's answer has no usable access_token", offset=0
            ) from None
        self._vault.keep_token(self._auth, token.access_token, lifetime_seconds=lifetime_seconds)
        return token.access_token

    def _request(self) -> Request:
        """The request for a token (RFC 6749, 4.4.2); it follows no redirect, for it carries the secret."""
        auth, secret = self._auth, self._vault.secret
        client_id = secret(auth.secret_arn, auth.client_id_key)
        client_secret = secret(auth.secret_arn, auth.client_secret_key)
        form = {"grant_type": "client_credentials", "scope": auth.scope, "audience": auth.audience}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if auth.client_credentials_in == "body":
            form |= {"client_id": client_id, "client_secret": client_secret}
        else:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            headers["Authorization"] = _basic(
                quote(client_id, safe=""), quote(client_secret, safe=""), self._vault
            )
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        return Request(
            url=auth.token_url,
            home=auth.token_url,
            method="POST",
            headers=headers,
            body=body,
            follow_redirects=False,
        )


def _basic(user: str, password: str, vault: "Vault") -> str:
    """The value of ``Authorization`` for a user and a password (RFC 7617)."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    vault.hide(encoded)
    return f"Basic {encoded}"
