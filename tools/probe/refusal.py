"""Advice for a status that brings no records."""

import re
from collections.abc import Mapping

_SCHEME = re.compile(r"(?:^|,\s*)([A-Za-z][\w-]*)(?=\s|,|$)(?!\s*=)")
_KINDS = {"basic": 'auth.kind = "basic"', "bearer": 'auth.kind = "bearer" or "oauth2_client_credentials"'}
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY = 401, 403, 429


def refusal(status: int, headers: Mapping[str, str]) -> str:
    """Describes a status, with the kinds of authentication that may help."""
    if status == _UNAUTHORIZED:
        return f"the source answers 401, it wants to know who asks: {_asked(headers)}"
    if status == _FORBIDDEN:
        return f"the source answers 403: {_forbidden(headers)}"
    if status == _TOO_MANY:
        waits = headers.get("Retry-After", "not said")
        return f"the source answers 429, too many requests; Retry-After: {waits}"
    return f"the source answers {status}; check the URL, its query, the method and the headers"


def _asked(headers: Mapping[str, str]) -> str:
    """The kinds of authentication for the schemes in WWW-Authenticate."""
    schemes = _SCHEME.findall(headers.get("WWW-Authenticate", ""))
    if not schemes:
        return 'it does not say how; try auth.kind = "bearer", "api_key" or "basic"'
    kinds = (_KINDS.get(each.lower(), f'auth.kind = "bearer" with prefix = "{each}"') for each in schemes)
    return f"WWW-Authenticate suggests {'; '.join(kinds)}"


def _forbidden(headers: Mapping[str, str]) -> str:
    used_up = [name for name in headers if name.lower().endswith("remaining") and headers[name] == "0"]
    if used_up:
        return f"a limit is used up, {used_up[0]} is 0; ask later"
    return (
        'it wants credentials (auth.kind = "bearer" or "api_key"), others than were sent, or a User-Agent '
        "with an address"
    )
