"""An XML element as a JSON value."""

import msgspec

_SPACE = " \t\r\n"
_encode = msgspec.json.Encoder().encode


class ElementTree:
    """Builds a value from the events of a parser.

    An element with neither attributes nor children becomes its text. Any other becomes an object: attributes
    under ``@`` and their name, children under their name, in an array if several have the same, and text
    under ``#text``, unless it is white space. Declarations of namespaces are left out.
    """

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, object], list[str]]] = []

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """Begins an element."""
        members: dict[str, object] = {}
        for key, value in attributes.items():
            if key != "xmlns" and not key.startswith("xmlns:"):
                members["@" + key] = value
        self._open.append((name, members, []))

    def add_text(self, text: str) -> None:
        """Adds text to the open element."""
        self._open[-1][2].append(text)

    def close(self) -> object:
        """Ends the open element, adds it to the one around it, and returns its value."""
        name, members, texts = self._open.pop()
        text = "".join(texts)
        if members and text.strip(_SPACE):
            members["#text"] = text
        value: object = members or text
        if self._open:
            around = self._open[-1][1]
            if name not in around:
                around[name] = value
            elif isinstance(before := around[name], list):
                before.append(value)
            else:
                around[name] = [before, value]
        return value

    def clear(self) -> None:
        """Discards all open elements."""
        self._open.clear()

    @staticmethod
    def encoded(value: object, *, elements: int, max_bytes: int, max_nesting: int) -> tuple[bytes, str]:
        """Returns a record's JSON, always an object, and why it is undeliverable: empty if it is not.

        Args:
            value: The record's value, from ``close``.
            elements: The nesting of its elements.
            max_bytes: Limit of its JSON.
            max_nesting: Limit of the levels in its JSON.
        """
        value = value if isinstance(value, dict) else {"#text": value}
        # Each element makes at most two levels, an object in an array, so most records need no counting.
        if 2 * elements > max_nesting and (nesting := _levels(value)) > max_nesting:
            return b"", f"is nested {nesting} levels deep as JSON; the limit is {max_nesting}"
        record = _encode(value)
        if len(record) > max_bytes:
            return b"", f"has {len(record)} bytes as JSON; the limit is {max_bytes}"
        return record, ""


def _levels(value: object) -> int:
    """The nesting of objects and arrays, found without recursion."""
    level, levels = [value], 0
    while level := [inner for inner in level if isinstance(inner, dict | list)]:
        levels += 1
        level = [child for inner in level for child in (inner.values() if isinstance(inner, dict) else inner)]
    return levels
