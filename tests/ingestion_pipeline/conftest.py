"""Synthesizes in this process; the first test that needs them imports the bindings, and with them jsii."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.ingestion_pipeline.synthesized import Synthesized

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cdktf import TerraformStack

    from ingestion_pipeline.settings.settings import Settings

Build: TypeAlias = "Callable[[TerraformStack], object]"
Synthesize: TypeAlias = Callable[..., Synthesized]
SynthesizeStack: TypeAlias = "Callable[[Settings], Synthesized]"


@pytest.fixture(scope="session")
def synthesize(
    tmp_path_factory: pytest.TempPathFactory, small_zip: "Callable[[], AbstractContextManager[object]]"
) -> Synthesize:
    """A function that synthesizes what ``build`` puts into a stack with an AWS provider."""
    import cdktf

    from ingestion_pipeline.bindings import AwsProvider

    def synthesized(build: Build, context: Mapping[str, object] | None = None) -> Synthesized:
        app = cdktf.Testing.app(context=context, outdir=str(tmp_path_factory.mktemp("app")))
        stack = cdktf.TerraformStack(app, "stack")
        AwsProvider(stack, "aws", region="eu-west-1")
        with small_zip():
            build(stack)
        text = cdktf.Testing.synth(stack, True)
        return Synthesized(text, json.loads(text))

    return synthesized


@pytest.fixture(scope="session")
def synthesize_stack(
    tmp_path_factory: pytest.TempPathFactory, small_zip: "Callable[[], AbstractContextManager[object]]"
) -> "Callable[[Settings], Synthesized]":
    """A function that synthesizes the stack that is deployed for some settings."""
    import cdktf

    from ingestion_pipeline.stack import IngestionStack

    def synthesized(settings: "Settings") -> Synthesized:
        app = cdktf.Testing.app(outdir=str(tmp_path_factory.mktemp("app")))
        with small_zip():
            stack = IngestionStack(app, "stack", settings=settings)
        text = cdktf.Testing.synth(stack, True)
        return Synthesized(text, json.loads(text))

    return synthesized


@pytest.fixture(scope="session")
def default_stack(synthesize_stack: "Callable[[Settings], Synthesized]") -> Synthesized:
    """The stack of the default settings, in the environment ``dev``."""
    from ingestion_pipeline.settings.settings import Settings

    return synthesize_stack(Settings())
