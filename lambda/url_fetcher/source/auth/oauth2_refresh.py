"""OAuth2 refresh tokens (RFC 6749, 6) that change at each use: the new one is stored in the same secret.

One run at a time renews the token. It first writes a lock as a version of the secret with its own stage,
which also proves that it may write. It stores the granted tokens before it uses the access token, so that the
next run has the new refresh token. Other runs use the access token that is stored in the secret.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID, uuid4, uuid5

import msgspec
from msgspec import Meta

from url_fetcher.deadline import unbounded
from url_fetcher.errors import DeadlineExceeded, SourceRejected, SourceUnavailable
from url_fetcher.http.transport import Credentials
from url_fetcher.source.auth.auth_kind import PERMITS, KeyArn, SecretArn, Session
from url_fetcher.source.auth.granted import Granted, TokenPaths
from url_fetcher.source.auth.oauth2 import TokenAuth
from url_fetcher.source.kinds import Key, Path

if TYPE_CHECKING:
    from url_fetcher.source.auth.secrets import SecretCache
    from url_fetcher.source.auth.secrets_manager import SecretVersion

T = TypeVar("T", "_Lock", "_Shared")
_IDS = UUID("6f6b1d0e-6a0c-5d2b-9d55-3c1f6a8f7e21")
_LOCK_STAGE = "url-fetcher-lock"
_SHARED = "url_fetcher"
# A run that was killed leaves its lock, which delays the next run for this long. The time doubles with each
# lock, because each one is a version, and Secrets Manager keeps about a hundred versions of one day.
_LOCK_SECONDS, _MAX_LOCK_SECONDS = 60.0, 1800.0
_MAX_WAIT_SECONDS, _POLL_SECONDS = 20.0, 1.0
_LEAST_SECONDS = 10.0
_MAX_SECRET_BYTES = 65_536
_MAX_TRIES = 3


class _Lock(msgspec.Struct):
    """The owner of the right to renew a version, its end, and the number of locks before it."""

    base: str = ""
    owner: str = ""
    until: float = 0.0
    number: int = 0


class _Shared(msgspec.Struct):
    """An access token stored in the secret for all runs; ``asked`` is a hash of the settings it was for."""

    access_token: str = ""
    expires_at: float = 0.0
    asked: str = ""


@dataclass(frozen=True, repr=False)
class _Unwritten:
    """Granted tokens that are not stored in the secret yet."""

    used: str
    granted: Granted
    expires_at: float
    id: UUID


class OAuth2RefreshAuth(TokenAuth, frozen=True, kw_only=True, tag="oauth2_refresh_token"):
    """The refresh token grant; if the server rotates the refresh token, the secret is updated."""

    secret_arn: Annotated[SecretArn, Meta(extra_json_schema={PERMITS: ["secretsmanager:PutSecretValue"]})]
    kms_key: Annotated[KeyArn, Meta(extra_json_schema={PERMITS: ["kms:GenerateDataKey"]})] = ""
    refresh_token_key: Key = "refresh_token"  # noqa: S105 (a name inside the secret)
    refresh_token_path: Path = TokenPaths().refresh_token

    @property
    def _paths(self) -> TokenPaths:
        return TokenPaths(self.token_path, self.expires_in_path, self.refresh_token_path)

    def credentials(self, session: Session) -> Credentials:
        """The header with a token that has not expired, after its refresh token was stored."""
        # Tokens of an earlier invocation of this process may still wait for a write that failed.
        self._write_back(session.secrets)
        token = session.secrets.token(self.key) or self._renewed(session)
        return Credentials(headers={"Authorization": f"Bearer {token}"})

    def _renewed(self, session: Session) -> str:
        """Returns the token that another run stored, or renews it."""
        secrets = session.secrets
        waited = 0.0
        while True:
            version = secrets.current(self.secret_arn)
            if token := self._of_others(version, secrets):
                return token
            # An outdated version has a used refresh token; using it again makes some servers revoke all.
            if self._lock(version, secrets) and secrets.current(self.secret_arn).id == version.id:
                return self._exchanged(session)
            if waited >= _MAX_WAIT_SECONDS:
                raise SourceUnavailable(
                    f"secret {self.secret_arn}: another run renews its token, or ended while it did; "
                    "ask later",
                    secret_arn=self.secret_arn,
                )
            secrets.deadline.wait(_POLL_SECONDS, reason="waiting for the run that renews the token")
            waited += _POLL_SECONDS

    def _of_others(self, version: "SecretVersion", secrets: "SecretCache") -> str:
        """The access token that is stored in the secret; empty if it is missing, expired or refused."""
        shared = _decoded(_fields(version.text).get(_SHARED), _Shared)
        secrets.hide(shared.access_token)
        seconds = shared.expires_at - secrets.now()
        if shared.asked != self._asked or seconds <= 0 or not shared.access_token:
            return ""
        if secrets.is_refused(self.key, shared.access_token):
            return ""
        secrets.keep_token(self.key, shared.access_token, lifetime_seconds=seconds)
        return secrets.token(self.key) or ""

    @property
    def _asked(self) -> str:
        return hashlib.sha256(self.key).hexdigest()

    def _lock(self, version: "SecretVersion", secrets: "SecretCache") -> bool:
        """Takes the lock on this version of the secret; False if another run has it.

        If two runs write a lock of the same number, one fails: both use the same version id, and Secrets
        Manager never changes the text of a version.
        """
        found = secrets.manager.staged(self.secret_arn, _LOCK_STAGE, secrets.deadline)
        last = _decoded(_fields(found.text if found else ""), _Lock)
        number = 0
        if last.base == version.id:
            if last.until > secrets.now():
                # A lock of this very process is its own from an attempt before.
                return last.owner == secrets.owner
            number = last.number + 1
        lock = _Lock(
            base=version.id,
            owner=secrets.owner,
            until=secrets.now() + min(_LOCK_SECONDS * 2.0**number, _MAX_LOCK_SECONDS),
            number=number,
        )
        return secrets.manager.write(
            self.secret_arn,
            msgspec.json.encode(lock).decode(),
            secrets.deadline,
            version_id=str(uuid5(_IDS, f"{version.id}/{number}")),
            stage=_LOCK_STAGE,
        )

    def _exchanged(self, session: Session) -> str:
        """Renews the token and stores the refresh token that came with it."""
        secrets = session.secrets
        # A run that ends between the grant and the write would lose the only refresh token.
        if secrets.deadline.remaining < _LEAST_SECONDS:
            raise DeadlineExceeded(
                f"secret {self.secret_arn}: under {_LEAST_SECONDS:g} s are left, too few to renew its "
                "token; raise `limits.timeout_seconds` or the function's timeout"
            )
        used = secrets.secret(self.secret_arn, self.refresh_token_key)
        try:
            granted = self.ask(session, {"grant_type": "refresh_token", "refresh_token": used})
        except SourceRejected as error:
            error.args = (
                f"{error}; if it no longer takes the refresh token, authorize anew and store the new one as "
                f"{self.refresh_token_key!r} in secret {self.secret_arn}",
            )
            raise
        if granted.access_token or granted.refresh_token:
            expires_at = secrets.now() + granted.lifetime_seconds
            secrets.unwritten[self.key] = _Unwritten(used, granted, expires_at, uuid4())
            self._write_back(secrets)
        return self.use(granted, session)

    def _write_back(self, secrets: "SecretCache") -> None:
        """Stores granted tokens, unless somebody has stored another refresh token meanwhile.

        The deadline does not end it, because no other copy of the refresh token exists.
        """
        unwritten = secrets.unwritten.get(self.key)
        if not isinstance(unwritten, _Unwritten):
            return
        patient = secrets.within(unbounded())
        for _ in range(_MAX_TRIES):
            current = patient.current(self.secret_arn)
            fields = _fields(current.text)
            if fields.get(self.refresh_token_key) != unwritten.used or patient.manager.write(
                self.secret_arn,
                self._text(fields, unwritten),
                patient.deadline,
                version_id=str(uuid5(unwritten.id, current.id)),
            ):
                del secrets.unwritten[self.key]
                secrets.forget(self.secret_arn)
                return
        raise SourceUnavailable(f"secret {self.secret_arn}: is changed again and again; ask later")

    def _text(self, fields: dict[str, Any], unwritten: _Unwritten) -> str:
        """The secret with the granted tokens; without the access token if both exceed 64 KiB."""
        granted = unwritten.granted
        kept = fields | {self.refresh_token_key: granted.refresh_token or unwritten.used}
        shared = _Shared(granted.access_token, unwritten.expires_at, self._asked)
        text = msgspec.json.encode(kept | {_SHARED: shared})
        return (text if len(text) <= _MAX_SECRET_BYTES else msgspec.json.encode(kept)).decode()


def _fields(text: str) -> dict[str, Any]:
    """The members of a secret; empty if it is not a JSON object."""
    try:
        fields = msgspec.json.decode(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _decoded(value: object, type_: type[T]) -> T:
    """Converts the value; returns an empty one if it has another form, as anybody can edit a secret."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return type_()
