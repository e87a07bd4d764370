"""The two forms of what travels to the lake, and which of them a pipeline has.

Kinesis records hold lines, or gzip members of lines. Firehose joins whatever it reads, so that an object
with both would be neither. Each form therefore has a stream and a delivery stream of its own, whatever is
deployed in which order, and both deliver to the same folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ingestion_pipeline.settings.expressions import Condition, any_of, chosen, equal, unequal

GZIP = "gzip"
"""The value of ``fetch.packing`` that makes gzip members; every other one makes lines."""


class Form(Enum):
    """Form of the records of one stream; the value is the ending of addresses and names."""

    LINES = ""
    MEMBERS = f"-{GZIP}"

    @property
    def packing(self) -> str:
        """The ``packing`` of a reference to the stream."""
        return GZIP if self is Form.MEMBERS else "lines"


@dataclass(frozen=True)
class Forms:
    """The form that is written, and whether the other one is still delivered.

    Attributes:
        packing: The setting ``fetch.packing``.
        keep_former: The setting ``delivery.keep_former``.
    """

    packing: str
    keep_former: Condition

    @property
    def is_gzip(self) -> Condition:
        """True if the function writes gzip members."""
        return equal(self.packing, GZIP)

    def exists(self, form: Form) -> Condition:
        """True if that form has a stream and a delivery stream."""
        is_written = self.is_gzip if form is Form.MEMBERS else unequal(self.packing, GZIP)
        return any_of(is_written, self.keep_former)

    def written(self, values: Mapping[Form, str]) -> str:
        """The value of the form that the function writes."""
        return chosen(self.is_gzip, values.get(Form.MEMBERS, ""), values.get(Form.LINES, ""))
