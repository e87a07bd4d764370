"""Puts undeliverable records back on the stream.

``make replay ENV=… [PREFIX=…] [FROM=…] [TO=…] [DRY_RUN=1]`` reads dead letters and Firehose's errors from
the lake's bucket. An object is moved to ``replayed/`` once the stream has its records: an interrupted run
loses nothing, at most it puts records twice, with the same ``id``. What cannot be put stays where it is.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import nlargest
from typing import Any

import msgspec

from tools.ground.aws import MANY_CALLS, ONE_CALL, AwsError, client
from tools.ground.ending import reported
from tools.operate import deployed
from tools.operate.deployed import Deployed, NotDeployed
from tools.operate.progress import Progress
from tools.operate.replay.listing import HOUR_FOLDERS, Span, instant, objects
from tools.operate.replay.run import Replay, Replayed
from tools.operate.replay.stored import Replayable
from url_fetcher.deadline import Deadline
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.sink import Sink, SinkSettings
from url_fetcher.errors import ConfigurationError, DeliveryError
from url_fetcher.intake.environment import read_environment
from url_fetcher.source.schema import Source

CONNECTIONS = 2
"""Requests at once for one object; several objects are replayed at once."""

IN_FLIGHT_BYTES, REQUEST_BYTES = 2 * 1024 * 1024, 1024 * 1024
PATIENCE_SECONDS = 900.0
"""The longest time that putting one object's records may take."""


def replay(
    found: Deployed,
    prefixes: Iterable[str],
    span: Span,
    progress: Progress,
    *,
    dry_run: bool,
    newest: int = 0,
) -> Replayed:
    """Replays the objects of one environment, and returns the result.

    Args:
        found: The environment.
        prefixes: How their keys begin.
        span: The hours that they are of.
        progress: Shows how far the run is.
        dry_run: True to put and move nothing.
        newest: How many of them at most, those with the latest hours in their keys; 0: all.

    Raises:
        NotDeployed: When the function has no stream or no bucket.
        AwsError: When S3 refuses or cannot be reached; nothing is lost.
        DeliveryError: When the stream does not take the records; nothing is lost.
    """
    environment = read_environment(found.variables)
    settings = replace(
        SinkSettings.of(environment),
        connections=CONNECTIONS,
        max_in_flight_bytes=IN_FLIGHT_BYTES,
        request_bytes=REQUEST_BYTES,
    )
    # Of the same session as S3's client, which asks but once for a code of MFA. The sink itself sends again.
    kinesis = client("kinesis", os.environ, found.region, ONE_CALL)

    def make_sink() -> Sink:
        return Sink(
            kinesis,
            environment.kinesis_stream_name,
            deadline=Deadline(PATIENCE_SECONDS),
            settings=settings,
            dead_letters=DeadLetters(""),
        )

    s3, bucket = client("s3", os.environ, found.region, MANY_CALLS), found.variable("DEAD_LETTER_BUCKET")
    run = Replay(
        s3,
        bucket,
        make_sink=make_sink,
        replayable=Replayable(
            is_packed=settings.packing == "gzip",
            max_line_bytes=make_sink().max_line_bytes,
            sources=configured(found.settings.sources),
        ),
        dry_run=dry_run,
    )
    chosen = objects(s3, bucket, list(prefixes), span)
    if newest:
        chosen = iter(nlargest(newest, chosen, key=lambda each: (HOUR_FOLDERS.findall(each.key), each.key)))
    return run.run(chosen, progress.show)


def configured(sources: Sequence[Mapping[str, Any]]) -> dict[str, Source]:
    """The configured sources by name."""
    return {str(each.get("name") or "default"): msgspec.convert(each, Source) for each in sources}


def prefixes_of(found: Deployed, given: str) -> list[str]:
    """The prefixes to replay: those of dead letters and of Firehose's errors, or the one that is given.

    Raises:
        NotDeployed: When the given prefix is below neither of them.
    """
    folders = [found.variable("DEAD_LETTER_PREFIX"), found.settings.delivery.error_prefix]
    if given and not given.startswith(tuple(folders)):
        raise NotDeployed(f"PREFIX={given!r}: must begin with {' or '.join(map(repr, folders))}")
    return [given] if given else folders


def report(done: Replayed, progress: Progress, *, dry_run: bool) -> None:
    """Print the result."""
    verb = "would be put on the stream" if dry_run else "put on the stream"
    progress.say(f"Objects read: {done.objects:,}; records of {done.moved:,} {verb}: {done.lines:,}")
    done.found.show("record", progress)
    if done.stay:
        progress.table(("lines that stay", "because each"), [(n, why) for why, n in done.stay.most_common()])
    progress.reasons(done.unreadable)


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay what ``ENV`` could not deliver, or count it; 1 if an object cannot be read."""
    parser = argparse.ArgumentParser(prog="replay", description=__doc__)
    parser.add_argument("--prefix", default="", help="only below this, such as errors/processing-failed/")
    parser.add_argument(
        "--from", dest="start", type=_time, metavar="TIME", help="ISO 8601, UTC: from this hour on"
    )
    parser.add_argument("--to", dest="end", type=_time, metavar="TIME", help="ISO 8601, UTC: before this")
    parser.add_argument("--dry-run", action="store_true", help="count the records and put none")
    options = parser.parse_args(arguments)
    left = "what was not put stays where it is"
    with reported("replay", ConfigurationError, NotDeployed, interrupted=left):
        try:
            found = deployed.find()
            prefixes = prefixes_of(found, options.prefix)
            with Progress() as progress:
                span = Span(options.start, options.end)
                done = replay(found, prefixes, span, progress, dry_run=options.dry_run)
        except (AwsError, DeliveryError) as error:
            sys.exit(f"replay: {error}; {left}: run it again to go on")
    report(done, progress, dry_run=options.dry_run)
    return int(bool(done.unreadable))


def _time(text: str) -> datetime:
    try:
        return instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 2026-11-23 or 2026-11-23T10:00"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
