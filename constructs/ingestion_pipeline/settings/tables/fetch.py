"""Limits which hosts the function fetches, and sets how it packs records."""

from dataclasses import dataclass

from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.patterns import HOST_LABEL
from ingestion_pipeline.settings.rules import Checked, Problem, one_of, switch, text, texts, whole
from ingestion_pipeline.settings.tables.stream import KINESIS_QUOTAS

ALLOWED_HOSTS_CHARACTERS = 512
"""All variables of a function together may take 4,096 bytes."""


@dataclass(frozen=True, kw_only=True)
class FetchSettings(Checked):
    """Limits which hosts the function fetches, and sets how it packs records."""

    table = "fetch"
    allowed_hosts: tuple[str, ...] = texts(
        "Hosts that may be fetched; `*.example.com` allows all below it. Empty: every public host.",
        rf"(\*\.)?{HOST_LABEL}(\.{HOST_LABEL})*",
        "a list of host names, each with or without a leading *.",
        variable="ALLOWED_HOSTS",
    )
    allow_http: bool = switch(False, "Whether http:// may be fetched, as well as https://.", "ALLOW_HTTP")
    allow_private_networks: bool = switch(
        False,
        "Whether loopback and private addresses may be fetched. Metadata addresses never are.",
        "ALLOW_PRIVATE_NETWORKS",
    )
    packing: str = one_of(
        "lines",
        ("lines", GZIP, "none"),
        "What one Kinesis record holds: many lines, many lines compressed to a gzip member, or one line.",
        variable="PACKING",
    )
    pack_kib: int = whole(
        24,
        1,
        1_000,
        "Target size of a packed Kinesis record in KiB, after compression. Puts are billed by 25 KB. "
        "If such a unit is 25,000 bytes, 24 KiB cost one and 25 KiB cost two.",
        KINESIS_QUOTAS,
        "PACK_KIB",
    )
    # msgspec finds a field by its name only if that is written in JSON without an escape.
    partition_key_field: str = text(
        "",
        "Field of the record whose value picks the shard. Empty: a random shard.",
        r"[^\x00-\x1f\x22\x5c\x7f]{0,256}",
        "up to 256 characters, none of them a quote, a backslash or a control character",
        variable="PARTITION_KEY_FIELD",
    )

    def conflicts(self) -> list[Problem]:
        """The problem of hosts that do not fit into the function's variables."""
        characters = len(",".join(self.allowed_hosts))
        if characters > ALLOWED_HOSTS_CHARACTERS:
            advice = (
                f"take {characters} characters of {ALLOWED_HOSTS_CHARACTERS}: allow domains by *.example.com"
            )
            return [Problem(f"{self.table}.allowed_hosts", f"{len(self.allowed_hosts)} hosts", advice)]
        return []
