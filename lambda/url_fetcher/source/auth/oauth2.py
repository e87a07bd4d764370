"""OAuth2 (RFC 6749): requests to a token server, and the client credentials grant."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta

from url_fetcher.errors import MalformedBody, SourceRejected, SourceUnavailable
from url_fetcher.http.retry import asked_seconds, is_retried
from url_fetcher.http.transport import Credentials, Request
from url_fetcher.source.auth.auth_kind import SecretAuth, Session, basic_header
from url_fetcher.source.auth.granted import Granted, TokenPaths, answer_of, refusal_of
from url_fetcher.source.kinds import HttpUrl, Key, NonEmptyPath, Path
from url_fetcher.telling.redaction import public_url

if TYPE_CHECKING:
    from url_fetcher.source.auth.secrets import SecretCache

# Parameters that have their own setting, and names of secrets, which belong into Secrets Manager.
_OWN_PARAMETER = (
    "^(grant_type|client_id|scope|audience)$|[Ss][Ee][Cc][Rr][Ee][Tt]|[Pp][Aa][Ss][Ss]|[Tt][Oo][Kk][Ee][Nn]"
    "|[Aa][Ss][Ss][Ee][Rr][Tt]"
)
Parameter: TypeAlias = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,128}$", extra_json_schema={"not": {"pattern": _OWN_PARAMETER}})
]
_GRANTED = {200, 201, 203}


class TokenAuth(SecretAuth, frozen=True, kw_only=True):
    """The base of grants: a token from ``token_url``, with a client's id and secret from a JSON secret."""

    token_url: HttpUrl
    client_id_key: Key = "client_id"
    client_secret_key: Key = "client_secret"  # noqa: S105 (a name inside the secret)
    client_credentials_in: Literal["basic", "body"] = "basic"
    client_id_parameter: Key = "client_id"
    client_secret_parameter: Key = "client_secret"  # noqa: S105 (the parameter's name)
    request_format: Literal["form", "json"] = "form"
    token_path: NonEmptyPath = TokenPaths().token
    expires_in_path: Path = TokenPaths().expires_in
    scope: Annotated[str, Meta(max_length=2048)] = ""
    parameters: dict[Parameter, Annotated[str, Meta(min_length=1, max_length=2048)]] = msgspec.field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        """Refuses parameters that have a setting of their own or may be secret."""
        for name in filter(re.compile(_OWN_PARAMETER).search, self.parameters):
            raise ValueError(
                f"`parameters.{name}` has a key of its own or may be secret (docs/sources/authentication.md)"
            )

    @property
    def key(self) -> bytes:
        """The cache key of its token: all settings, so that sources that differ in one share none."""
        return msgspec.json.encode(self)

    @property
    def _paths(self) -> TokenPaths:
        return TokenPaths(self.token_path, self.expires_in_path)

    def forget(self, session: Session) -> bool:
        """Drops the cached token and the secret that it was requested with."""
        session.secrets.forget_token(self.key)
        return super().forget(session)

    def ask(self, session: Session, form: Mapping[str, str]) -> Granted:
        """Requests a token.

        Raises:
            IngestionError: As ``AuthKind.credentials``; no message quotes the request or the answer.
        """
        url = public_url(self.token_url)
        response = session.transport.open(self._request(session.secrets, form), Credentials())
        try:
            if is_retried(response.status, response.headers):
                asked = asked_seconds(response.status, response.headers)
                raise SourceUnavailable(
                    f"{url}: the token server answers {response.status}",
                    status=response.status,
                    retry_after_seconds=asked,
                )
            status = response.status
            answer = answer_of(response, url) if status in _GRANTED else refusal_of(response)
        finally:
            response.close()
        granted = Granted.of(answer, session.secrets, self._paths)
        if status not in _GRANTED:
            # The client's secret may have been rotated: the next attempt reads it again.
            session.secrets.forget(self.secret_arn)
            raise SourceRejected(
                f"{url}: the token server answers {status}{granted.reason}; "
                "check its client, secret and scope",
                token_status=status,
            )
        return granted

    def use(self, granted: Granted, session: Session) -> str:
        """Returns the granted access token and caches it.

        Raises:
            MalformedBody: When there is none that a header could carry; not retryable.
        """
        if not granted.access_token:
            raise MalformedBody(
                f"{public_url(self.token_url)}: the token server's answer has no usable token at "
                f"auth.token_path = {self.token_path!r}{granted.reason}"
            )
        session.secrets.keep_token(self.key, granted.access_token, lifetime_seconds=granted.lifetime_seconds)
        return granted.access_token

    def _request(self, secrets: "SecretCache", asked: Mapping[str, str]) -> Request:
        """The request for a token (RFC 6749, 4.4.2); it has the secret, so it follows no redirect."""
        client_id = secrets.secret(self.secret_arn, self.client_id_key)
        client_secret = secrets.secret(self.secret_arn, self.client_secret_key)
        form = {**asked, "scope": self.scope, **self.parameters}
        is_json = self.request_format == "json"
        media_type = "application/json" if is_json else "application/x-www-form-urlencoded"
        headers = {"Content-Type": media_type, "Accept": "application/json"}
        if self.client_credentials_in == "body":
            form |= {self.client_id_parameter: client_id, self.client_secret_parameter: client_secret}
        else:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            user, password = quote(client_id, safe=""), quote(client_secret, safe="")
            headers["Authorization"] = basic_header(user, password, secrets)
        given = {name: value for name, value in form.items() if value}
        body = msgspec.json.encode(given) if is_json else urlencode(given).encode()
        return Request(
            url=self.token_url,
            home=self.token_url,
            method="POST",
            headers=headers,
            body=body,
            follow_redirects=False,
        )


class OAuth2Auth(TokenAuth, frozen=True, kw_only=True, tag="oauth2_client_credentials"):
    """The client credentials grant: a token for the client itself (RFC 6749, 4.4)."""

    audience: Annotated[str, Meta(max_length=2048)] = ""

    def credentials(self, session: Session) -> Credentials:
        """The header with a token that has not expired."""
        token = session.secrets.token(self.key)
        if not token:
            form = {"grant_type": "client_credentials", "audience": self.audience}
            token = self.use(self.ask(session, form), session)
        return Credentials(headers={"Authorization": f"Bearer {token}"})
