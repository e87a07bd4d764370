"""Secrets Manager: a version never changes.

AWS takes a PutSecretValue with the id of a version that exists only if its text is the same, and then
does nothing. The emulator overwrites the version.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import secretsmanager

from local_aws.emulator.patches import patch_point

Answer = tuple[int, dict[str, str], bytes]


def apply() -> None:
    """Replaces PutSecretValue."""
    resolve = patch_point.seam(secretsmanager, "_resolve")
    patch_point.wrap(secretsmanager, "_put_secret_value", _put_once, resolve)


def _put_once(
    original: Callable[[dict[str, Any]], Answer], resolve: Callable[..., Any], request: dict[str, Any]
) -> Answer:
    _, secret = resolve(request.get("SecretId"))
    id_ = request.get("ClientRequestToken")
    version = secret["Versions"].get(id_) if secret else None
    if not version:
        return original(request)
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    if version["SecretString"] != request.get("SecretString"):
        message = "You can't modify an existing version, you can only create a new version."
        refused = {"__type": "ResourceExistsException", "message": message}
        return 400, headers, json.dumps(refused).encode()
    same = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": id_}
    return 200, headers, json.dumps(same | {"VersionStages": list(version["Stages"])}).encode()
