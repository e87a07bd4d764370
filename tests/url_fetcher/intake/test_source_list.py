"""The configured sources in their object."""

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.url_fetcher.reading import Objects
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable
from url_fetcher.intake.source_list import SourceList
from url_fetcher.source.schema import Source

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


def test_a_null_in_the_list_is_no_source() -> None:
    """A source that a condition leaves out in Terraform is null."""
    (source,) = Objects(json.dumps([None, POSTS])).list().all

    assert source.name == "posts"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "are not JSON"),
        ("[" * 100_000, "are not JSON"),
        ("[" + "1" * 5_000 + "]", "out of range"),
        ("{}", "array"),
    ],
    ids=["cut", "deep", "digits", "object"],
)
def test_what_is_no_list_is_an_error(content: str, words: str) -> None:
    """The error says what is there instead."""
    with pytest.raises(ConfigurationError) as caught:
        _ = Objects(content).list().all

    assert words in str(caught.value)


BROKEN: list[tuple[object, str]] = [
    (
        {**POSTS, "url": 5},
        "configured source 'posts' (sources[1]): url: Expected `str`, got `int`, it is '5'",
    ),
    ({**POSTS, "url": "https://"}, "(sources[1]): url: must begin with https://"),
    ({**POSTS, "pagintion": {}}, "(sources[1]): the top level: Object contains unknown field `pagintion`"),
    (
        {**POSTS, "retry": {"max_attempts": "5"}},
        "(sources[1]): retry.max_attempts: Expected `int`, got `str`",
    ),
    ({**POSTS, "auth": {"kind": "magic"}}, "(sources[1]): auth.kind: "),
    (
        {**POSTS, "auth": {"kind": "bearer", "secret_arn": "x"}},
        "(sources[1]): auth.secret_arn: must be a secret's ARN",
    ),
    ({**POSTS, "body": "b"}, "(sources[1]): the top level: `body` is set although"),
    (
        {**POSTS, "method": "POST", "body": json.loads('{"a":' * 101 + "1" + "}" * 101)},
        "(sources[1]): is nested too deeply",
    ),
    ({**POSTS, "query": json.loads('{"a":' * 900 + "1" + "}" * 900)}, "(sources[1])"),
    ("https://a.example", "sources[1]: the top level: Expected `object`, got `str`"),
]


@pytest.mark.parametrize(("broken", "words"), BROKEN)
def test_a_broken_source_stops_no_other(broken: object, words: str) -> None:
    """The others are there, the first of them is the default, and a warning tells what is wrong."""
    told: list[str] = []
    sources = Objects(json.dumps([{**POSTS, "name": "first"}, broken, {**POSTS, "name": "last"}])).list()
    sources.warn = told.append

    first = sources.default()
    assert (first and first.name, sources.named("last").name) == ("first", "last")
    assert [words in line and "; correct it and deploy again" in line for line in told] == [True]


@pytest.mark.parametrize(("broken", "words"), BROKEN[:-1])
def test_a_broken_source_fails_the_event_that_names_it(broken: object, words: str) -> None:
    """The error has the source, the key, the value and the way out."""
    sources = Objects(json.dumps([{**POSTS, "name": "first"}, broken])).list()

    with pytest.raises(ConfigurationError) as caught:
        sources.named("posts")

    assert words in str(caught.value)


def test_a_broken_first_source_fails_the_event_that_names_none() -> None:
    """No other source takes the place of the default."""
    sources = Objects(json.dumps([{"url": 5}, POSTS])).list()

    with pytest.raises(ConfigurationError, match=r"^sources\[0\]: url: Expected"):
        sources.default()


def test_a_name_of_two_sources_fails_only_the_events_that_give_it() -> None:
    """Neither is picked, whether it is usable or not; another name still is."""
    sources = Objects(json.dumps([POSTS, {**POSTS, "url": 5}, {**POSTS, "name": "last"}])).list()

    with pytest.raises(ConfigurationError, match="'posts' is given twice; give each source its own"):
        sources.named("posts")
    assert sources.named("last").name == "last"


def test_a_warning_shows_no_secret() -> None:
    """What lies in a header, a query, a body or a URL's query may be one."""
    told: list[str] = []
    url = "https://me:hunter2@a.example/?key=hunter2"
    hidden = [
        {"url": url, "headers": {"X": ["hunter2"]}},
        {"url": url, "query": {"X": ["hunter2"]}},
        {"url": url.replace("https", "ftp")},
        {"url": url, "auth": {"kind": "bearer", "secret_arn": "hunter2"}},
    ]
    sources = Objects(json.dumps(hidden)).list()
    sources.warn = told.append
    _ = sources.all

    assert (len(told), [line for line in told if "hunter2" in line]) == (4, [])


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
