"""Sources with values that only Terraform knows, as the object that the function reads."""

import json

from ingestion_pipeline.settings.references import BucketReference
from ingestion_pipeline.settings.sources.sources import ConfiguredSources
from tests.ingestion_pipeline.conftest import Synthesize


def test_references_are_hashed_by_terraform(synthesize: Synthesize) -> None:
    """Text and numbers that Terraform fills in are in the object and in the hash that names it."""
    from cdktf import TerraformStack, TerraformVariable

    from ingestion_pipeline.resources.sources_object import SourcesObject

    def with_references(stack: TerraformStack) -> SourcesObject:
        given = TerraformVariable(stack, "given", type="any")
        source = {
            "url": "https://example.com/?q=${none}%{none}",
            "headers": {"X": f'"\\{given.string_value}'},
            "limits": {"max_records": given.number_value},
        }
        bucket = BucketReference(name="ours", arn="arn:aws:s3:::ours")
        return SourcesObject(stack, "sources", bucket=bucket, sources=ConfiguredSources([source]))

    made = synthesize(with_references)
    ((name, content),) = made.json["locals"].items()
    stored = made.only("aws_s3_object")

    assert json.loads(content.replace(":${var.given}", ":7")) == [
        {
            "url": "https://example.com/?q=$${none}%%{none}",
            "headers": {"X": '"\\${var.given}'},
            "limits": {"max_records": 7},
        }
    ]
    assert stored["content"] == f"${{local.{name}}}"
    assert stored["key"] == f"config/sources-${{sha256(local.{name})}}.json"
