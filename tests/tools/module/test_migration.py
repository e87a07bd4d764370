"""The root module that takes over a stack; tests/e2e/test_lifecycle.py applies it."""

from dataclasses import replace

import pytest

from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.alarms import AlarmSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.state import StateSettings
from ingestion_pipeline.settings.tables.stream import StreamSettings
from tools.module.migration import expression, inputs, moved, root_module

SETTINGS = Settings(
    environment="prod",
    pipeline=PipelineSettings(name="orders", region="eu-west-1", tags={"cost-center": "7"}),
    stream=StreamSettings(shard_count=3),
    function=FunctionSettings(runtime="python3.12"),
    state=StateSettings(bucket="states", region="us-east-1"),
)


def test_only_settings_that_are_not_at_their_default_are_given() -> None:
    """The zip says what it was built for, so that runtime and architecture are left to the module."""
    given = inputs(SETTINGS)

    assert {name: value for name, value in given.items() if name not in {"region", "account_id"}} == {
        "name": "orders",
        "environment": "prod",
        "tags": {"cost-center": "7"},
        "stream_shard_count": 3,
    }


def test_settings_of_one_variable_are_given_together() -> None:
    """Only those that are not at their default."""
    alarms = AlarmSettings(emails=("a@b.example",), overrides={"throttled": "off"})
    text = root_module(replace(SETTINGS, alarms=alarms), "../module")

    assert (
        '  alarms = {\n    emails = ["a@b.example"]\n    overrides = {\n      throttled = "off"\n    }\n  }\n'
    ) in text


def test_the_backend_is_that_of_the_stack() -> None:
    """The state's own Region wins over the pipeline's."""
    text = root_module(SETTINGS, "../module")

    assert (
        '  backend "s3" {\n    bucket = "states"\n    key = "orders/prod/terraform.tfstate"\n'
        '    region = "us-east-1"\n'
    ) in text


@pytest.mark.parametrize(
    ("accounts", "line"),
    [
        (("123456789012",), '  account_id = "123456789012"\n'),
        ((), "  account_id = data.aws_caller_identity.current.account_id\n"),
    ],
)
def test_the_account_is_the_allowed_one_or_the_providers(accounts: tuple[str, ...], line: str) -> None:
    """The module requires it, and the stack's settings need not have it."""
    pipeline = replace(SETTINGS.pipeline, allowed_account_ids=accounts)
    text = root_module(replace(SETTINGS, pipeline=pipeline), "../module")

    assert (line in text, '  region = "eu-west-1"\n' in text) == (True, True)


def test_a_source_is_written_as_hcl() -> None:
    """Keys that are no identifiers are quoted, templates are taken as they are."""
    source = {"name": "a", "headers": {"X Y": "${not a template}"}, "limits": {"max_records": 5}}

    assert expression([source]) == (
        '[\n    {\n      name = "a"\n      headers = {\n        "X Y" = "$${not a template}"\n      }\n'
        "      limits = {\n        max_records = 5\n      }\n    },\n  ]"
    )


def test_resources_move_to_an_index_or_keep_their_keys() -> None:
    """What the module counts has index 0; what it makes by keys keeps them."""

    def of(path: str, **body: str) -> dict[str, object]:
        return {"//": {"metadata": {"path": path}}, **body}

    stack = {
        "resource": {
            "aws_kinesis_stream": {"pipeline_stream_1": of("orders-prod/pipeline/stream/stream")},
            "aws_iam_policy": {"pipeline_p_2": of("orders-prod/pipeline/fetch/secrets", for_each="${x}")},
        }
    }

    assert moved(stack) == (
        "moved {\n  from = aws_iam_policy.pipeline_p_2\n"
        "  to   = module.ingestion.aws_iam_policy.fetch_secrets\n}\n\n"
        "moved {\n  from = aws_kinesis_stream.pipeline_stream_1\n"
        "  to   = module.ingestion.aws_kinesis_stream.stream[0]\n}\n"
    )
