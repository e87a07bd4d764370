"""A token server with the API behind it: each refresh token is good once, an access token until the next."""

import json
import threading
from collections.abc import Callable
from urllib.parse import parse_qsl

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer


class RotatingTokens:
    """Its behaviours; the first refresh token is ``refresh-0``.

    Args:
        kept: Returns the refresh token that the client has stored so far.

    Attributes:
        asked: The refresh tokens that were sent.
        used_too_early: Requests for records before the refresh token that belongs to them was kept.
        fault: Replaces the next grant.
    """

    def __init__(self, kept: Callable[[], str]) -> None:
        self.number = 0
        self.asked: list[str] = []
        self.used_too_early: list[str] = []
        self.fault: Behaviour | None = None
        self._kept = kept
        self._mutex = threading.Lock()

    def token(self, connection: Connection, request: Request) -> None:
        """New tokens for the last refresh token; RFC 6749's refusal for any other."""
        form = dict(parse_qsl(request.body.decode()))
        with self._mutex:
            self.asked.append(form.get("refresh_token", ""))
            fault, self.fault = self.fault, None
            is_right = (
                form.get("refresh_token") == f"refresh-{self.number}"
                and form["grant_type"] == "refresh_token"
            )
            if is_right and not fault:
                self.number += 1
            granted = {"access_token": f"access-{self.number}", "refresh_token": f"refresh-{self.number}"}
        refusal = answer(b'{"error": "invalid_grant"}', status=400)
        body = json.dumps(granted | {"expires_in": 3600}).encode()
        (fault or (answer(body) if is_right else refusal))(connection, request)

    def records(self, connection: Connection, request: Request) -> None:
        """One record for the last access token."""
        authorization = request.headers.get("authorization", "")
        with self._mutex:
            is_right = authorization == f"Bearer access-{self.number}"
            if self._kept() != f"refresh-{self.number}":
                self.used_too_early.append(authorization)
        answer(b"[1]" if is_right else b"", status=200 if is_right else 401)(connection, request)
