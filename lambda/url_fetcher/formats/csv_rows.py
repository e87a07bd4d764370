"""Turns complete rows of a CSV into JSON objects."""

import csv
import re
from collections.abc import Sequence

import msgspec

from url_fetcher.formats.csv_dialect import Csv

_MAX_FIELD_CHARACTERS = 2**31 - 1
# Every double and every 64-bit integer represents 15 digits exactly.
_MAX_DIGITS = 15
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_CONSTANTS = {"": None, "true": True, "false": False, "-0": "-0"}
_FIRST_CHARACTERS = frozenset("-0123456789tf")
_encode = msgspec.json.Encoder().encode


class RowDecoder:
    """Decodes complete rows.

    Args:
        dialect: The dialect of the CSV.
    """

    def __init__(self, dialect: Csv) -> None:
        self.columns: list[str] = list(dialect.columns)
        """The keys of the objects; empty until the header was read."""
        self._codec = "utf-8" if dialect.is_transcoded else dialect.codec
        self._options = dialect.reader_options
        self._optional_columns = dialect.optional_columns
        self._infers = dialect.types == "infer"
        # The splitter bounds rows; the csv module's default limit would refuse fields over 128 Ki characters.
        csv.field_size_limit(_MAX_FIELD_CHARACTERS)

    def fields(self, text: bytes, line_end: bytes) -> list[list[str]]:
        """Returns the fields of each row in a text of whole lines; a blank row has none.

        Raises:
            csv.Error: When the rows are not CSV.
            UnicodeDecodeError: When they are not in the dialect's encoding.
        """
        if b"\0" in text:
            raise csv.Error("a NUL byte, which no text has")
        end = line_end.decode()
        # The reader accepts a line break between quotes only if it is given lines, not one text.
        lines = [line + end for line in text.decode(self._codec).removesuffix(end).split(end)]
        return list(csv.reader(lines, **self._options))

    def objects(self, rows: Sequence[list[str]]) -> list[bytes]:
        """Returns each row as a JSON object.

        Raises:
            csv.Error: When the number of fields differs from that of the columns.
        """
        columns = self.columns
        fewest = len(columns) - self._optional_columns
        records: list[bytes] = []
        for fields in rows:
            if len(fields) == len(columns):
                values = map(_inferred, fields) if self._infers else fields
                records.append(_encode(dict(zip(columns, values, strict=True))))
            elif fields and fewest <= len(fields) < len(columns):
                values = map(_inferred, fields) if self._infers else fields
                records.append(_encode(dict(zip(columns, values, strict=False))))
            elif fields:
                raise csv.Error(f"{len(fields)} fields where there are {len(columns)} columns")
            elif len(columns) == 1:
                records.append(_encode({columns[0]: None if self._infers else ""}))
        return records


def _inferred(field: str) -> object:
    """The field as a number, boolean or null if its text can be restored from that; else the text."""
    if field and field[0] not in _FIRST_CHARACTERS:
        return field
    if field in _CONSTANTS:
        return _CONSTANTS[field]
    if not _NUMBER.fullmatch(field):
        return field
    digits = len(field) - field.startswith("-") - ("." in field)
    return msgspec.Raw(field.encode()) if digits <= _MAX_DIGITS else field
