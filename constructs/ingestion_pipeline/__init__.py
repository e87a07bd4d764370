"""The ingestion pipeline as constructs: URL → function → stream → delivery → lake."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion_pipeline.pipeline import IngestionPipeline
    from ingestion_pipeline.references import (
        BucketReference,
        Existing,
        LogGroupReference,
        QueueReference,
        RoleReference,
        StreamReference,
    )
    from ingestion_pipeline.rules import Problem, SettingsError
    from ingestion_pipeline.settings import (
        DeadLetterSettings,
        DeliverySettings,
        FetchSettings,
        FunctionSettings,
        LakeSettings,
        Settings,
        StreamSettings,
    )
    from ingestion_pipeline.stack import IngestionStack

__all__ = [
    "BucketReference",
    "DeadLetterSettings",
    "DeliverySettings",
    "Existing",
    "FetchSettings",
    "FunctionSettings",
    "IngestionPipeline",
    "IngestionStack",
    "LakeSettings",
    "LogGroupReference",
    "Problem",
    "QueueReference",
    "RoleReference",
    "Settings",
    "SettingsError",
    "StreamReference",
    "StreamSettings",
]

_HOMES = {
    "BucketReference": "references",
    "Existing": "references",
    "IngestionPipeline": "pipeline",
    "IngestionStack": "stack",
    "LogGroupReference": "references",
    "Problem": "rules",
    "QueueReference": "references",
    "RoleReference": "references",
    "SettingsError": "rules",
    "StreamReference": "references",
}


def __getattr__(name: str) -> object:
    """A public name, imported when it is first used: settings do not start jsii's Node process."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'settings')}"), name)
