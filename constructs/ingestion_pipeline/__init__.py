"""The ingestion pipeline as constructs: URL → function → stream → delivery → lake."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion_pipeline.pipeline import IngestionPipeline
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
    "DeadLetterSettings",
    "DeliverySettings",
    "FetchSettings",
    "FunctionSettings",
    "IngestionPipeline",
    "IngestionStack",
    "LakeSettings",
    "Problem",
    "Settings",
    "SettingsError",
    "StreamSettings",
]

_HOMES = {
    "IngestionPipeline": "pipeline",
    "IngestionStack": "stack",
    "Problem": "rules",
    "SettingsError": "rules",
}


def __getattr__(name: str) -> object:
    """A public name, imported when it is first used: settings do not start jsii's Node process."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'settings')}"), name)
