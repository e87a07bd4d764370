import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion_pipeline.settings.names import LAKE, Name, Names, cut, environment_label

# The longest of https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html.
REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1", "ap-southeast-5", "us-gov-west-1", "eusc-de-east-1"]
ACCOUNT = "123456789012"

pipeline_names = st.from_regex(r"[a-z][a-z0-9-]{1,38}[a-z0-9]", fullmatch=True)
environments = st.from_regex(r"[a-z][a-z0-9]{0,19}", fullmatch=True)
many_names = st.builds(Names, pipeline_names, environments, st.sampled_from(REGIONS))

STRICTEST = 63
"""The shortest limit of any service; a name that is declared with more has its limit in `LIMITS`."""

LIMITS = {
    "stream": 128,
    "stream_gzip": 128,
    "delivery_stream": 64,
    "delivery_stream_gzip": 64,
    "function": 64,
    "function_role": 64,
    # 128 for the name of a policy, of which eight are left for the number that follows.
    "function_secrets": 120,
    "delivery_role": 64,
    "dead_letter_queue": 80,
    "work_queue": 80,
    "schedule_group": 64,
    "schedules_role": 64,
    "alarm_topic": 256,
    # 255 for the name of an alarm, of which 55 are left for what follows.
    "alarms": 200,
    "dashboard": 255,
}
"""The limits of AWS, read from its pages, by the key of the name: a typing error in `Name` shows here."""

TAKEN_BY_ALL = re.compile(r"[a-zA-Z0-9-]+")
"""Letters, digits and hyphens, which every service takes; a bucket takes small letters alone."""


def declared() -> dict[str, Name]:
    """Each name that a capability declares, by its key, but for the bucket's."""
    # Here, because the constructs start jsii's Node process.
    from ingestion_pipeline.resources.capability import capabilities

    names = [name for each in capabilities().values() for name in each.names]
    keys = [name.key for name in names]
    assert len(keys) == len(set(keys)), f"two names have one key: {sorted(keys)}"
    return {name.key: name for name in names if name is not LAKE}


def all_names(names: Names) -> dict[str, str]:
    """Every name of a pipeline by what it is for."""
    return {"bucket": names.bucket(ACCOUNT), **{key: names.of(name) for key, name in declared().items()}}


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
            ("function_role", "data-ingestion-dev-fetch-us-east-1"),
            ("delivery_role", "data-ingestion-dev-delivery-us-east-1"),
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
    def test_no_limit_is_more_than_the_services(self) -> None:
        """A limit that is typed too high would let AWS refuse a long name in the middle of an apply."""
        high = {
            key: name.max_characters
            for key, name in declared().items()
            if name.max_characters > LIMITS.get(key, STRICTEST)
        }

        assert high == {}

    @given(names=many_names)
    def test_are_taken_by_the_service(self, names: Names) -> None:
        """Every name that the settings allow is within its limit and made of what every service takes."""
        limits = {"bucket": 63, **{key: name.max_characters for key, name in declared().items()}}
        refused = {
            key: name
            for key, name in all_names(names).items()
            if len(name) > limits[key] or not TAKEN_BY_ALL.fullmatch(name)
        }

        assert refused == {}
        assert names.bucket(ACCOUNT).islower()

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

    @pytest.mark.parametrize(
        "name", ["function_role", "delivery_role", "function_secrets", "schedules_role", "bucket"]
    )
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
