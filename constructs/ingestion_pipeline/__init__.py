"""The ingestion pipeline as constructs: URL → function → stream → delivery → lake."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion_pipeline.pipeline import IngestionPipeline
    from ingestion_pipeline.settings.existing import Existing
    from ingestion_pipeline.settings.references import (
        BucketReference,
        LogGroupReference,
        QueueReference,
        RoleReference,
        StreamReference,
    )
    from ingestion_pipeline.settings.rules import Problem, SettingsError
    from ingestion_pipeline.settings.settings import Settings
    from ingestion_pipeline.settings.sources.types import Auth, Pagination, Source
    from ingestion_pipeline.settings.tables.alarms import AlarmSettings
    from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
    from ingestion_pipeline.settings.tables.delivery import DeliverySettings
    from ingestion_pipeline.settings.tables.fetch import FetchSettings
    from ingestion_pipeline.settings.tables.function import FunctionSettings
    from ingestion_pipeline.settings.tables.lake import LakeSettings
    from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
    from ingestion_pipeline.settings.tables.queue import QueueSettings
    from ingestion_pipeline.settings.tables.state import StateSettings
    from ingestion_pipeline.settings.tables.stream import StreamSettings
    from ingestion_pipeline.settings.tables.vpc import VpcSettings
    from ingestion_pipeline.stack import IngestionStack

__all__ = [
    "AlarmSettings",
    "Auth",
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
    "Pagination",
    "PipelineSettings",
    "Problem",
    "QueueReference",
    "QueueSettings",
    "RoleReference",
    "Settings",
    "SettingsError",
    "Source",
    "StateSettings",
    "StreamReference",
    "StreamSettings",
    "VpcSettings",
]

# In this order: the last two start jsii's Node process.
_MODULES = (
    "settings.settings",
    "settings.rules",
    "settings.existing",
    "settings.references",
    "settings.sources.types",
    "pipeline",
    "stack",
)


def __getattr__(name: str) -> object:
    """A public name, imported when it is first used: settings do not start jsii's Node process."""
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"{__name__}.{module}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
