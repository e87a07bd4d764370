"""What the function may fetch, and how it packs what it fetched."""

from dataclasses import dataclass

from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.patterns import HOST_LABEL
from ingestion_pipeline.settings.rules import Checked, Problem, Rule, one_of, setting, switch, whole
from ingestion_pipeline.settings.tables.stream import KINESIS_QUOTAS

ALLOWED_HOSTS_CHARACTERS = 512
"""Beside the sources, within the 4,096 bytes that all variables of a function may take."""


@dataclass(frozen=True, kw_only=True)
class FetchSettings(Checked):
    """What the function may fetch, and how it packs what it fetched."""

    table = "fetch"
    allowed_hosts: tuple[str, ...] = setting(
        (),
        Rule(
            "Hosts that may be fetched, `*.example.com` for all below one; empty: every public host.",
            tuple,
            pattern=rf"(\*\.)?{HOST_LABEL}(\.{HOST_LABEL})*",
            form="a list of host names, each with or without a leading *.",
            variable="ALLOWED_HOSTS",
        ),
    )
    allow_http: bool = switch(False, "Whether http:// may be fetched beside https://.", "ALLOW_HTTP")
    allow_private_networks: bool = switch(
        False,
        "Whether loopback and private addresses may be fetched; metadata addresses never are.",
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
        "KiB that a packed Kinesis record aims at, after compression. Puts are billed by units of 25 KB; if "
        "those are 25,000 bytes, 25 KiB are two units and 24 KiB still one.",
        KINESIS_QUOTAS,
        "PACK_KIB",
    )
    partition_key_field: str = setting(
        "",
        Rule(
            "Field of the record that picks the shard; empty: a random one.",
            str,
            # msgspec finds a field by its name only if that is written in JSON without an escape.
            pattern=r"[^\x00-\x1f\x22\x5c\x7f]{0,256}",
            form="up to 256 characters, none of them a quote, a backslash or a control character",
            variable="PARTITION_KEY_FIELD",
        ),
    )

    def conflicts(self) -> list[Problem]:
        """Hosts that would not fit into the function's variables."""
        characters = len(",".join(self.allowed_hosts))
        if characters > ALLOWED_HOSTS_CHARACTERS:
            advice = (
                f"take {characters} characters of {ALLOWED_HOSTS_CHARACTERS}: allow domains by *.example.com"
            )
            return [Problem(f"{self.table}.allowed_hosts", f"{len(self.allowed_hosts)} hosts", advice)]
        return []
