"""Where Terraform keeps its state."""

from dataclasses import dataclass

from ingestion_pipeline.settings.patterns import BUCKET_FORM, BUCKET_NAME, BUCKET_NAMES
from ingestion_pipeline.settings.rules import Checked, text
from ingestion_pipeline.settings.tables.pipeline import REGIONS

OBJECT_KEYS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"


@dataclass(frozen=True, kw_only=True)
class StateSettings(Checked):
    """Where Terraform keeps its state."""

    table = "state"
    bucket: str = text(
        "",
        "Bucket that holds the state. `make bootstrap` creates it; planning and deploying need it.",
        rf"({BUCKET_NAME})?",
        BUCKET_FORM,
        BUCKET_NAMES,
    )
    key: str = text(
        "",
        "Key of the state; empty: `<name>/<environment>/terraform.tfstate`.",
        r"([A-Za-z0-9!_.*'()-]+(/+[A-Za-z0-9!_.*'()-]+)*)?",
        "letters, digits and !_.*'()-, with slashes between them",
        OBJECT_KEYS,
    )
    region: str = text(
        "",
        "Region of the bucket; empty: the pipeline's.",
        r"([a-z]{2,4}(-[a-z]+)+-\d)?",
        "a Region's name",
        REGIONS,
    )
