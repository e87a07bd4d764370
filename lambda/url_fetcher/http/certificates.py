"""Checks the certificates of authorities that a source trusts beside the public ones."""

import ssl
from typing import Annotated, TypeAlias

from msgspec import Meta

Certificates: TypeAlias = Annotated[
    str,
    Meta(
        max_length=65_536,
        # Nothing else may stand between them: a private key would be stored and shown with the source.
        pattern=r"^(\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)*\s*$",
    ),
]


def refuse_bad_certificates(pem: str) -> None:
    """Raises if OpenSSL cannot read the certificates.

    Raises:
        ValueError: With OpenSSL's reason.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise ValueError(
            f"`ca_certificates` cannot be read ({reason}): copy each certificate whole, in PEM"
        ) from error
