"""Which state would be left alone, on a local AWS; tests/e2e/test_lifecycle.py renames what is deployed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from local_aws.emulator.instance import Emulator
from tests.checkout import ROOT
from tools.deploy import stack as command
from tools.deploy.other_states import MAX_EMPTY_STATE_BYTES, left_running
from tools.ground.terraform import TerraformError

pytestmark = pytest.mark.terraform

BUCKET = "our-state"
EMPTY = b" " * MAX_EMPTY_STATE_BYTES
WITH_RESOURCES = EMPTY + b" "
OWN = "orders/prod/terraform.tfstate"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """A local AWS."""
    with Emulator() as running:
        yield running


@pytest.fixture
def variables(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """Of a pipeline ``orders`` in ``prod``, of which nothing is deployed."""
    reset = Request(f"{emulator.endpoint_url}/_ministack/reset", method="POST")  # noqa: S310 - loopback
    urlopen(reset).close()  # noqa: S310 - as above
    emulator.client("s3").create_bucket(Bucket=BUCKET)
    settings = (ROOT / "pipeline.toml").read_text(encoding="utf-8")
    file = tmp_path / "pipeline.toml"
    file.write_text(settings.replace('name = "data-ingestion"', 'name = "orders"'), encoding="utf-8")
    return {**emulator.environment, "ENV": "prod", "PIPELINE_TOML": str(file)}


@pytest.fixture
def put(emulator: Emulator) -> Callable[[str, bytes], object]:
    """Write a state."""
    s3 = emulator.client("s3")
    return lambda key, content: s3.put_object(Bucket=BUCKET, Key=key, Body=content)


def stack(key: str = OWN) -> dict[str, Any]:
    """What matters of a synthesized stack."""
    return {
        "terraform": {"backend": {"s3": {"bucket": BUCKET, "key": key, "region": "us-east-1"}}},
        "provider": {"aws": [{"region": "us-east-1"}]},
        "resource": {"aws_kinesis_stream": {"stream": {"name": "orders-prod-stream"}}, "aws_s3_bucket": {}},
    }


Put = Callable[[str, bytes], object]


@pytest.mark.parametrize(
    "former",
    [
        pytest.param("clicks/prod/terraform.tfstate", id="another name"),
        pytest.param("orders/live/terraform.tfstate", id="another environment"),
    ],
)
def test_a_state_that_nobody_names_any_more_is_found(
    variables: dict[str, str], put: Put, former: str
) -> None:
    """A pipeline whose name or environment alone differs may be this one before it was renamed."""
    put(former, WITH_RESOURCES)

    assert left_running(stack(), variables) == (
        f"there is no state {OWN} in our-state yet, but there is {former} with resources, which no "
        "environment of pipeline.toml has. If this pipeline was renamed, that one would run on: "
        "docs/upgrading.md, under 'Another name, environment or state', says what to do. If this is another "
        "pipeline, write that down: "
        f'key = "{OWN}" under [environments.prod.state] of pipeline.toml'
    )


def test_every_such_state_is_named(variables: dict[str, str], put: Put) -> None:
    """Nobody has to search for the rest."""
    put("clicks/prod/terraform.tfstate", WITH_RESOURCES)
    put("views/prod/terraform.tfstate", WITH_RESOURCES)

    assert (
        "there are clicks/prod/terraform.tfstate, views/prod/terraform.tfstate with resources"
        in left_running(stack(), variables)
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("orders/dev/terraform.tfstate", id="environment of this file"),
        pytest.param("clicks/live/terraform.tfstate", id="pipeline of others"),
        pytest.param("bootstrap/terraform.tfstate", id="state of the bucket"),
        pytest.param("network.tfstate", id="something else"),
    ],
)
def test_a_state_of_something_else_is_left_alone(variables: dict[str, str], put: Put, other: str) -> None:
    """What shares neither name nor environment, or is still in pipeline.toml, was not renamed."""
    put(other, WITH_RESOURCES)

    assert left_running(stack(), variables) == ""


def test_a_pipeline_that_was_destroyed_is_left_alone(variables: dict[str, str], put: Put) -> None:
    """Its state is there and has no resource."""
    put("clicks/prod/terraform.tfstate", EMPTY)

    assert left_running(stack(), variables) == ""


@pytest.mark.parametrize("content", [EMPTY, WITH_RESOURCES], ids=["destroyed", "deployed"])
def test_a_pipeline_that_was_here_before_is_not_renamed(
    variables: dict[str, str], put: Put, content: bytes
) -> None:
    """What has its own state, even one without resources, is planned as ever."""
    put("clicks/prod/terraform.tfstate", WITH_RESOURCES)
    put(OWN, content)

    assert left_running(stack(), variables) == ""


def test_a_second_pipeline_is_one_that_writes_its_key_down(variables: dict[str, str], put: Put) -> None:
    """Whoever follows the message is believed."""
    put("clicks/prod/terraform.tfstate", WITH_RESOURCES)
    with Path(variables["PIPELINE_TOML"]).open("a", encoding="utf-8") as settings:
        settings.write(f'[environments.prod.state]\nkey = "{OWN}"\n')

    assert left_running(stack(), variables) == ""


@pytest.mark.parametrize("content", [None, EMPTY], ids=["no state", "empty state"])
def test_a_stream_without_its_state_is_found(
    variables: dict[str, str], put: Put, emulator: Emulator, content: bytes | None
) -> None:
    """Another key or bucket of the state does not hide that the pipeline is there."""
    emulator.client("kinesis").create_stream(StreamName="orders-prod-stream", ShardCount=1)
    if content is not None:
        put("elsewhere", content)
    with Path(variables["PIPELINE_TOML"]).open("a", encoding="utf-8") as settings:
        settings.write('[environments.prod.state]\nkey = "elsewhere"\n')

    assert left_running(stack("elsewhere"), variables) == (
        "the stream orders-prod-stream exists, but the state elsewhere in our-state has no resource: its "
        "state is elsewhere, perhaps under an earlier state.key or state.bucket; docs/upgrading.md, under "
        "'Another name, environment or state', says what to do"
    )


def test_a_deployed_pipeline_has_its_stream(variables: dict[str, str], put: Put, emulator: Emulator) -> None:
    """Stream and state are both there in an ordinary plan."""
    emulator.client("kinesis").create_stream(StreamName="orders-prod-stream", ShardCount=1)
    put(OWN, WITH_RESOURCES)

    assert left_running(stack(), variables) == ""


class TestCommand:
    def test_refuses_to_go_on(self, variables: dict[str, str], put: Put) -> None:
        """Nothing is planned, deployed or destroyed."""
        put("clicks/prod/terraform.tfstate", WITH_RESOURCES)

        with pytest.raises(TerraformError, match="If this pipeline was renamed"):
            command._refuse_second_pipeline(stack(), variables, "deploy")

    @pytest.mark.parametrize("broken", ["endpoint", "bucket"])
    def test_goes_on_if_it_cannot_look(
        self, variables: dict[str, str], broken: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What cannot be reached is said, and stops nothing: Terraform says it too."""
        if broken == "endpoint":
            variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
        other = stack()
        other["terraform"]["backend"]["s3"]["bucket"] = "no-such-bucket"
        command._refuse_second_pipeline(other, variables, "plan")

        assert capsys.readouterr().err.startswith("plan: not looked for a state under another name: AWS ")
