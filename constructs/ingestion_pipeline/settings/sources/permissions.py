"""Permissions that sources need in addition to reading secrets, as the schema declares them.

A field of the schema with ``permits`` holds an ARN; the actions named there are permitted on it, as far as
they belong to the ARN's service.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).with_name("schema.json")
METHOD = "{Method}"
ANY_METHOD = ""
SECRETS = "secretsmanager"

FULL_ARN, WORD_AT_THE_END = "-[A-Za-z0-9]{6}$", "-[a-z]{6}$"
"""Endings of an ARN: the suffix of Secrets Manager, and one that may be a word instead."""


@dataclass(frozen=True)
class Declared:
    """One action that a kind of authentication needs.

    Attributes:
        kind: The kind.
        key: Its key that holds the ARN.
        action: Such as ``execute-api:Invoke``.
        method: The method of the sources that need it; empty: any.
    """

    kind: str
    key: str
    action: str
    method: str = ANY_METHOD

    @property
    def service(self) -> str:
        """The ARN's service, if the action is for it."""
        return self.action.partition(":")[0]

    def arn_of(self, source: Mapping[str, Any]) -> str:
        """The ARN that a source needs the action on; empty if it needs none."""
        auth = source.get("auth") or {}
        arn = str(auth.get(self.key) or "")
        if auth.get("kind") != self.kind or self.method not in (ANY_METHOD, source.get("method", "GET")):
            return ""
        # Only Terraform knows an ARN that is a reference.
        service = auth.get("service", self.service) if "TfToken[" in arn else f"{arn}::".split(":")[2]
        return arn if service == self.service else ""


@cache
def declared() -> tuple[Declared, ...]:
    """Every action that a kind declares."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    methods = schema["Source"]["properties"]["method"]["enum"]
    kinds = schema["Source"]["properties"]["auth"]["discriminator"]["mapping"]
    return tuple(
        each
        for kind, place in sorted(kinds.items())
        for key, about in schema[place.rpartition("/")[2]]["properties"].items()
        for action in about.get("permits", ())
        for each in _each_method(kind, key, action, methods)
    )


def _each_method(kind: str, key: str, action: str, methods: Sequence[str]) -> list[Declared]:
    if METHOD not in action:
        return [Declared(kind, key, action)]
    return [Declared(kind, key, action.replace(METHOD, each.title()), each) for each in methods]


def permitted(sources: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[str]]:
    """The ARNs of a policy for every declared action; none where no source needs it."""
    found: dict[str, dict[str, None]] = {each.action: {} for each in declared()}
    for each in declared():
        arns = filter(None, map(each.arn_of, sources))
        found[each.action] |= dict.fromkeys(as_resources(arns) if each.service == SECRETS else arns)
    return {action: list(arns) for action, arns in found.items()}


def as_resources(secret_arns: Any) -> list[str]:
    """The resources of a policy that permits secrets, each once.

    An ARN may lack the six characters that Secrets Manager adds; then any six are permitted:
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html.
    One that ends in a word of six letters may be either, and both are permitted.
    """
    given = list(dict.fromkeys(secret_arns))
    full = [arn for arn in given if re.search(FULL_ARN, arn) or "TfToken[" in arn]
    partial = [arn for arn in given if arn not in full or re.search(WORD_AT_THE_END, arn)]
    return [*full, *(f"{arn}-??????" for arn in partial)]


def sid(action: str) -> str:
    """An action in letters and digits, such as ``ExecuteApiInvoke``."""
    return "".join(word[:1].upper() + word[1:] for word in re.split("[^A-Za-z0-9]", action))
