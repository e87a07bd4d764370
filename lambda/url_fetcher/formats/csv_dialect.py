"""The ``csv`` table of a source: how its CSV is written."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

# ASCII, which is one byte in every encoding below, without line ends; `$` alone would allow a trailing one.
Character: TypeAlias = Annotated[str, Meta(pattern=r"^[\x01-\x09\x0b\x0c\x0e-\x7f](?!\n)$")]
OptionalCharacter: TypeAlias = Annotated[str, Meta(pattern=r"^([\x01-\x09\x0b\x0c\x0e-\x7f])?(?!\n)$")]
Column: TypeAlias = Annotated[str, Meta(min_length=1, max_length=512)]
Encoding: TypeAlias = Literal[
    "utf-8",
    "utf-16",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1257",
    "koi8-r",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "big5",
    "utf-16le",
    "utf-16be",
]

# Browsers and Windows use these supersets under the standard names (WHATWG Encoding).
_CODECS = {"shift_jis": "cp932", "euc-kr": "cp949"}
_TRANSCODED = ("utf-16", "utf-16le", "utf-16be", "shift_jis", "euc-jp", "euc-kr", "gb18030", "big5")


class Csv(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dialect of a CSV, and whether its fields stay text."""

    delimiter: Character = ","
    quote: OptionalCharacter = '"'
    escape: OptionalCharacter = ""
    encoding: Encoding = "utf-8"
    header: bool = True
    columns: Annotated[list[Column], Meta(max_length=10_000, extra_json_schema={"uniqueItems": True})] = []
    optional_columns: Annotated[int, Meta(ge=0, le=9_999)] = 0
    skip_lines: Annotated[int, Meta(ge=0, le=1_000)] = 0
    types: Literal["text", "infer"] = "text"

    def __post_init__(self) -> None:
        """Checks keys against each other; msgspec turns a ValueError into its ValidationError."""
        signs = {"delimiter": self.delimiter, "quote": self.quote, "escape": self.escape}
        for name, other in (("quote", "delimiter"), ("escape", "delimiter"), ("escape", "quote")):
            if signs[name] and signs[name] == signs[other]:
                raise ValueError(f"`csv.{name}` is {signs[name]!r} and so is `csv.{other}`: they must differ")
        twice = sorted({column for column in self.columns if self.columns.count(column) > 1})
        if twice:
            raise ValueError(f"`csv.columns` names {twice[0][:80]!r} twice: columns must differ")

    @property
    def codec(self) -> str:
        """Python's name of the encoding."""
        return _CODECS.get(self.encoding, self.encoding)

    @property
    def is_transcoded(self) -> bool:
        """True if the body must become UTF-8 first, because a byte of a character may equal a delimiter."""
        return self.encoding in _TRANSCODED

    @property
    def reader_options(self) -> dict[str, Any]:
        """The options of the standard library's reader."""
        import csv

        return {
            "strict": True,
            "delimiter": self.delimiter,
            "quotechar": self.quote or None,
            "escapechar": self.escape or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
        }


DEFAULT = Csv()
"""RFC 4180 in UTF-8."""
