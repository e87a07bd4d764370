"""That the emulator answers for streams as AWS documents it; not that AWS does."""

from local_aws.emulator.instance import Emulator


def test_tags_given_at_creation_are_kept(aws: Emulator) -> None:
    """A stream made with tags lists exactly those; whether AWS would accept them is not shown."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="tagged", ShardCount=1, Tags={"Purpose": "DataIngestion"})

    assert kinesis.list_tags_for_stream(StreamName="tagged")["Tags"] == [
        {"Key": "Purpose", "Value": "DataIngestion"}
    ]


def test_a_refused_creation_leaves_the_tags_alone(aws: Emulator) -> None:
    """Creating the same stream again does not change its tags."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="twice", ShardCount=1, Tags={"a": "1"})
    try:
        kinesis.create_stream(StreamName="twice", ShardCount=1, Tags={"a": "2"})
    except kinesis.exceptions.ResourceInUseException:
        tags = kinesis.list_tags_for_stream(StreamName="twice")["Tags"]

    assert tags == [{"Key": "a", "Value": "1"}]


def test_both_descriptions_name_the_shard_level_metrics(aws: Emulator) -> None:
    """Metrics that were switched on are described; that AWS then emits them is not shown."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="watched", ShardCount=1)
    kinesis.enable_enhanced_monitoring(StreamName="watched", ShardLevelMetrics=["IncomingBytes"])
    long = kinesis.describe_stream(StreamName="watched")["StreamDescription"]
    short = kinesis.describe_stream_summary(StreamName="watched")["StreamDescriptionSummary"]

    assert (
        long["EnhancedMonitoring"]
        == short["EnhancedMonitoring"]
        == [{"ShardLevelMetrics": ["IncomingBytes"]}]
    )
