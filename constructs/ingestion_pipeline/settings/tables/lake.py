"""The S3 bucket where the records come to rest."""

from dataclasses import dataclass

from ingestion_pipeline.settings.patterns import BUCKET_FORM, BUCKET_NAME, BUCKET_NAMES
from ingestion_pipeline.settings.rules import Checked, switch, text, whole


@dataclass(frozen=True, kw_only=True)
class LakeSettings(Checked):
    """The S3 bucket where the records come to rest."""

    table = "lake"
    bucket_name: str = text(
        "",
        "The bucket's name; empty: `<name>-<environment>-lake-<account>-<region>`, unique world-wide.",
        rf"({BUCKET_NAME})?",
        BUCKET_FORM,
        BUCKET_NAMES,
    )
    expire_days: int = whole(
        0,
        0,
        36_500,
        "Days until a record's object is deleted; 0: never. S3 keeps the deleted version for another "
        "`noncurrent_version_days`. Errors and dead letters stay.",
    )
    noncurrent_version_days: int = whole(
        90, 0, 36_500, "Days until a replaced or deleted object is gone for good; 0: never."
    )
    delete_with_stack: bool = switch(
        False,
        "Whether `destroy` deletes the data, if `deletableEnvironments` in cdktf.json lists it too.",
    )
