"""Writes a source as a ``[[sources]]`` block of pipeline.toml, or as the module's argument ``sources``."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tools.ground.text import CONTROL, one_line


def toml_block(source: Mapping[str, Any], doubts: Iterable[str] = ()) -> str:
    """The block of pipeline.toml, with doubts as comments above it."""
    comments = [f"# {one_line(doubt)}" for doubt in doubts]
    lines = [f"{_key(key)} = {_value(value)}" for key, value in source.items()]
    return "\n".join([*comments, "[[sources]]", *lines]) + "\n"


def hcl_block(source: Mapping[str, Any], doubts: Iterable[str] = ()) -> str:
    """The argument ``sources`` of the Terraform module, with doubts as comments above it."""
    comments = [f"# {one_line(doubt)}" for doubt in doubts]
    width = max(len(_hcl_key(key)) for key in source)
    lines = [f"    {_hcl_key(key):{width}} = {_hcl_value(value)}" for key, value in source.items()]
    return "\n".join([*comments, "sources = [", "  {", *lines, "  },", "]"]) + "\n"


def _hcl_value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_hcl_key(key)} = {_hcl_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_hcl_value, value))}]"
    return _hcl_text(value) if isinstance(value, str) else json.dumps(value)


def _hcl_text(text: str) -> str:
    # HCL has fewer short escapes than JSON, and would evaluate ${…} and %{…}.
    plain = json.dumps(text, ensure_ascii=False).replace("\\b", "\\u0008").replace("\\f", "\\u000c")
    plain = re.sub(r"([$%])\{", r"\1\1{", plain)
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def _hcl_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key) else _hcl_text(key)


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
