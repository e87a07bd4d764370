"""Stands in for AWS: files for the stream and for the dead letters' bucket, a variable for the secret."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from url_fetcher.source.auth.auth import Auth, HeadersAuth

_GZIP = b"\x1f\x8b"
_SHARED = "url_fetcher"  # what the function itself stores in a secret


class LinesFile:
    """A Kinesis client whose stream is a file with one line for each record, as the lake has it.

    Args:
        path: The file, which is emptied.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
        """Appends the lines of all records, and accepts them."""
        with self.path.open("ab") as file:
            for record in Records:
                data = record["Data"]
                file.write(gzip.decompress(data) if data.startswith(_GZIP) else data)
        return {
            "FailedRecordCount": 0,
            "Records": [{"SequenceNumber": "1", "ShardId": "file"}] * len(Records),
        }


class DeadLettersFile:
    """An S3 client that appends every object to one file.

    Args:
        path: The file; one of an earlier run is removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reasons: Counter[str] = Counter()
        path.unlink(missing_ok=True)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
        """Appends the lines and counts their reasons."""
        lines = gzip.decompress(Body)
        with self.path.open("ab") as file:
            file.write(lines)
        self.reasons.update(str(json.loads(line)["reason"]) for line in lines.splitlines())
        return {}


class GivenSecret:
    """A client of Secrets Manager that knows one secret.

    Args:
        text: The secret.
        path: Gets the secret if a token server replaces what is in it, because no other copy exists.
    """

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.path = path
        self.is_replaced = False
        self._stages: dict[str, str] = {}

    def get_secret_value(self, *, SecretId: str, VersionStage: str = "") -> dict[str, str]:  # noqa: N803, ARG002
        """The secret, or its version of a stage."""
        text = self._stages.get(VersionStage) if VersionStage else self.text
        return {"SecretString": text} if text is not None else {}

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803, ARG002
        SecretString: str,  # noqa: N803
        ClientRequestToken: str,  # noqa: N803, ARG002
        VersionStages: Sequence[str],  # noqa: N803
    ) -> dict[str, str]:
        """Keeps the secret; a refresh token that was replaced also goes to the file."""
        if "AWSCURRENT" not in VersionStages:
            self._stages |= dict.fromkeys(VersionStages, SecretString)
            return {}
        if _own(SecretString) != _own(self.text):
            self.is_replaced = True
            self.path.touch(mode=0o600)
            self.path.write_text(json.dumps(_own(SecretString)), encoding="utf-8")
        self.text = SecretString
        return {}


def _own(secret: str) -> dict[str, Any]:
    """The members of a secret that its owner stored there."""
    return {key: value for key, value in json.loads(secret).items() if key != _SHARED}


def form_of(auth: Auth) -> str:
    """The form of the secret that a kind of authentication needs, as JSON; empty if it needs none."""
    if not hasattr(auth, "secret_arn"):
        return ""
    names = [name for name in auth.__struct_fields__ if name.endswith("_key") and name != "kms_key"]
    keys = auth.headers.values() if isinstance(auth, HeadersAuth) else (getattr(auth, name) for name in names)
    return json.dumps({key: "…" for key in keys if key}, ensure_ascii=False)
