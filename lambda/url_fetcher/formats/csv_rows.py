"""Whole rows of a CSV as objects."""

import csv
import re
from collections.abc import Sequence

import msgspec

from url_fetcher.formats.csv_dialect import Csv

_MAX_FIELD_CHARACTERS = 2**31 - 1
# Fifteen digits are what every reader's double and every bigint can hold.
_MAX_DIGITS = 15
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_CONSTANTS = {"": None, "true": True, "false": False, "-0": "-0"}
_FIRST_CHARACTERS = frozenset("-0123456789tf")
_encode = msgspec.json.Encoder().encode


class RowDecoder:
    """Decodes rows whose end is known.

    Args:
        dialect: How they are written.
    """

    def __init__(self, dialect: Csv) -> None:
        self.columns: list[str] = list(dialect.columns)
        """The objects' keys; none until they are known."""
        self._codec = "utf-8" if dialect.is_transcoded else dialect.codec
        self._options = dialect.reader_options
        self._infers = dialect.types == "infer"
        # Rows are measured by the splitter; the module's own limit would refuse a field of 128 Ki characters.
        csv.field_size_limit(_MAX_FIELD_CHARACTERS)

    def fields(self, text: bytes, line_end: bytes) -> list[list[str]]:
        """The fields of each row of whole lines; of a blank one none.

        Raises:
            csv.Error: When the rows are not CSV.
            UnicodeDecodeError: When they are not in the dialect's encoding.
        """
        end = line_end.decode()
        # Lines, not the text: only so does the reader take a line break between quotes.
        lines = [line + end for line in text.decode(self._codec).removesuffix(end).split(end)]
        return list(csv.reader(lines, **self._options))

    def objects(self, rows: Sequence[list[str]]) -> list[bytes]:
        """Each row as a JSON object.

        Raises:
            csv.Error: When one has another number of fields than there are columns.
        """
        columns = self.columns
        records: list[bytes] = []
        for fields in rows:
            if len(fields) == len(columns):
                values = map(_inferred, fields) if self._infers else fields
                records.append(_encode(dict(zip(columns, values, strict=True))))
            elif fields:
                raise csv.Error(f"{len(fields)} fields where there are {len(columns)} columns")
            elif len(columns) == 1:
                records.append(_encode({columns[0]: None if self._infers else ""}))
        return records


def _inferred(field: str) -> object:
    """A number, boolean or null if writing it as text again gives the same field; else the text."""
    if field and field[0] not in _FIRST_CHARACTERS:
        return field
    if field in _CONSTANTS:
        return _CONSTANTS[field]
    if not _NUMBER.fullmatch(field):
        return field
    digits = len(field) - field.startswith("-") - ("." in field)
    return msgspec.Raw(field.encode()) if digits <= _MAX_DIGITS else field
