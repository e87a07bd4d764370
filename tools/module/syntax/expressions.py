"""Terraform's own language as text: where expressions end, and the layout that ``terraform fmt`` wants."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

OPENING, CLOSING = "([{", ")]}"
INTERPOLATION = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
ASSIGNMENT = re.compile(r"(?<![=!<>])=(?![=>])")
INDENT = "  "


class Unbalanced(ValueError):
    """When a bracket or a quote is never closed."""


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a template in order: whether a part is an expression, and its text without ``${ }``.

    A directive, ``%{ }``, counts as literal text.

    Raises:
        Unbalanced: When an expression does not end.
    """
    literal, place = "", 0
    while found := INTERPOLATION.search(text, place):
        end = _end_of_expression(text, found.end())
        literal += text[place : found.start()]
        if found[0] == "${":
            yield from [(False, literal)] if literal else []
            yield True, text[found.end() : end]
            literal = ""
        else:
            literal += text[found.start() : end + 1]
        place = end + 1
    literal += text[place:]
    yield from [(False, literal)] if literal else []


def template(text: str) -> str:
    """A string whose ``${…}`` are Terraform's to fill in."""
    parts = (f"${{{part}}}" if is_expression else _escaped(part) for is_expression, part in pieces(text))
    return f'"{"".join(parts)}"'


def expression(text: str) -> str:
    """The expression for a string of Terraform's JSON: bare if it is nothing else, or a template."""
    parts = list(pieces(text))
    return parts[0][1].strip() if [is_expression for is_expression, _ in parts] == [True] else template(text)


def layout(lines: Iterable[str]) -> str:
    """The lines as ``terraform fmt`` indents and aligns them; no line begins or ends within a string.

    Raises:
        Unbalanced: When a string does not end on its line.
    """
    placed: list[tuple[str, str | None]] = []
    opened: list[int] = []
    for line in (line.strip() for line in lines):
        left, value = _assignment(line)
        net = _net_brackets(line)
        _close(opened, -net)
        placed.append(((INDENT * len(opened) if line else "") + left, value))
        opened += [net] if net > 0 else []
    return "".join(f"{line}\n" for line in _aligned(placed))


def _aligned(placed: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Names of arguments on lines that follow each other get the same width."""
    for has_value, chain in groupby(placed, lambda line: line[1] is not None):
        lines = list(chain)
        width = max(len(name) for name, _ in lines) if has_value else 0
        yield from (f"{name.ljust(width)} {value}" if has_value else name for name, value in lines)


def _assignment(line: str) -> tuple[str, str | None]:
    """The name and ``= value`` of a line that holds the whole of both; otherwise the line and None."""
    if line.startswith("#"):
        return line, None
    found = ASSIGNMENT.search(_without_strings(line))
    if not found or _net_brackets(line[found.start() :]):
        return line, None
    return line[: found.start()].rstrip(), line[found.start() :]


def _net_brackets(line: str) -> int:
    bare = "" if line.startswith("#") else _without_strings(line)
    return sum(bare.count(sign) for sign in OPENING) - sum(bare.count(sign) for sign in CLOSING)


def _close(opened: list[int], closed: int) -> None:
    """Take from the indents as many as ``terraform fmt`` does for that many brackets that close."""
    while closed > 0 and opened:
        if closed < opened[-1]:
            opened[-1] -= closed
            return
        closed -= opened.pop()


def _without_strings(line: str) -> str:
    """The line with ``"`` in place of every character of a string."""
    bare, place = "", 0
    while (start := line.find('"', place)) >= 0:
        end = _end_of_string(line, start + 1)
        bare += line[place:start] + '"' * (end + 1 - start)
        place = end + 1
    return bare + line[place:]


def _end_of_expression(text: str, start: int) -> int:
    """The position of the bracket that closes what was opened before ``start``."""
    depth, place = 0, start
    while place < len(text):
        sign = text[place]
        if sign == '"':
            place = _end_of_string(text, place + 1)
        elif sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            if not depth:
                return place
            depth -= 1
        place += 1
    raise Unbalanced(f"{text!r}: an expression does not end")


def _end_of_string(text: str, start: int) -> int:
    """The position of the quote that ends the string that begins at ``start``."""
    place = start
    while place < len(text):
        if text[place] == '"':
            return place
        if found := INTERPOLATION.match(text, place):
            place = _end_of_expression(text, found.end())
        place += 2 if text[place] == "\\" else 1
    raise Unbalanced(f"{text!r}: a string does not end")


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
