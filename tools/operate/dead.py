"""Looks at what failed for good, and takes nothing: ``make dead ENV=… [EVENTS=1|RECORDS=1] [MAX=100]``.

Dead events are messages of the dead letter queue. Each is received, held while the command looks, and given
back at once; a dead letter queue counts receives, and nothing follows from the count. Dead records are lines
of objects in the lake's bucket.
"""

import argparse
import os
from collections.abc import Sequence

from tools.ground.aws import AwsError, client
from tools.ground.ending import reported
from tools.ground.text import count
from tools.operate import deployed
from tools.operate.deployed import Deployed, NotDeployed
from tools.operate.progress import Progress
from tools.operate.queues import Queue
from tools.operate.redrive import Wanted, redrive
from tools.operate.replay.__main__ import prefixes_of, replay
from tools.operate.replay.listing import Span
from url_fetcher.errors import ConfigurationError


def events(found: Deployed, most: int, progress: Progress) -> None:
    """Print the events of the dead letter queue, by source and reason.

    Raises:
        NotDeployed: When there is no queue, or a look would move messages out of it.
        AwsError: When AWS refuses or cannot be reached.
    """
    queue = Queue(client("sqs", os.environ, found.region), found.variable("DEAD_LETTER_QUEUE_URL"))
    if queue.moves_what_is_received:
        raise NotDeployed(
            f"{queue.url} has a redrive policy of its own, by which SQS moves a message that is received "
            "often: look at it in the console, or remove the policy"
        )
    waiting = sum(queue.counts())
    done = redrive(Wanted(most=most, dry_run=True), found, progress)
    looked = done.sent + len(done.stay)
    more = f" of about {waiting:,}" if waiting > looked else ""
    progress.say(f"Dead events: {looked:,}{more}")
    done.found.show("event", progress)
    progress.reasons({f"Message {id_}": reason for id_, reason in done.stay.items()})
    if done.sent:
        progress.say(f"Mend the cause, then send them again: make redrive ENV={found.environment}")


def records(found: Deployed, most: int, progress: Progress) -> None:
    """Print the records that could not be delivered, by source and reason.

    Raises:
        NotDeployed: When the function has no bucket for them.
        AwsError: When S3 refuses or cannot be reached.
        ConfigurationError: When the function's variables are wrong.
    """
    done = replay(found, prefixes_of(found, ""), Span(), progress, dry_run=True, newest=most)
    number = sum(each.number for each in done.found.found.values())
    which = f"the newest {done.objects:,} objects" if done.objects >= most else count(done.objects, "object")
    progress.say(f"Dead records: {number:,} in {which}")
    done.found.show("record", progress)
    progress.reasons(done.unreadable)
    if number:
        progress.say(f"Mend the cause, then put them again: make replay ENV={found.environment} DRY_RUN=1")


def main(arguments: Sequence[str] | None = None) -> None:
    """Show the dead events and the dead records of the environment in ``ENV``."""
    parser = argparse.ArgumentParser(prog="dead", description=__doc__)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--events", action="store_true", help="only the events")
    only.add_argument("--records", action="store_true", help="only the records")
    parser.add_argument("--max", type=int, default=100, help="how many events, and how many objects, at most")
    options = parser.parse_args(arguments)
    if options.max < 1:
        parser.error(f"MAX={options.max}: must be at least 1")
    with reported("dead", AwsError, ConfigurationError, NotDeployed, interrupted="nothing was taken"):
        found = deployed.find()
        with Progress() as progress:
            if not options.records:
                events(found, options.max, progress)
            if not options.events:
                records(found, options.max, progress)


if __name__ == "__main__":
    main()
