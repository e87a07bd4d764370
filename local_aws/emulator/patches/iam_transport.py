"""IAM: requests count as sent over TLS, with ``TLS_IN_FRONT=true``.

On AWS every request comes over TLS, and a policy that demands it (``aws:SecureTransport``) is met.
The emulator listens on loopback without TLS, so with ``AUTH=true`` such a policy denies everything.
This stands for a proxy in front of it that ends TLS; it proves nothing about TLS itself.
"""

import os
from collections.abc import Callable

from ministack import app

from local_aws.emulator.patches import patch_point

VARIABLE = "TLS_IN_FRONT"


def apply() -> None:
    """Lets requests count as sent over TLS if the environment says so."""
    if os.environ.get(VARIABLE) == "true":
        patch_point.wrap(app, "pin_request_origin", _over_tls)


def _over_tls(original: Callable[[str, bool], None], source_ip: str, _: bool) -> None:
    original(source_ip, True)
