"""An XML element as a JSON value."""

import msgspec

_SPACE = " \t\r\n"
_encode = msgspec.json.Encoder().encode


class ElementTree:
    """Builds a value from the events of a parser.

    An element with neither attributes nor children is its text. Any other is an object: attributes under
    ``@`` and their name, children under theirs, in an array if there are several of one name, and the
    text beside them under ``#text``, unless it is white space. Declarations of namespaces are left out.
    """

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, object], list[str]]] = []

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        members: dict[str, object] = {}
        for key, value in attributes.items():
            if key != "xmlns" and not key.startswith("xmlns:"):
                members["@" + key] = value
        self._open.append((name, members, []))

    def add_text(self, text: str) -> None:
        """Text in the element that is open."""
        self._open[-1][2].append(text)

    def close(self) -> object:
        """The element that ends, which is then part of the one around it."""
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
        """Forget what is open."""
        self._open.clear()

    @staticmethod
    def encoded(value: object, *, elements: int, max_bytes: int, max_nesting: int) -> tuple[bytes, str]:
        """A record's JSON, always an object, and why it is undeliverable: empty if it is not.

        Args:
            value: What ``close`` gave for the record.
            elements: How deep its elements are nested.
            max_bytes: The most its JSON may have.
            max_nesting: The most levels it may have.
        """
        value = value if isinstance(value, dict) else {"#text": value}
        # An element is at most an object in an array.
        if 2 * elements > max_nesting and (nesting := _levels(value)) > max_nesting:
            return b"", f"is nested {nesting} levels deep as JSON; the limit is {max_nesting}"
        record = _encode(value)
        if len(record) > max_bytes:
            return b"", f"has {len(record)} bytes as JSON; the limit is {max_bytes}"
        return record, ""


def _levels(value: object) -> int:
    """How deep objects and arrays are nested."""
    level, levels = [value], 0
    while level := [inner for inner in level if isinstance(inner, dict | list)]:
        levels += 1
        level = [child for inner in level for child in (inner.values() if isinstance(inner, dict) else inner)]
    return levels
