"""The Firehose delivery stream from the data stream to the lake."""

from dataclasses import dataclass

from ingestion_pipeline.settings.patterns import LITERAL_PREFIX
from ingestion_pipeline.settings.rules import Checked, one_of, switch, text, whole
from ingestion_pipeline.settings.tables.logs import retention_days

FIREHOSE_BUFFER = "https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html"
FIREHOSE_PREFIX = "https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html"
DATA_FOLDER = "year="
"""How the key of every data object goes on after the prefix."""


@dataclass(frozen=True, kw_only=True)
class DeliverySettings(Checked):
    """The Firehose delivery stream from the data stream to the lake."""

    table = "delivery"
    buffer_mib: int = whole(
        5, 1, 128, "Firehose writes an object after this many MiB, before compression.", FIREHOSE_BUFFER
    )
    buffer_seconds: int = whole(
        300, 0, 900, "Firehose writes an object after this many seconds at the latest.", FIREHOSE_BUFFER
    )
    compression: str = one_of(
        "GZIP",
        ("GZIP", "UNCOMPRESSED"),
        "Compression of the objects.",
        "https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html",
    )
    data_prefix: str = text(
        "data/",
        "Folder before `year=/month=/day=/hour=/`. It keeps errors and dead letters away from a query engine "
        "or crawler that reads the data.",
        f"({LITERAL_PREFIX})?",
        "empty, or a literal path that ends in /",
        FIREHOSE_PREFIX,
    )
    error_prefix: str = text(
        "errors/",
        "Folder of records whose transformation or conversion in Firehose failed, sorted by kind of error "
        "and time; without either it stays empty.",
        LITERAL_PREFIX,
        "a literal path that ends in /",
        FIREHOSE_PREFIX,
    )
    log_retention_days: int = retention_days("Days that the delivery's error log is kept.")
    keep_former: bool = switch(
        False,
        "Whether the stream and the delivery stream of the other packing exist too, while `fetch.packing` "
        "changes and until what is on them is delivered.",
    )

    @property
    def data_folder(self) -> str:
        """How the key of every data object begins."""
        return f"{self.data_prefix}{DATA_FOLDER}"
