"""What `fetch.packing` and `delivery.keep_former` deploy."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.references import StreamReference
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.delivery import DeliverySettings
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Json, Synthesized

STREAM, DELIVERY = "aws_kinesis_stream", "aws_kinesis_firehose_delivery_stream"
FURTHER = {
    f"resource {STREAM}.pipeline_stream-gzip_stream_57BCED05",
    f"resource {DELIVERY}.pipeline_delivery_delivery-stream-gzip_82943232",
}
"""The addresses beside those of addresses.txt; a changed one destroys and makes again what is deployed."""
THEIRS = StreamReference(name="theirs", arn="arn:aws:kinesis:us-east-1:123456789012:stream/theirs")


def settings_of(packing: str, *, keep_former: bool = False) -> Settings:
    """The default settings with a packing."""
    return Settings(fetch=FetchSettings(packing=packing), delivery=DeliverySettings(keep_former=keep_former))


@pytest.fixture(scope="module")
def gzip(synthesize_stack: Callable[[Settings], Synthesized]) -> Synthesized:
    """The stack that packs gzip members."""
    return synthesize_stack(settings_of("gzip"))


@pytest.fixture(scope="module")
def changing(synthesize_stack: Callable[[Settings], Synthesized]) -> Synthesized:
    """The stack whose packing changes from lines to gzip members."""
    return synthesize_stack(settings_of("gzip", keep_former=True))


def names(stack: Synthesized, kind: str) -> set[str]:
    """The names of a kind of resource."""
    return {resource["name"] for resource in stack.resources(kind).values()}


def named(stack: Synthesized, kind: str, name: str) -> tuple[str, Json]:
    """Address and arguments of the resource with a name."""
    [found] = [item for item in stack.resources(kind).items() if item[1]["name"] == name]
    return f"{kind}.{found[0]}", found[1]


def permitted(stack: Synthesized, action: str) -> list[str]:
    """The resources that an action is permitted on."""
    return [each for s in stack.allowed() if action in s["Action"] for each in s["Resource"]]


class TestLines:
    def test_makes_nothing_for_gzip_members(self, default_stack: Synthesized) -> None:
        """Who does not ask for gzip pays for no second stream."""
        made = (names(default_stack, STREAM), names(default_stack, DELIVERY))

        assert made == ({"data-ingestion-dev-stream"}, {"data-ingestion-dev-delivery"})

    def test_one_line_a_record_is_lines_too(
        self, synthesize_stack: Callable[[Settings], Synthesized], default_stack: Synthesized
    ) -> None:
        """`none` moves no address: what lies on the stream is read in the same way."""
        assert synthesize_stack(settings_of("none")).addresses() == default_stack.addresses()


class TestGzip:
    def test_has_streams_of_its_own(self, gzip: Synthesized) -> None:
        """No stream that has ever held lines is read as gzip."""
        made = (names(gzip, STREAM), names(gzip, DELIVERY))

        assert made == ({"data-ingestion-dev-stream-gzip"}, {"data-ingestion-dev-delivery-gzip"})

    @pytest.mark.parametrize(
        ("argument", "value"), [("compression_format", "UNCOMPRESSED"), ("file_extension", ".gz")]
    )
    def test_firehose_writes_what_it_reads(self, gzip: Synthesized, argument: str, value: str) -> None:
        """Joined members are a gzip file, which Firehose would otherwise not name so.

        https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
        """
        given = gzip.only(DELIVERY)["extended_s3_configuration"][argument]

        assert given == value

    def test_lies_where_lines_lie(self, gzip: Synthesized, default_stack: Synthesized) -> None:
        """Readers of the lake need not know the packing: folders of data and of errors are the same."""
        folders = [
            [
                stack.only(DELIVERY)["extended_s3_configuration"][key]
                for key in ("prefix", "error_output_prefix")
            ]
            for stack in (gzip, default_stack)
        ]

        assert folders[0] == folders[1]

    def test_moves_nothing_but_the_two_streams(self, gzip: Synthesized, default_stack: Synthesized) -> None:
        """Every other address is the same as with lines."""
        others = [
            [each for each in stack.addresses() if f" {STREAM}." not in each and f" {DELIVERY}." not in each]
            for stack in (gzip, default_stack)
        ]

        assert others[0] == others[1]

    @pytest.mark.parametrize("action", ["kinesis:PutRecords", "kinesis:GetRecords"])
    def test_roles_use_that_stream_only(self, gzip: Synthesized, action: str) -> None:
        """No role keeps a permission on a stream that is not there."""
        assert permitted(gzip, action) == [f"${{{gzip.address(STREAM)}.arn}}"]

    @pytest.mark.parametrize("output", ["stream_name", "delivery_stream_name"])
    def test_outputs_name_what_is_used(self, gzip: Synthesized, output: str) -> None:
        """Whoever reads the outputs finds the streams that are there."""
        kind = STREAM if output == "stream_name" else DELIVERY

        assert gzip.json["output"][output]["value"] == f"${{{gzip.address(kind)}.name}}"

    def test_refuses_another_compression(self) -> None:
        """The objects are gzip; they cannot also be uncompressed."""
        with pytest.raises(SettingsError, match=r"delivery\.compression = 'UNCOMPRESSED': is not what"):
            Settings(
                fetch=FetchSettings(packing="gzip"), delivery=DeliverySettings(compression="UNCOMPRESSED")
            )

    def test_takes_a_stream_that_exists(self, synthesize: Synthesize) -> None:
        """Firehose reads it as gzip members, and no stream is made."""
        from ingestion_pipeline.pipeline import IngestionPipeline

        existing = Existing(stream=replace(THEIRS, packing="gzip"))
        stack = synthesize(
            lambda stack: IngestionPipeline(stack, "p", settings=settings_of("gzip"), existing=existing)
        )
        source = stack.only(DELIVERY, "gzip")["kinesis_source_configuration"]["kinesis_stream_arn"]

        assert (stack.resources(STREAM), source) == ({}, THEIRS.arn)

    def test_nobody_else_may_put_records(self, synthesize: Synthesize) -> None:
        """A line between gzip members would make a whole object unreadable."""
        from ingestion_pipeline.pipeline import IngestionPipeline

        def build(stack: Any) -> None:
            IngestionPipeline(stack, "p", settings=settings_of("gzip")).grant_put_records("producer")

        with pytest.raises(SettingsError, match=r"fetch\.packing = 'gzip': nobody else may put records"):
            synthesize(build)


class TestChanging:
    def test_keeps_what_still_holds_records(self, changing: Synthesized, default_stack: Synthesized) -> None:
        """The first deployment of a change destroys nothing, and the second nothing that is used."""
        before, after = set(default_stack.addresses()), set(changing.addresses())

        assert (before - after, after - before) == (set(), FURTHER)

    @pytest.mark.parametrize("ending", ["", "-gzip"])
    def test_each_delivery_stream_reads_the_stream_of_its_form(
        self, changing: Synthesized, ending: str
    ) -> None:
        """Lines and gzip members never meet in an object."""
        address, _ = named(changing, STREAM, f"data-ingestion-dev-stream{ending}")
        _, delivery = named(changing, DELIVERY, f"data-ingestion-dev-delivery{ending}")

        assert delivery["kinesis_source_configuration"]["kinesis_stream_arn"] == f"${{{address}.arn}}"

    def test_the_former_delivery_does_not_change(
        self, changing: Synthesized, default_stack: Synthesized
    ) -> None:
        """What is left on the former stream is delivered as ever."""
        _, former = named(changing, DELIVERY, "data-ingestion-dev-delivery")

        assert former == default_stack.only(DELIVERY)

    @pytest.mark.parametrize("packing", ["lines", "gzip"])
    @pytest.mark.parametrize("action", ["kinesis:PutRecords", "kinesis:GetRecords"])
    def test_both_roles_use_both_streams(
        self, synthesize_stack: Callable[[Settings], Synthesized], packing: str, action: str
    ) -> None:
        """An invocation that began before the change may end after it, in both directions."""
        stack = synthesize_stack(settings_of(packing, keep_former=True))
        arns = {f"${{{STREAM}.{name}.arn}}" for name in stack.resources(STREAM)}

        assert (len(arns), set(permitted(stack, action))) == (2, arns)

    @pytest.mark.parametrize(("packing", "ending"), [("lines", ""), ("gzip", "-gzip")])
    def test_the_function_writes_the_stream_of_the_packing(
        self, synthesize_stack: Callable[[Settings], Synthesized], packing: str, ending: str
    ) -> None:
        """Which of the two is written is for `fetch.packing` alone to say."""
        stack = synthesize_stack(settings_of(packing, keep_former=True))
        address, _ = named(stack, STREAM, f"data-ingestion-dev-stream{ending}")
        variables = stack.only("aws_lambda_function")["environment"]["variables"]

        assert (variables["KINESIS_STREAM_NAME"], variables["PACKING"]) == (f"${{{address}.name}}", packing)

    def test_the_function_waits_for_both_deliveries(self, changing: Synthesized) -> None:
        """Firehose delivers only what is put on a stream after it has started to read it."""
        waits = set(changing.only("aws_lambda_function")["depends_on"])

        assert {f"{DELIVERY}.{name}" for name in changing.resources(DELIVERY)} <= waits

    def test_an_existing_stream_keeps_its_packing(self) -> None:
        """One stream cannot hold both forms; the way out is another stream."""
        with pytest.raises(SettingsError, match=r"delivery\.keep_former = True: .* give another\s+stream"):
            Existing(stream=THEIRS).check(settings_of("lines", keep_former=True))

    @pytest.mark.parametrize(("packing", "held"), [("gzip", "lines"), ("lines", "gzip"), ("none", "gzip")])
    def test_an_existing_stream_takes_no_other_packing(self, packing: str, held: str) -> None:
        """Whoever changes the packing on one stream is refused, before an object holds both forms."""
        existing = Existing(stream=replace(THEIRS, packing=held))

        with pytest.raises(SettingsError, match=rf"fetch\.packing = '{packing}': .*\(packing = '{held}'\)"):
            existing.check(settings_of(packing))

    def test_the_stream_of_another_pipeline_says_what_it_holds(self, synthesize: Synthesize) -> None:
        """A pipeline of lines cannot put them on the stream of a pipeline of gzip members."""
        from ingestion_pipeline.pipeline import IngestionPipeline

        def build(stack: Any) -> None:
            other = IngestionPipeline(stack, "a", settings=settings_of("gzip"))
            existing = Existing(stream=other.stream)
            IngestionPipeline(stack, "b", settings=settings_of("lines"), existing=existing)

        with pytest.raises(SettingsError, match=r"fetch\.packing = 'lines': .*\(packing = 'gzip'\)"):
            synthesize(build)

    def test_a_stream_holds_lines_or_gzip_members(self) -> None:
        """No third word is taken for one of the two."""
        with pytest.raises(SettingsError, match=r"packing = 'none': must be one of lines, gzip"):
            replace(THEIRS, packing="none")
