"""Puts an event on the work queue: ``make send ENV=… [SOURCE=…] [URL=…] [URLS=file] [WATCH=1]``.

``URLS`` names a file with one URL a line, or one source as JSON a line. It is uploaded below ``lists/`` of
the lake's bucket, and the function cuts it into messages.
"""

import argparse
import json
import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.ground.aws import AwsError, client, explained
from tools.ground.ending import reported
from tools.ground.text import count
from tools.operate import deployed
from tools.operate.deployed import Deployed, NotDeployed, refuse_unconsumed, refuse_unknown_source
from tools.operate.progress import Progress
from tools.operate.queues import Queue

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<folder>.*)")
POLL_SECONDS = 5.0
EMPTY_POLLS = 13
"""Polls in a row that must find nothing, a minute from the first to the last: so long SQS's counts may lag.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
"""


class NotSent(RuntimeError):
    """When an event could not be put on the queue; nothing of it is there."""


def requested_event(source: str, url: str, resume: str) -> dict[str, Any]:
    """The event that asks for a configured source, or for a URL; for neither, the first source's.

    Args:
        source: Name of a configured source.
        url: Any other URL.
        resume: Where to go on, as an error gave it: JSON; empty for the start.

    Raises:
        NotSent: When the resume is none.
    """
    event: dict[str, Any] = {name: value for name, value in (("source", source), ("url", url)) if value}
    if resume:
        try:
            event["resume"] = json.loads(resume)
        except ValueError as error:
            raise NotSent(f"RESUME={resume}: must be the JSON that an error gave: {error}") from error
    return event


def upload(s3: "S3Client", file: Path, lists_uri: str, show: Callable[[str], None]) -> str:
    """The ``s3://`` address of the list, which is there when this returns.

    Args:
        s3: A client.
        file: The list.
        lists_uri: The folder that the function reads lists from, ``s3://<bucket>/lists/``.
        show: Called with how far the upload is.

    Raises:
        NotSent: When the file cannot be read or has nothing in it, or LISTS_URI names no folder.
        AwsError: When AWS refuses or cannot be reached.
    """
    found = URI.fullmatch(lists_uri)
    if not found:
        raise NotSent(f"LISTS_URI of the function is {lists_uri!r}: must be s3://<bucket>/<folder>/")
    try:
        size = file.stat().st_size
        if not size:
            raise NotSent(f"URLS={file}: is empty; write one URL a line")
        key = f"{found['folder']}{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{uuid.uuid4().hex[:8]}.txt"
        uploaded = 0

        def advance(some: int) -> None:
            nonlocal uploaded
            uploaded += some
            show(f"{uploaded:,} of {count(size, 'byte')} uploaded")

        with explained():
            s3.upload_file(str(file), found["bucket"], key, Callback=advance)
    except OSError as error:
        raise NotSent(f"URLS={file}: cannot be read: {error.strerror}") from error
    return f"s3://{found['bucket']}/{key}"


def send(work: Queue, event: dict[str, Any]) -> None:
    """Put one event on the queue.

    Raises:
        NotSent: When SQS refuses it.
        AwsError: When AWS refuses or cannot be reached.
    """
    (refusal,) = work.send([json.dumps(event, ensure_ascii=False)])
    if refusal:
        raise NotSent(f"{work.url} refused the event: {refusal}")


def watch(work: Queue, dead_letters: Queue, progress: Progress) -> int:
    """Show what the queues hold until the work queue has stayed empty for a while.

    Returns:
        How many dead letters there are then.

    Raises:
        AwsError: When AWS refuses or cannot be reached.
    """
    empty, before = 0, sum(dead_letters.counts())
    while empty < EMPTY_POLLS:
        counts, failed = work.counts(), dead_letters.counts()
        progress.show(
            f"waiting: {count(counts.waiting, 'message')}, in progress: {counts.in_flight:,}, "
            f"to be tried again: {counts.delayed:,}, failed: {count(sum(failed), 'dead letter')}"
        )
        empty = 0 if any(counts) else empty + 1
        time.sleep(POLL_SECONDS)
    failed_in_all = sum(dead_letters.counts())
    were = f", of which {before:,} were there before" if before else ""
    progress.say(f"The queue is empty; there are {count(failed_in_all, 'dead letter')}{were}.")
    return failed_in_all


def act(options: argparse.Namespace, found: Deployed, progress: Progress) -> int:
    """Send what is asked for. Returns the exit code: 1 if it was watched and there are dead letters.

    Raises:
        NotDeployed: When nothing takes messages from the work queue, or there is none.
        NotSent: When there is nothing to send, or SQS refuses it.
        AwsError: When AWS refuses or cannot be reached.
    """
    sqs = client("sqs", os.environ, found.region)
    work = Queue(sqs, found.variable("WORK_QUEUE_URL"))
    event = requested_event(options.source, options.url, options.resume)
    if options.source:
        refuse_unknown_source(options.source, found)
    refuse_unconsumed(work, found)
    if options.urls:
        s3 = client("s3", os.environ, found.region)
        event = {"urls_from": upload(s3, Path(options.urls), found.variable("LISTS_URI"), progress.show)}
    send(work, event)
    progress.say(f"Sent to {work.url}: {json.dumps(event, ensure_ascii=False)}")
    if options.watch:
        failed = watch(work, Queue(sqs, found.variable("DEAD_LETTER_QUEUE_URL")), progress)
        if failed:
            progress.say(f"See why: make dead ENV={found.environment} EVENTS=1")
        return int(bool(failed))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Send an event to the environment in ``ENV``. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="send", description=__doc__)
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--source", default="", help="name of a configured source; default: the first")
    wanted.add_argument("--url", default="", help="any other address that is allowed")
    wanted.add_argument(
        "--urls", default="", metavar="FILE", help="a list: one URL a line, or one source as JSON"
    )
    parser.add_argument("--resume", default="", help="where to go on, as an error gave it")
    parser.add_argument("--watch", action="store_true", help="show the queue until it is empty")
    options = parser.parse_args(arguments)
    if options.urls and options.resume:
        parser.error("RESUME is for SOURCE or URL, not for URLS")
    with reported("send", AwsError, NotDeployed, NotSent, interrupted="what was sent stays sent"):
        found = deployed.find()
        with Progress() as progress:
            return act(options, found, progress)


if __name__ == "__main__":
    sys.exit(main())
