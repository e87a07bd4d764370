"""Bodies as good and as bad as sources may send them, drawn from a source of chance."""

from collections.abc import Sequence
from random import Random

_SPACES = ("", "", "", " ", "\n", "\r\n ", "\t")
_SCALARS = (
    "0",
    "-1.50",
    "1e9999",
    "9" * 5_000,
    "-" + "8" * 4_301,
    "true",
    "null",
    '""',
    '"},{\\"id\\":"',
    '"\\\\"',
    '"é"',
    '"\\ud800"',
    '"\\udc00\\ud83d"',
    '"\\n"',
    '"[,]"',
)
_BAD = ("NaN", "-Infinity", "tru", "01", "1.", '"\x01"', '"a\nb"', "{,}", "[1,,2]", "1 2", "1-2", '{"a"}', "")
_DEEP = tuple("[" * levels + "]" * levels for levels in (99, 100, 101, 400))
_ODD = _BAD + _DEEP
_KEYS = ('"id"', '"a"', '""', '"\\u0069d"', '"items"', '"d"')
_ENDS = ("\n", "\n", "\r\n", " \n", "\n\n", "\n ", "")
_DAMAGE = (b",", b",,", b"\n", b"\r", b'"', b"\\", b"[", b"]", b"{", b"}", b":", b"\xff", b"\x1e", b" ", b"1")
_FIELDS = (
    "",
    "1",
    "a b",
    '5" disk',
    '"',
    '"x"',
    '"a,b"',
    '"a\nb"',
    '"a""b"',
    '"x"y',
    "é",
    " ",
    "a\rb",
    '"a\rb"',
)

_ESCAPED_FIELDS = ("a\\,b", 'x\\"y', '"p\\"q"', "a\\\nb", "\\\r", "\\", '"\\', '"a"\\', "\\\\", '\\"')
_XML_TEXTS = (
    "",
    "",
    " ",
    "\n  ",
    "1",
    "é",
    "a &amp; b",
    "&#233;",
    "<![CDATA[<b>]]>",
    "x<!-- c -->y",
    "<?p i?>",
    "/>",
)
_XML_VALUES = ("", "1", "é&lt;", "/>", " a ")
_XML_DAMAGE = (
    b"<",
    b">",
    b"/",
    b"&",
    b"<b>",
    b"</b>",
    b"</a>",
    b"\xff",
    b"'",
    b"=",
    b"<!--",
    b"]]>",
    b" ",
    b"\x00",
)


def value(chance: Random, odd: Sequence[str], depth: int = 3) -> str:
    """The text of one JSON value, and now and then one of ``odd`` somewhere in it."""
    drawn = chance.random()
    if drawn < 0.04:
        return chance.choice(odd)
    if drawn < 0.5 or not depth:
        return chance.choice(_SCALARS)
    inner = [chance.choice(_SPACES) + value(chance, odd, depth - 1) for _ in range(chance.randrange(4))]
    space = chance.choice(_SPACES)
    if drawn < 0.7:
        return f"[{f',{space}'.join(inner)}{space}]"
    members = (f"{chance.choice(_KEYS)}{space}:{each}" for each in inner)
    return "{" + f"{space},".join(members) + "}"


def _alike(chance: Random, odd: Sequence[str]) -> list[str]:
    """Values that open alike, as a source's do, and any others among them."""
    return [
        f'{{"id":{number},"v":{value(chance, odd, 1)}}}' if chance.random() < 0.8 else value(chance, odd)
        for number in range(chance.randrange(9))
    ]


def json_body(chance: Random) -> bytes:
    """An array, or values in a row."""
    # Not both: what is nested too deep is rejected before it is checked.
    is_deep = chance.random() < 0.2
    texts = _alike(chance, _DEEP if is_deep else _BAD)
    if chance.random() < 0.6:
        body = f"[{f',{chance.choice(_SPACES)}'.join(texts)}]"
    else:
        body = "".join(text + chance.choice(_ENDS) for text in texts)
    return body.encode() if is_deep else _damaged(chance, body.encode())


def path_body(chance: Random) -> bytes:
    """An object with records at ``d.items``, and other members around."""
    members = [f'"items":[{",".join(_alike(chance, _ODD))}]', *_members(chance)]
    chance.shuffle(members)
    inner = ['"d":{' + ",".join(members) + "}", *_members(chance)]
    chance.shuffle(inner)
    return _damaged(chance, ("{" + ",".join(inner) + "}").encode())


def _members(chance: Random) -> list[str]:
    keys = ('"x"', '"y"', '"d"', '"items"', '"it\\u0065ms"') if chance.random() < 0.2 else ('"x"', '"y"')
    return [f"{chance.choice(keys)}:{value(chance, _ODD, 2)}" for _ in range(chance.randrange(3))]


def ndjson_body(chance: Random) -> bytes:
    """Lines, most of which are one value."""
    return _damaged(chance, "".join(text + chance.choice(_ENDS) for text in _alike(chance, _ODD)).encode())


def json_seq_body(chance: Random) -> bytes:
    """Texts behind record separators, some of them cut."""
    texts = ("\x1e" + text[: chance.choice((None, None, None, 3))] for text in _alike(chance, _ODD))
    return _damaged(chance, "".join(text + chance.choice(_ENDS) for text in texts).encode())


def csv_body(chance: Random, delimiter: str = ",", quote: str = '"', escape: str = "") -> bytes:
    """Rows of one to three columns, most of them fitting the header."""
    columns, end = chance.randrange(1, 4), chance.choice(("\n", "\n", "\r\n", "\r"))
    drawn = (*_FIELDS, *_ESCAPED_FIELDS) if escape else _FIELDS
    rows = ["a,b,c"[: 2 * columns - 1] if chance.random() < 0.95 else chance.choice(drawn)]
    for _ in range(chance.randrange(8)):
        wide = columns if chance.random() < 0.9 else chance.randrange(4)
        rows.append(",".join(chance.choice(drawn) for _ in range(wide)))
    signs = str.maketrans(
        {",": delimiter, delimiter: ",", '"': quote or '"', quote or '"': '"', "\\": escape or "\\"}
    )
    return _damaged(chance, (end.join(rows) + chance.choice(("", end))).translate(signs).encode())


def xml_body(chance: Random) -> bytes:
    """A document whose root has children of a few names."""
    inner = "".join(_element(chance) for _ in range(chance.randrange(6)))
    start = chance.choice(
        (
            "",
            "",
            "\n",
            "<!DOCTYPE a [<!ELEMENT a ANY>]>",
            '<?xml version="1.0"?>',
            '<?xml version="1.0" encoding="iso-8859-1"?>',
        )
    )
    return _damaged(chance, f"{start}<a>{inner}</a>".encode(), _XML_DAMAGE)


def _element(chance: Random, depth: int = 3) -> str:
    """An element, and text behind it."""
    name, text = chance.choice("bbcd"), chance.choice(_XML_TEXTS)
    keys = [key for key in ("x", "y", "xmlns") if chance.random() < 0.2]
    attributes = "".join(f" {key}='{chance.choice(_XML_VALUES) * (key != 'xmlns')}'" for key in keys)
    if chance.random() < 0.2:
        return f"<{name}{attributes}/>{text}"
    inner = "".join(_element(chance, depth - 1) for _ in range(chance.randrange(4) if depth else 0))
    return f"<{name}{attributes}>{chance.choice(_XML_TEXTS)}{inner}</{name}>{text}"


def _damaged(chance: Random, body: bytes, damage: Sequence[bytes] = _DAMAGE) -> bytes:
    while chance.random() < 0.2:
        at = chance.randrange(len(body) + 1)
        body = body[:at] + chance.choice(damage) + body[at + chance.randrange(3) :]
    return body
