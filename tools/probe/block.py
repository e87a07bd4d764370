"""Writes a source as a ``[[sources]]`` block of pipeline.toml."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tools.ground.text import CONTROL, one_line


def block(source: Mapping[str, Any], doubts: Iterable[str] = ()) -> str:
    """The block, with doubts as comments above it."""
    comments = [f"# {one_line(doubt)}" for doubt in doubts]
    lines = [f"{_key(key)} = {_value(value)}" for key, value in source.items()]
    return "\n".join([*comments, "[[sources]]", *lines]) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(text: str) -> str:
    # TOML accepts JSON's escapes, but wants DEL escaped, too; terminals obey the C1 controls after it.
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)
