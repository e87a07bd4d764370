"""The configured sources in their object."""

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.url_fetcher.reading import Objects
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable
from url_fetcher.source.schema import Source
from url_fetcher.source_list import SourceList

POSTS = {"name": "posts", "url": "https://api.example.com/posts"}


class Failing:
    """An S3 client that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803, ARG002 - boto3's names
        """The error."""
        raise self.error


def refused(code: str, status: int) -> ClientError:
    """What S3 answers."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")  # type: ignore[typeddict-item]


def test_the_object_is_read_once_and_only_when_it_is_needed() -> None:
    """An event with a source of its own waits for no other; the first that needs one reads them all."""
    objects = Objects(json.dumps([POSTS]))
    sources = objects.list()
    before = objects.calls
    names = [sources.named("posts").name, *(source.name for source in sources.all)]

    assert (before, names, objects.calls) == (0, ["posts", "posts"], 1)


def test_what_terraform_leaves_as_null_is_absent() -> None:
    """A typed variable of the module gives null for each optional attribute; null in a body stays."""
    given = {**POSTS, "auth": None, "limits": {"max_records": None}, "method": "POST", "body": {"a": None}}

    (source,) = Objects(json.dumps([given])).list().all

    assert source == Source(name="posts", url=POSTS["url"], method="POST", body={"a": None})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "are not JSON"),
        ("[" * 100_000, "are not JSON"),
        ("[" * 900 + "]" * 900, "the sources"),
        ('[{"url": "https://a.b", "body": ' + '{"a":' * 99 + "1" + "}" * 100 + "]", "deeply"),
        ("[" + "1" * 5_000 + "]", "out of range"),
        ("{}", "array"),
        ('[{"url": 5}]', "[0].url"),
        ('[{"url": "https://a.b", "retry": {"max_attempts": "5"}}]', "[0].retry.max_attempts"),
        (json.dumps([POSTS, POSTS]), "'posts' is given twice"),
    ],
    ids=[
        "cut",
        "deep",
        "too deep for Python",
        "deep body",
        "digits",
        "object",
        "wrong type",
        "text for a number",
        "twice",
    ],
)
def test_wrong_sources_are_an_error_that_names_them(content: str, words: str) -> None:
    """The error says which source and which key."""
    with pytest.raises(ConfigurationError) as caught:
        _ = Objects(content).list().all

    assert words in str(caught.value)


def test_another_content_than_the_deployed_one_is_refused() -> None:
    """The name holds the hash of the content, so that nobody else's sources are fetched."""
    objects = Objects("[]")
    digest = hashlib.sha256(b"[ ]").hexdigest()

    with pytest.raises(ConfigurationError, match="not those that were deployed"):
        _ = SourceList(f"s3://lake/config/sources-{digest}.json", lambda: objects).all


def test_the_deployed_content_is_taken() -> None:
    """The hash in the name is that of the content."""
    text = json.dumps([POSTS])
    uri = f"s3://lake/config/sources-{hashlib.sha256(text.encode()).hexdigest()}.json"

    assert [source.name for source in SourceList(uri, lambda: Objects(text)).all] == ["posts"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("NoSuchKey", 404), ConfigurationError),
        (refused("AccessDenied", 403), ConfigurationError),
        (refused("SlowDown", 503), ConfigurationUnavailable),
        (EndpointConnectionError(endpoint_url="https://s3"), ConfigurationUnavailable),
    ],
)
def test_a_failure_of_s3_is_told_by_whether_to_retry(error: Exception, kind: type[Exception]) -> None:
    """What may pass is retryable, what needs a deployment is not."""
    with pytest.raises(kind, match=r"s3://lake/config/sources\.json"):
        _ = SourceList(Objects.uri, lambda: Failing(error)).all


def test_no_object_means_no_sources() -> None:
    """A function that was deployed without sources asks nobody."""
    assert SourceList("", lambda: Failing(AssertionError())).all == ()


def test_a_place_that_is_none_is_named() -> None:
    """The variable is shown with the form that it should have."""
    with pytest.raises(ConfigurationError, match=r"SOURCES_URI is 'somewhere'; write it as s3://bucket/key"):
        _ = SourceList("somewhere", Objects).all
