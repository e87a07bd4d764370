"""Checks AWS's signatures (SigV4) as AWS does, from a request's bytes alone and without botocore.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer

_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Signer:
    """The key that a request must be signed with, and the service.

    Args:
        access_key: The key's id.
        secret_key: The key.
        region: Region of the service.
        service: Name of the service in the signature.
        token: Token of the session; empty for a user's key.
    """

    access_key: str
    secret_key: str
    region: str
    service: str
    token: str = ""


def signature(request: Request, signer: Signer, headers: str) -> str:
    """The signature that a request with these signed headers must have."""
    time, payload = request.headers.get("x-amz-date", ""), hashlib.sha256(request.body).hexdigest()
    path, _, query = request.target.partition("?")
    canonical = [
        request.method,
        quote(path, safe="/-_.~"),
        _canonical(query),
        *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in headers.split(";")),
        "",
        headers,
        payload,
    ]
    scope = f"{time[:8]}/{signer.region}/{signer.service}/aws4_request"
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{signer.secret_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return _hmac(key, f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}").hex()


def fault(request: Request, signer: Signer) -> str:
    """The fault of a request's signature; empty if there is none."""
    given = _FORM.fullmatch(request.headers.get("authorization", ""))
    if not given:
        return "no signature"
    names = given["headers"].split(";")
    needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if not needed <= set(names):
        return f"not signed: {needed - set(names)}"
    if (given["key"], given["region"], given["service"]) != (
        signer.access_key,
        signer.region,
        signer.service,
    ):
        return "another scope"
    if request.headers.get("x-amz-security-token", "") != signer.token:
        return "another session"
    if request.headers.get("x-amz-content-sha256") != hashlib.sha256(request.body).hexdigest():
        return "another body"
    if not hmac.compare_digest(signature(request, signer, given["headers"]), given["signature"]):
        return "another request"
    return ""


def signed(behaviour: Behaviour, signer: Signer) -> Behaviour:
    """Behaves so for a request that is signed rightly; answers 403 to any other, as AWS does."""

    def behave(connection: Connection, request: Request) -> None:
        wrong = fault(request, signer)
        (answer(wrong.encode(), status=403) if wrong else behaviour)(connection, request)

    return behave


def _canonical(query: str) -> str:
    """The query as AWS signs it: decoded, encoded and sorted."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encoded(text: str) -> str:
    return quote(unquote_plus(text, errors="surrogateescape"), safe="-_.~", errors="surrogateescape")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
