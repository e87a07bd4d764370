"""OAuth2 client credentials (RFC 6749, 4.4): a token for a client's id and secret."""

import base64
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

import msgspec

from url_fetcher.errors import MalformedBody, SourceRejected, SourceUnavailable
from url_fetcher.http.retry import is_retried, retry_after_seconds
from url_fetcher.http.transport import Credentials, Request, Transport
from url_fetcher.redaction import public_url
from url_fetcher.source.schema import OAuth2Auth

if TYPE_CHECKING:
    from url_fetcher.source.secrets import Vault

_MAX_TOKEN_ANSWER_BYTES = 64 * 1024
_OK = 200
# What a server does not tell is taken as five minutes: short enough for most, renewed on 401 otherwise.
_DEFAULT_LIFETIME_SECONDS = 300.0
_LONGEST_LIFETIME_SECONDS = 86_400.0 * 365


class _Token(msgspec.Struct):
    """A token server's answer (RFC 6749, 5.1)."""

    access_token: Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[\x21-\x7e]+$")]
    expires_in: float | str = _DEFAULT_LIFETIME_SECONDS


class ClientCredentials:
    """An OAuth2 token got for a client's id and secret, kept until it expires."""

    def __init__(self, auth: OAuth2Auth, vault: "Vault", transport: Transport) -> None:
        self._auth = auth
        self._vault = vault
        self._transport = transport

    def credentials(self) -> Credentials:
        """The token's header; see ``Authenticator``."""
        token = self._vault.token(self._auth) or self._fetch()
        return Credentials(headers={"Authorization": f"Bearer {token}"})

    def refresh(self) -> bool:
        """Forget the token and the secret it was got with."""
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
            if not 0 <= lifetime_seconds <= _LONGEST_LIFETIME_SECONDS:
                lifetime_seconds = _DEFAULT_LIFETIME_SECONDS
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
            headers["Authorization"] = basic_header(
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


def basic_header(user: str, password: str, vault: "Vault") -> str:
    """The value of ``Authorization`` for a user and a password (RFC 7617)."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    vault.hide(encoded)
    return f"Basic {encoded}"
