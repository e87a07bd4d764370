import pytest

from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.lake import LakeSettings
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Synthesized

LISTED = {"deletableEnvironments": ["local"]}


def lake(
    synthesize: Synthesize, context: dict[str, list[str]] | None = None, **settings: object
) -> Synthesized:
    """A stack with the lake of the environment ``local``."""
    from ingestion_pipeline.resources.lake import DataLake

    chosen = local(LakeSettings(**settings))  # type: ignore[arg-type]
    return synthesize(
        lambda stack: DataLake(stack, "lake", account_id="123456789012", settings=chosen), context=context
    )


def local(lake: LakeSettings) -> Settings:
    """The settings of an environment that may be deletable."""
    return Settings(environment="local", lake=lake)


class TestDefaults:
    def test_takes_the_built_name(self, synthesize: Synthesize) -> None:
        """Without a name in the settings the bucket takes the one that is built."""
        bucket = lake(synthesize).only("aws_s3_bucket")

        assert bucket["bucket"] == "data-ingestion-local-lake-123456789012-us-east-1"

    def test_has_both_rules(self, synthesize: Synthesize) -> None:
        """Unfinished uploads end after 7 days, old versions after 90."""
        rules = lake(synthesize).only("aws_s3_bucket_lifecycle_configuration")["rule"]

        assert [
            rules[0]["abort_incomplete_multipart_upload"],
            rules[1]["noncurrent_version_expiration"],
        ] == [[{"days_after_initiation": 7}], [{"noncurrent_days": 90}]]

    def test_no_record_expires(self, synthesize: Synthesize) -> None:
        """Without a setting, records are kept for ever."""
        rules = lake(synthesize).only("aws_s3_bucket_lifecycle_configuration")["rule"]

        assert [rule for rule in rules if "expiration" in rule] == []


class TestCustomised:
    def test_takes_the_users_name(self, synthesize: Synthesize) -> None:
        """A name in the settings wins over the one that is built."""
        bucket = lake(synthesize, bucket_name="our-records").only("aws_s3_bucket")

        assert bucket["bucket"] == "our-records"

    def test_expires_records_and_nothing_else(self, synthesize: Synthesize) -> None:
        """Objects of records are deleted after the days that are set; errors and dead letters never are."""
        rules = lake(synthesize, expire_days=30).only("aws_s3_bucket_lifecycle_configuration")["rule"]

        assert [(rule["filter"], rule["expiration"]) for rule in rules if "expiration" in rule] == [
            ([{"prefix": "data/year="}], [{"days": 30}])
        ]


class TestGuarded:
    """Deleting data takes two keys: the setting, and the environment's name in cdktf.json."""

    @pytest.mark.parametrize(
        ("delete_with_stack", "context"),
        [
            pytest.param(False, None, id="neither"),
            pytest.param(True, None, id="only the setting"),
            pytest.param(False, LISTED, id="only the context"),
            pytest.param(True, {"deletableEnvironments": ["prod"]}, id="another environment's key"),
            pytest.param(True, {"deletableEnvironments": []}, id="an empty list"),
        ],
    )
    def test_keeps_the_data(
        self, synthesize: Synthesize, delete_with_stack: bool, context: dict[str, list[str]] | None
    ) -> None:
        """With fewer than both keys the bucket is neither emptied nor destroyed."""
        bucket = lake(synthesize, context, delete_with_stack=delete_with_stack).only("aws_s3_bucket")

        assert (bucket["force_destroy"], bucket["lifecycle"]) == (False, {"prevent_destroy": True})

    def test_deletes_with_both(self, synthesize: Synthesize) -> None:
        """With both keys the bucket goes with the stack, data and all."""
        bucket = lake(synthesize, LISTED, delete_with_stack=True).only("aws_s3_bucket")

        assert (bucket["force_destroy"], "lifecycle" in bucket) == (True, False)

    @pytest.mark.parametrize(
        ("delete_with_stack", "context", "warnings"),
        [(True, None, 1), (True, LISTED, 0), (False, LISTED, 0), (False, None, 0)],
    )
    def test_warns_of_one_key_alone(
        self, delete_with_stack: bool, context: dict[str, list[str]] | None, warnings: int
    ) -> None:
        """Who sets only the setting is told that the data stays; nobody else is told anything."""
        import cdktf

        from ingestion_pipeline.resources.lake import DataLake

        stack = cdktf.TerraformStack(cdktf.Testing.app(context=context), "stack")
        settings = local(LakeSettings(delete_with_stack=delete_with_stack))
        bucket = DataLake(stack, "lake", account_id="123456789012", settings=settings)
        said = [str(entry.data) for entry in bucket.node.metadata if "warn" in entry.type]

        assert [("deletableEnvironments" in text, "'local'" in text) for text in said] == [
            (True, True)
        ] * warnings
