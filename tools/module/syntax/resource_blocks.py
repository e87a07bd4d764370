"""Resources and data sources as blocks of Terraform's own language, from the structure of its JSON."""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tools.module.syntax.blocks import Blocks, blocks_of
from tools.module.syntax.expressions import expression, template

FIRST = ("count", "for_each", "provider")
LAST = ("lifecycle", "depends_on")
NAMES = ("sid", "id", "name", "function_name", "bucket")
"""Arguments that say what a resource is called; of the others ``tags`` comes last."""

BARE = {"provider", "depends_on", "ignore_changes", "replace_triggered_by"}
"""Arguments that hold addresses, not values."""

IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")
LIST_CHARACTERS = 80
COMMENT_CHARACTERS = 98

Remarks = Mapping[str, str]
"""Comments, by kind, by ``<kind>.<argument>``, or by a quoted word in a line."""


def resource_lines(mode: str, kind: str, name: str, body: Mapping[str, Any], remarks: Remarks) -> list[str]:
    """The lines of one block, neither indented nor aligned.

    Args:
        mode: ``resource`` or ``data``.
        kind: Such as ``aws_s3_bucket``.
        name: The second label.
        body: The resource in Terraform's JSON.
        remarks: Become comments before the lines that they are about.

    Raises:
        UnknownKind: When it is not known which arguments of the kind are blocks.
    """
    blocks = blocks_of(kind if mode == "resource" else f"data.{kind}")
    unsaid = {place: remark for place, remark in remarks.items() if place.startswith("aws_")}
    head = [*_remark(kind, unsaid), f'{mode} "{kind}" "{name}" {{']
    return [*head, *with_remarks(_body(body, blocks, kind, unsaid), remarks), "}"]


def comment(text: str) -> list[str]:
    """The text as lines of a comment."""
    wrapped = textwrap.wrap(text, COMMENT_CHARACTERS, break_long_words=False, break_on_hyphens=False)
    return [f"# {line}" for line in wrapped]


def with_remarks(lines: Iterable[str], remarks: Remarks) -> Iterator[str]:
    """The lines, with what is remarked about a word before each that has it."""
    words = {word: remark for word, remark in remarks.items() if not word.startswith("aws_")}
    for line in lines:
        for word, remark in words.items():
            if f'"{word}"' in line:
                yield from comment(remark)
        yield line


def _remark(place: str, unsaid: dict[str, str]) -> list[str]:
    """The comment about a place, which is made once a resource."""
    return comment(unsaid.pop(place, ""))


def _body(body: Mapping[str, Any], blocks: Blocks, path: str, unsaid: dict[str, str]) -> Iterator[str]:
    """Meta-arguments, arguments, blocks, then what concerns the order, with an empty line between them."""
    kept = {name: value for name, value in body.items() if value is not None}
    nested = [name for name in kept if name == "dynamic" or (name in blocks and name != "lifecycle")]
    # Of blocks with one name, those that are always there come before the conditional ones: the order counts.
    nested.sort(key=lambda name: name not in kept.get("dynamic", ()))
    plain = [name for name in kept if name not in {*FIRST, *LAST, *nested}]
    named = [name for name in NAMES if name in plain]
    tags = [name for name in plain if name == "tags"]
    rest = [name for name in plain if name not in {*named, *tags}]
    paragraphs = [
        _arguments({name: kept[name] for name in FIRST if name in kept}, path, unsaid),
        _arguments({name: kept[name] for name in [*named, *rest, *tags]}, path, unsaid),
    ]
    for name in [*nested, "lifecycle"]:
        paragraphs += _paragraphs(name, kept.get(name), blocks, path, unsaid)
    order = {name: kept[name] for name in LAST if name in kept and name != "lifecycle"}
    paragraphs.append(_arguments(order, path, unsaid))
    for index, paragraph in enumerate(each for each in paragraphs if each):
        yield from [""] if index else []
        yield from paragraph


def _paragraphs(
    name: str, value: Any, blocks: Blocks, path: str, unsaid: dict[str, str]
) -> Iterator[list[str]]:
    """Each nested block of one name; of the name ``dynamic``, those that it stands for."""
    if name == "dynamic":
        for label, dynamics in value.items():
            for dynamic in dynamics:
                yield _dynamic(label, dynamic, blocks[label], f"{path}.{label}", unsaid)
        return
    for body in value if isinstance(value, list) else [value] if value is not None else []:
        place = f"{path}.{name}"
        yield [*_remark(place, unsaid), f"{name} {{", *_body(body, blocks[name], place, unsaid), "}"]


def _dynamic(
    label: str, dynamic: Mapping[str, Any], blocks: Blocks, path: str, unsaid: dict[str, str]
) -> list[str]:
    content = _body(dynamic["content"], blocks, path, unsaid)
    each = _assignment("for_each", dynamic["for_each"])
    return [*_remark(path, unsaid), f'dynamic "{label}" {{', *each, "", "content {", *content, "}", "}"]


def _arguments(values: Mapping[str, Any], path: str, unsaid: dict[str, str]) -> list[str]:
    return [
        line
        for name, value in values.items()
        for line in (*_remark(f"{path}.{name}", unsaid), *_assignment(name, value))
    ]


def _assignment(name: str, value: Any) -> list[str]:
    bare = name in BARE
    key = name if IDENTIFIER.fullmatch(name) else template(name)
    first, *more = _value(value, bare=bare)
    return [f"{key} = {first}", *more]


def _value(value: Any, *, bare: bool = False) -> list[str]:
    """The lines of a value's expression."""
    if isinstance(value, str):
        return [value] if bare else expression(value).splitlines()
    if isinstance(value, Mapping):
        inner = [line for name, each in value.items() for line in _assignment(name, each)]
        return ["{", *inner, "}"] if inner else ["{}"]
    if isinstance(value, list):
        return _list([_value(each, bare=bare) for each in value])
    return [json.dumps(value)]


def _list(items: list[list[str]]) -> list[str]:
    whole = f"[{', '.join(item[0] for item in items)}]"
    if all(len(item) == 1 for item in items) and len(whole) <= LIST_CHARACTERS:
        return [whole]
    return ["[", *(line for item in items for line in (*item[:-1], f"{item[-1]},")), "]"]
