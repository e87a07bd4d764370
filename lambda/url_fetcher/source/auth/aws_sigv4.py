"""AWS's signatures (SigV4), with the function's own role: private API Gateways, OpenSearch, function URLs."""

import hashlib
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, unquote_to_bytes

from msgspec import Meta

from url_fetcher.errors import ConfigurationError, SourceUnavailable
from url_fetcher.http.transport import Credentials
from url_fetcher.source.auth.auth_kind import PERMITS, AuthKind, Session

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from requests import PreparedRequest

_ACTIONS = [
    "execute-api:Invoke", "es:ESHttp{Method}", "aoss:APIAccessAll",
    "lambda:InvokeFunctionUrl", "lambda:InvokeFunction",
]  # fmt: skip


class AwsSigV4Auth(AuthKind, frozen=True, kw_only=True, tag="aws_sigv4"):
    """Signs each request with the keys of the function's own role.

    Attributes:
        service: The service's name in the signature.
        region: The service's Region; empty for the function's own.
        resource_arn: The resource that the role is allowed to call.
    """

    service: Literal["execute-api", "es", "aoss", "lambda"]
    region: Annotated[str, Meta(pattern=r"^([a-z]{2,3}(-[a-z]+)+-[0-9]{1,2})?$")] = ""
    resource_arn: Annotated[
        str,
        Meta(
            max_length=512,
            pattern=r"^(arn:aws[a-z-]*:(execute-api|es|aoss|lambda):[a-z0-9-]+:[0-9]{12}:[^*?\s]\S+)?$",
            extra_json_schema={PERMITS: _ACTIONS},
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuses a resource of another service."""
        if self.resource_arn and self.resource_arn.split(":")[2] != self.service:
            raise ValueError(
                f"`resource_arn` is not of `service` = {self.service!r}: give the ARN that belongs to `url`"
            )

    def credentials(self, session: Session) -> Credentials:
        """A signer with keys that are valid now."""
        from botocore.exceptions import BotoCoreError

        role = session.own_role()
        try:
            keys = role.credentials()
        except BotoCoreError as error:
            raise SourceUnavailable(
                f"auth: no keys of the function's role ({type(error).__name__}); try again"
            ) from error
        region = self.region or role.region
        if keys is None or not region:
            raise ConfigurationError(
                "auth: the function finds no keys of a role or no Region; set AWS_REGION and the role's keys"
            )
        for secret in filter(None, (keys.secret_key, keys.token)):
            session.secrets.hide(secret)
        # Signed at the last moment: a signature covers the final URL and expires after minutes.
        return Credentials(sign=lambda request: sign(request, keys, self.service, region))


def sign(request: "PreparedRequest", keys: "ReadOnlyCredentials", service: str, region: str) -> None:
    """Signs a request in the form in which it will be sent.

    The query is rewritten to its canonical form first, because services disagree about others, such as ``+``
    for a space. Only headers that no proxy changes are signed.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    request.url = with_canonical_query(str(request.url))
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    # OpenSearch Serverless demands the hash as a header; the others take it.
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    signed = {
        name: value
        for name, value in request.headers.items()
        if name.lower() == "content-type" or name.lower().startswith("x-amz-")
    }
    outgoing = AWSRequest(method=request.method, url=request.url, headers=signed, data=body)
    SigV4Auth(keys, service, region).add_auth(outgoing)
    request.headers.update(dict(outgoing.headers.items()))


def with_canonical_query(url: str) -> str:
    """The URL with its query percent-encoded as AWS encodes it (RFC 3986, every pair with ``=``)."""
    base, _, query = url.partition("#")[0].partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    encoded = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)
    return f"{base}?{encoded}" if encoded else base


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="-_.~")
