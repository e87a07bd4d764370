"""Knows the arguments of a resource that are nested blocks; HCL writes them differently, JSON does not."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("blocks.json")
"""From the provider's schema; `provider_schema` writes it."""

Blocks = Mapping[str, Any]
"""The nested blocks of a block by their name, each with those within it."""

LIFECYCLE: Blocks = {"precondition": {}, "postcondition": {}}


class UnknownKind(KeyError):
    """When the table does not have a kind of resource."""


def blocks_of(kind: str) -> Blocks:
    """The nested blocks of a kind of resource.

    Args:
        kind: Such as ``aws_s3_bucket``, or ``data.aws_region``.

    Raises:
        UnknownKind: When the table does not have it.
    """
    try:
        return {**_table()[kind], "lifecycle": LIFECYCLE}
    except KeyError:
        raise UnknownKind(
            f"{TABLE.name} does not have {kind}: `python -m tools.module.provider_schema` adds it"
        ) from None


@cache
def _table() -> Mapping[str, Blocks]:
    return json.loads(TABLE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
