import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import FUNCTION, Names, cut, environment_label

# The longest of https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html.
REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1", "ap-southeast-5", "us-gov-west-1", "eusc-de-east-1"]
ACCOUNT = "123456789012"

pipeline_names = st.from_regex(r"[a-z][a-z0-9-]{1,38}[a-z0-9]", fullmatch=True)
environments = st.from_regex(r"[a-z][a-z0-9]{0,19}", fullmatch=True)
many_names = st.builds(Names, pipeline_names, environments, st.sampled_from(REGIONS))

LIMITS = {
    "stream": (128, r"[a-zA-Z0-9_.-]+"),
    "stream_gzip": (128, r"[a-zA-Z0-9_.-]+"),
    "delivery_stream": (64, r"[a-zA-Z0-9_.-]+"),
    "delivery_stream_gzip": (64, r"[a-zA-Z0-9_.-]+"),
    "function": (64, r"[a-zA-Z0-9-_]+"),
    "dead_letter_queue": (80, r"[a-zA-Z0-9-_]+"),
    "work_queue": (80, r"[a-zA-Z0-9-_]+"),
    "role fetch": (64, r"[\w+=,.@-]+"),
    "role delivery": (64, r"[\w+=,.@-]+"),
    "bucket": (63, r"[a-z0-9][a-z0-9-]+[a-z0-9]"),
}


def all_names(names: Names) -> dict[str, str]:
    """Every name of a pipeline by what it is for."""
    # Here, because these start jsii's Node process.
    from ingestion_pipeline.resources import (
        dead_letter_queue,
        delivery,
        fetch_function,
        stream,
        work_queue,
    )

    return {
        "stream": names.of(stream.NAMES[Form.LINES]),
        "stream_gzip": names.of(stream.NAMES[Form.MEMBERS]),
        "delivery_stream": names.of(delivery.NAMES[Form.LINES]),
        "delivery_stream_gzip": names.of(delivery.NAMES[Form.MEMBERS]),
        "function": names.of(FUNCTION),
        "dead_letter_queue": names.of(dead_letter_queue.NAME),
        "work_queue": names.of(work_queue.NAME),
        "role fetch": names.of(fetch_function.ROLE_NAME),
        "role delivery": names.of(delivery.ROLE_NAME),
        "bucket": names.bucket(ACCOUNT),
    }


class TestDefaults:
    @pytest.mark.parametrize(
        ("thing", "name"),
        [
            ("stream", "data-ingestion-dev-stream"),
            ("stream_gzip", "data-ingestion-dev-stream-gzip"),
            ("delivery_stream", "data-ingestion-dev-delivery"),
            ("delivery_stream_gzip", "data-ingestion-dev-delivery-gzip"),
            ("function", "data-ingestion-dev-fetch"),
            ("dead_letter_queue", "data-ingestion-dev-dead-letters"),
            ("work_queue", "data-ingestion-dev-work"),
            ("role fetch", "data-ingestion-dev-fetch-us-east-1"),
            ("role delivery", "data-ingestion-dev-delivery-us-east-1"),
            ("bucket", "data-ingestion-dev-lake-123456789012-us-east-1"),
        ],
    )
    def test_are_readable(self, thing: str, name: str) -> None:
        """A short name is spelled out: pipeline, environment, thing."""
        names = all_names(Names("data-ingestion", "dev", "us-east-1"))

        assert names[thing] == name

    def test_state_lies_by_pipeline_and_environment(self) -> None:
        """Two pipelines or environments can share a state bucket."""
        assert Names("a", "b", "us-east-1").state_key == "a/b/terraform.tfstate"


class TestGuarded:
    @pytest.mark.parametrize("thing", LIMITS)
    @given(names=many_names)
    def test_are_taken_by_the_service(self, thing: str, names: Names) -> None:
        """Every name that the settings allow is within its service's length and alphabet."""
        characters, pattern = LIMITS[thing]
        name = all_names(names)[thing]

        assert len(name) <= characters
        assert re.fullmatch(pattern, name)

    @given(one=many_names, other=many_names)
    def test_two_copies_share_no_name(self, one: Names, other: Names) -> None:
        """Pipelines that differ in name or environment differ in every name, long ones too."""
        if (one.name, one.environment) == (other.name, other.environment):
            return
        shared = set(all_names(one).values()) & set(all_names(other).values())

        assert shared == set()

    def test_long_names_stay_distinct(self) -> None:
        """Two names with 39 letters in common are still two."""
        one, other = (all_names(Names("a" * 39 + last, "production", "ap-northeast-1")) for last in "xy")

        assert set(one.values()) & set(other.values()) == set()

    @pytest.mark.parametrize("name", ["role fetch", "bucket"])
    def test_two_regions_share_no_name(self, name: str) -> None:
        """Roles and buckets have one space of names for all Regions, so theirs tells the Region."""
        one, other = (all_names(Names("a" * 40, "dev", region))[name] for region in REGIONS[:2])

        assert one != other

    @pytest.mark.parametrize("account_id", ["123456789012", "${TfToken[TOKEN.0]}"])
    def test_bucket_is_cut_for_the_account_it_will_get(self, account_id: str) -> None:
        """While Terraform does not know the account yet, its twelve digits are counted already."""
        name = Names("a" * 40, "dev", "ap-northeast-1").bucket(account_id)

        assert len(name.replace(account_id, ACCOUNT)) == 63

    @given(text=st.text(alphabet="ab-", max_size=100), characters=st.integers(12, 80))
    def test_cut_keeps_what_fits(self, text: str, characters: int) -> None:
        """What fits stays as it is, what does not keeps its beginning and gets a hash."""
        short = cut(text, characters)

        assert short == text if len(text) <= characters else text.startswith(short[:-9])
        assert len(short) <= characters


@pytest.mark.parametrize(
    ("environment", "label"),
    [("prod", "Production"), ("dev", "Development"), ("staging", "Staging"), ("local", "Local")],
)
def test_label_of_an_environment(environment: str, label: str) -> None:
    """The tag says the environment in words."""
    assert environment_label(environment) == label
