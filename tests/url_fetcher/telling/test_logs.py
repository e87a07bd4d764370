"""Log lines: of ours and of every library, always written, always strict JSON, never with a secret."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, head
from tests.checkout import ROOT
from url_fetcher.telling.logs import Log
from url_fetcher.telling.redaction import Redactor

SECRET = "hunter2/ü&=s3cret"


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The function's logger, whose handlers are put back."""
    logger = logging.getLogger("url_fetcher")
    handlers = logger.handlers
    yield logger
    logger.handlers = handlers


def written(capsys: pytest.CaptureFixture[str], **facts: object) -> dict[str, Any]:
    """The one line of a failure with these facts, read by a strict parser."""
    redactor = Redactor()
    redactor.learn(SECRET)
    Log(redactor, request_id="r").error("failed", **facts)
    line: dict[str, Any] = msgspec.json.decode(capsys.readouterr().out.encode())
    return line


@pytest.mark.usefixtures("logger")
@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        ("a\ud800b", "a\\ud800b"),
        ("größe \u2028 \x00 😀", "größe \u2028 \x00 😀"),
        (10**5_000, hex(10**5_000)),
        (2**64 - 1, 2**64 - 1),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (True, True),
        (None, None),
        (["\udfff", {"a": b"\xff"}], ["\\udfff", {"a": "b'\\xff'"}]),
        ({"nested": [SECRET]}, {"nested": ["REDACTED"]}),
        (json.dumps(SECRET), '"REDACTED"'),
    ],
    ids=lambda _: "",
)
def test_a_line_is_written_whatever_is_in_it(
    capsys: pytest.CaptureFixture[str], fact: object, shown: object
) -> None:
    """Halves of characters, numbers that JSON has not and secrets come out as strict JSON shows them."""
    assert written(capsys, fact=fact)["fact"] == shown


@pytest.mark.usefixtures("logger")
def test_a_secret_that_is_a_number_leaves_the_line_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Counters and names of fields stay although their digits or letters are a secret's."""
    redactor = Redactor()
    redactor.learn("123456", "accepted")
    Log(redactor, request_id="r").error("123456 accepted", accepted=123456)
    line = json.loads(capsys.readouterr().out)

    assert (line["message"], line["accepted"]) == ("REDACTED REDACTED", 123456)


# As Lambda's runtime does it: a handler is on the root logger before the function is imported.
IN_LAMBDA = """
import contextlib, io, logging, sys, threading, warnings
logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
own = logging.getLogger("library.with.a.handler")
own.addHandler(logging.StreamHandler(sys.stderr))
own.propagate = False
from url_fetcher import handler
from url_fetcher.errors import IngestionError

class Secrets:
    def get_secret_value(self, SecretId):
        return {"SecretString": SECRET}

class Objects:
    def get_object(self, Bucket, Key):
        return {"Body": io.BytesIO(SOURCES)}

class Stream:
    def put_records(self, StreamName, Records):
        return {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1"} for _ in Records]}

class Context:
    aws_request_id = "request-1"
    def get_remaining_time_in_millis(self):
        return 30_000

class Unwilling:
    def __str__(self):
        raise ValueError(SECRET)

def fail():
    raise ValueError(f"https://a.example/?key={SECRET}")

class Finalized:
    def __del__(self):
        fail()

handler.CLIENTS._given_secrets_manager = Secrets()
handler.CLIENTS._s3 = Objects()
handler.CLIENTS._kinesis = Stream()
del handler.CLIENTS.kinesis
with contextlib.suppress(IngestionError):
    handler.handler({"source": "s"}, Context())
# As urllib3 says it of a header line without a colon.
url = "https://a.example/?page=1&apikey=t0psecret"
logging.getLogger("urllib3.connection").warning("Failed to parse headers (url=%s): []", url)
for name in ("", "library", "urllib3.connectionpool", "library.with.a.handler"):
    logger = logging.getLogger(name)
    logger.warning("plain %s", SECRET)
    logger.warning("unfit %s %s", SECRET)
    logger.warning("half \\ud800")
    logger.warning(Unwilling())
    try:
        fail()
    except ValueError:
        logger.exception("caught", stack_info=True)
warnings.warn(f"warned of {SECRET}")
threading.Thread(target=fail).start()
Finalized()
"""


def in_lambda(source: HostileSource) -> tuple[str, str]:
    """What a process says on both streams that runs the function as Lambda does."""
    configured = {
        "name": "s",
        "url": source.url("/?apikey=t0psecret"),
        "auth": {
            "kind": "bearer",
            "secret_arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key",
        },
    }
    sources = repr(json.dumps([configured]).encode())
    code = f"SECRET = {SECRET!r}\nSOURCES = {sources}\n{IN_LAMBDA}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PYTHONPATH": str(ROOT / "lambda"),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": "fetch",
            "KINESIS_STREAM_NAME": "stream",
            "ALLOW_HTTP": "true",
            "ALLOW_PRIVATE_NETWORKS": "true",
            "SOURCES_URI": "s3://lake/config/sources.json",
        },
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout, done.stderr


def without_colon(connection: Connection, request: Request) -> None:
    """Answer with a header line that has no colon and echoes what was asked."""
    echoed = request.headers["authorization"]
    lines = head(headers={"Content-Length": "3"}).removesuffix(b"\r\n")
    connection.send(lines + f"no colon {echoed}\r\n\r\n".encode("latin-1", "replace") + b"[1]")


def test_no_record_of_any_logger_leaves_unredacted() -> None:
    """In Lambda's runtime, with its own handler in place, libraries, warnings and threads tell no secret."""
    with HostileSource({"/": without_colon}) as source:
        out, err = in_lambda(source)
    lines = [msgspec.json.decode(line) for line in out.splitlines()]
    told = [word for word in ("hunter2", "s3cret", "t0psecret") if word in out + err]
    parsing = [line["message"] for line in lines if "Failed to parse headers" in line.get("message", "")]

    assert (err, told, len(parsing), "apikey=REDACTED" in "".join(parsing)) == ("", [], 1, True)


def test_every_record_of_every_logger_is_a_line_of_the_invocation() -> None:
    """Nothing that was logged, warned of or left uncaught is lost, and each line has the invocation's id."""
    with HostileSource({"/": without_colon}) as source:
        out, _ = in_lambda(source)
    lines = [json.loads(line) for line in out.splitlines()]
    count = {
        name: sum(line.get("logger") == name for line in lines)
        for name in ("root", "library", "library.with.a.handler", "py.warnings", "threading", "sys")
    }

    assert (count, {line["function_request_id"] for line in lines}) == (
        {
            "root": 5,
            "library": 5,
            "library.with.a.handler": 5,
            "py.warnings": 1,
            "threading": 1,
            "sys": 1,
        },
        {"request-1"},
    )
