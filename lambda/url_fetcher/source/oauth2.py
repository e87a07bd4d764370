"""OAuth2 client credentials (RFC 6749, 4.4): a token for a client's id and secret."""

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta

from url_fetcher.errors import MalformedBody, SourceRejected, SourceUnavailable
from url_fetcher.http.retry import is_retried, retry_after_seconds
from url_fetcher.http.transport import Credentials, Request
from url_fetcher.redaction import public_url
from url_fetcher.source.auth_kind import SecretAuth, Session, basic_header
from url_fetcher.source.kinds import HttpUrl, Key

if TYPE_CHECKING:
    from url_fetcher.source.secrets import SecretCache

_MAX_TOKEN_ANSWER_BYTES = 64 * 1024
_OK = 200
# What a server does not tell is taken as five minutes: short enough for most, renewed on 401 otherwise.
_DEFAULT_LIFETIME_SECONDS = 300.0
_MAX_LIFETIME_SECONDS = 86_400.0 * 365


class _Token(msgspec.Struct):
    """A token server's answer (RFC 6749, 5.1)."""

    access_token: Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[\x21-\x7e]+$")]
    expires_in: float | str = _DEFAULT_LIFETIME_SECONDS


class OAuth2Auth(SecretAuth, frozen=True, kw_only=True, tag="oauth2_client_credentials"):
    """A token got from ``token_url`` (RFC 6749, 4.4) with a client's id and secret from a JSON secret."""

    token_url: HttpUrl
    client_id_key: Key = "client_id"
    client_secret_key: Key = "client_secret"  # noqa: S105 (a name inside the secret)
    client_credentials_in: Literal["basic", "body"] = "basic"
    scope: Annotated[str, Meta(max_length=2048)] = ""
    audience: Annotated[str, Meta(max_length=2048)] = ""

    def credentials(self, session: Session) -> Credentials:
        """The header of a token that has not expired."""
        token = session.secrets.token(self) or self._fetch(session)
        return Credentials(headers={"Authorization": f"Bearer {token}"})

    def forget(self, session: Session) -> bool:
        """Forget the token and the secret it was got with."""
        session.secrets.forget_token(self)
        return super().forget(session)

    def _fetch(self, session: Session) -> str:
        """A new token."""
        url = public_url(self.token_url)
        response = session.transport.open(self._request(session.secrets), Credentials())
        try:
            if is_retried(response.status):
                asked = retry_after_seconds(response.headers.get("Retry-After"))
                raise SourceUnavailable(
                    f"{url}: the token server answers {response.status}",
                    status=response.status,
                    retry_after_seconds=asked,
                )
            if response.status != _OK:
                session.secrets.forget(self.secret_arn)
                raise SourceRejected(
                    f"{url}: the token server answers {response.status}; check its client, secret and scope",
                    token_status=response.status,
                )
            answer = response.read(_MAX_TOKEN_ANSWER_BYTES)
        finally:
            response.close()
        return self._kept(answer, url, session.secrets)

    def _kept(self, answer: bytes, url: str, secrets: "SecretCache") -> str:
        """The token of an answer, remembered."""
        try:
            token = msgspec.json.decode(answer, type=_Token)
            lifetime_seconds = float(token.expires_in)
            if not 0 <= lifetime_seconds <= _MAX_LIFETIME_SECONDS:
                lifetime_seconds = _DEFAULT_LIFETIME_SECONDS
        except (msgspec.MsgspecError, ValueError, RecursionError):
            # The cause would show the answer, and with it the token.
            raise MalformedBody(
                f"{url}: the token server's answer has no usable access_token", offset=0
            ) from None
        secrets.keep_token(self, token.access_token, lifetime_seconds=lifetime_seconds)
        return token.access_token

    def _request(self, secrets: "SecretCache") -> Request:
        """The request for a token (RFC 6749, 4.4.2); it carries the secret and so follows no redirect."""
        client_id = secrets.secret(self.secret_arn, self.client_id_key)
        client_secret = secrets.secret(self.secret_arn, self.client_secret_key)
        form = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.client_credentials_in == "body":
            form |= {"client_id": client_id, "client_secret": client_secret}
        else:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            user, password = quote(client_id, safe=""), quote(client_secret, safe="")
            headers["Authorization"] = basic_header(user, password, secrets)
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        return Request(
            url=self.token_url,
            home=self.token_url,
            method="POST",
            headers=headers,
            body=body,
            follow_redirects=False,
        )
