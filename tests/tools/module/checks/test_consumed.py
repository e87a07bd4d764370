"""The checks' own wording of conditions that the settings compute."""

import pytest

from ingestion_pipeline.code.target import Target
from tools.module.checks.existing_parts import CONSUMED
from tools.module.synthesis import _settings


@pytest.mark.terraform
def test_the_checks_know_when_the_queue_is_consumed() -> None:
    """They say it in the words that the settings make of the variables."""
    settings = _settings(Target.of("python3.13", "arm64"))

    assert getattr(settings.queue_is_consumed, "expression", None) == CONSUMED
