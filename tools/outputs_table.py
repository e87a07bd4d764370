"""The table of every output, made from the outputs themselves."""

from ingestion_pipeline.outputs import OUTPUTS

HEADER = "| output | since | meaning |\n|---|---|---|\n"


def table() -> str:
    """Markdown: one row an output."""
    return HEADER + "".join(
        f"| `{output.name}` | {output.since} | {output.meaning} |\n" for output in OUTPUTS
    )
