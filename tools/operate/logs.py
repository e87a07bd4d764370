"""Shows what failed and why: ``make logs ENV=… [SOURCE=…] [SINCE=1h] [MAX=100] [FOLLOW=1]``.

It reads errors and warnings of the function's log, and what Lambda says of a process that died.
"""

import argparse
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tools.ground.aws import AwsError
from tools.ground.ending import reported
from tools.ground.text import count
from tools.operate import deployed
from tools.operate.deployed import Deployed, NotDeployed, refuse_unknown_source
from tools.operate.failure_text import explanation, headline
from tools.operate.log_search import MAX_LINES, Found, Line, Log, NotSearched
from tools.operate.progress import Progress
from tools.operate.replay.listing import instant

FAILED = r'"level": "(ERROR|WARNING)"'
DIED = r"Task timed out after|Runtime exited|\[ERROR\] Runtime\."
"""What Lambda writes of a process that is gone; the function itself could not write anything."""

OTHER_EVENTS = "event"
"""The name in the log of a source that is not configured."""

SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
POLL_SECONDS = 5.0
LATE_SECONDS = 120.0
"""A line may be found so long after it was written."""


def since(text: str, now: datetime) -> datetime:
    """The moment that ``90m``, ``1h``, ``2d`` or a time in ISO 8601 (UTC) names.

    Raises:
        ValueError: When it is none of these.
    """
    if found := SPAN.fullmatch(text):
        return now - timedelta(**{UNITS[found[2]]: int(found[1])})
    return instant(text)


def pattern_of(source: str) -> str:
    """The lines to look for; those of one source, or all with those of Lambda, which name none."""
    if not source:
        return f"{FAILED}|{DIED}"
    name = re.sub(r"[^\w-]", lambda found: f"\\{found[0]}", source)
    return f'{FAILED}.*"source(_name)?": "{name}"'


class Shown:
    """Prints lines of the log, each once.

    Args:
        progress: Where to.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._printed: set[str] = set()
        self._sources: dict[str, str] = {}

    def show(self, lines: Sequence[Line]) -> None:
        """Print those that were not printed before.

        Args:
            lines: The newest first, of a span that ends later than the one before.
        """
        for line in reversed(lines):
            if line.key not in self._printed:
                self._print(line)
        self._printed = {line.key for line in lines}

    def _print(self, line: Line) -> None:
        message = str(line.fields.get("message_id", ""))
        own = line.fields.get("source_name") or line.fields.get("source")
        source = str(own or self._sources.get(message, ""))
        if message and source:
            # What becomes of a message is written without its source, right after its error.
            self._sources = {message: source}
        title = headline(line.fields) if line.fields else "Lambda"
        self._progress.say("  ".join(filter(None, (f"{line.at:%Y-%m-%d %H:%M:%S}", source, title))))
        for each in explanation(line.fields) if line.fields else [line.text]:
            self._progress.indented(each)


def follow(log: Log, pattern: str, start: datetime, most: int, shown: Shown) -> Iterator[Found]:
    """Prints what is found now and whatever comes; yields each answer."""
    begin = start.timestamp()
    while True:
        found = log.search(pattern, begin, time.time(), limit=most)
        shown.show(found.lines)
        yield found
        begin = max(begin, time.time() - LATE_SECONDS)


def act(options: argparse.Namespace, found: Deployed, progress: Progress) -> None:
    """Print what was asked for.

    Raises:
        NotDeployed: When there is no such source.
        NotSearched: When there is no log, or it cannot be searched in time.
        AwsError: When AWS refuses or cannot be reached.
    """
    if options.source not in ("", OTHER_EVENTS):
        refuse_unknown_source(options.source, found)
    answers: Iterable[Found] = follow(
        Log(found), pattern_of(options.source), options.since, options.max, Shown(progress)
    )
    for number, answer in enumerate(answers):
        if not number:
            _summarize(answer, options, progress)
        if not options.follow:
            return
        time.sleep(POLL_SECONDS)


def _summarize(answer: Found, options: argparse.Namespace, progress: Progress) -> None:
    begun = f"since {options.since:%Y-%m-%d %H:%M} UTC"
    of = f" of {options.source}" if options.source else ""
    if not answer.lines:
        progress.say(f"No error and no warning{of} {begun}.")
    elif (left := answer.matched - len(answer.lines)) > 0 and len(answer.lines) >= options.max:
        progress.say(f"{count(left, 'earlier line')}{of} {begun} left out: MAX={options.max}.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Show the log of the environment in ``ENV``."""
    parser = argparse.ArgumentParser(prog="logs", description=__doc__)
    parser.add_argument(
        "--source", default="", help="only lines of this source; event: of those not configured"
    )
    parser.add_argument("--since", default="1h", help="such as 90m, 1h, 2d, or a time in ISO 8601, UTC")
    parser.add_argument("--max", type=int, default=100, help="how many lines at most, the newest")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    options = parser.parse_args(arguments)
    if not 1 <= options.max <= MAX_LINES:
        parser.error(f"MAX={options.max}: must be 1 to {MAX_LINES}")
    given = options.since
    try:
        options.since = since(given, datetime.now(UTC))
    except (ValueError, OverflowError):
        parser.error(f"SINCE={given!r}: must be such as 90m, 1h, 2d or 2026-11-23T10:00")
    with reported("logs", AwsError, NotDeployed, NotSearched):
        found = deployed.find()
        try:
            with Progress() as progress:
                act(options, found, progress)
        except KeyboardInterrupt:
            if not options.follow:
                raise


if __name__ == "__main__":
    main()
