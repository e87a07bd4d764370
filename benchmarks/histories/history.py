"""One random history: events come, are consumed and redriven, processes fail and die; each step is accounted.

What runs is the function's own handler and what `make redrive` runs. A process may die at each call of AWS
and at a URL; what AWS had acknowledged then stays, nothing else does.
"""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any
from unittest import mock

from rich.console import Console

from benchmarks.histories.faults import DeadThread, Death, Faults
from benchmarks.histories.memory_sqs import DEAD, WORK, MemoryQueues, MemorySqs, arn_of
from benchmarks.histories.world import LISTS, Answer, MemoryKinesis, MemoryS3, MemoryStream, Page, Site
from benchmarks.many_urls.queue import lambda_record
from tools.ground.aws import AwsError
from tools.operate import queues, redrive
from tools.operate.dead_events import Pipeline
from tools.operate.progress import Progress
from tools.operate.queues import Queue
from url_fetcher.clients import Clients
from url_fetcher.delivery.sink import SinkSettings
from url_fetcher.handler import run
from url_fetcher.http.transport import Request, Transport
from url_fetcher.many_urls import url_list
from url_fetcher.work_queue import send

FUNCTION = "orders-dev-fetch"
_ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}:$LATEST"
_TIMEOUT_SECONDS, _ATTEMPTS = 60, 3
_ENVIRON = {
    "KINESIS_STREAM_NAME": "orders-dev",
    "WORK_QUEUE_URL": WORK,
    "DEAD_LETTER_QUEUE_URL": DEAD,
    "LISTS_URI": LISTS,
    "MAX_ATTEMPTS": str(_ATTEMPTS),
    "MAX_CONCURRENCY": "10",
}
_KEYS = {"retry": {"max_attempts": 1}}
_FOREIGN = (
    '{"Records": [{"eventSource": "aws:s3"}]}',
    '{"Type": "Notification", "Message": "{}"}',
    "no JSON",
)
_FAULTS = ("busy", "cut", "deadly", "missing")
_STEPS, _MAX_ROUNDS = 30, 4_000
_A_DAY = 86_400


class Lost(AssertionError):
    """When a history has lost something, or has something that does not belong."""


class _Context:
    aws_request_id = "history"

    def get_remaining_time_in_millis(self) -> int:
        return _TIMEOUT_SECONDS * 1000


class History:
    """A pipeline in memory, and what happens to it.

    Args:
        seed: All that is drawn follows from it, but for the order of threads.
        packing: The stream's.
    """

    def __init__(self, seed: int, packing: str) -> None:
        self.chance = Random(f"{seed} {packing}")
        self.pages: dict[str, Page] = {}
        self.site = Site(self.pages)
        self.lists: dict[str, bytes] = {}
        self.junk: set[str] = set()
        """Lines of lists that are no URLs; they end among the dead letters."""
        self.queues = MemoryQueues(self.chance, twice=self.chance.choice((0.0, 0.02)))
        self.stream = MemoryStream()
        self.processes: list[Faults] = []
        self._environ = _ENVIRON | {"PACKING": packing}
        self._shares = {
            "faults": self.chance.choice((0, 0.05, 0.2)),
            "refusals": self.chance.choice((0, 0.05, 0.3)),
            "deaths": self.chance.choice((0, 0.02, 0.08)),
        }
        self._batch_size = self.chance.choice((1, 1, 10))
        self.start()

    def start(self) -> None:
        """Start a process, the first one or after a death."""
        self.process = Faults(self.chance, **self._shares)
        self.processes.append(self.process)
        self._clients = Clients(
            kinesis=MemoryKinesis(self.stream, self.pages, self.process),
            s3=MemoryS3(self.lists, self.chance, self.process),  # type: ignore[arg-type]
            sqs=MemorySqs(self.queues, self.process),  # type: ignore[arg-type]
        )

    def play(self) -> None:
        """Let it happen, then mend all sources and calls, and consume and redrive until nothing is left.

        Raises:
            Lost: When a record is neither on the stream nor to come, or anything is where it does not belong.
        """
        with self._seams():
            for _ in range(self.chance.randint(1, 4)):
                self.send()
            for _ in range(_STEPS):
                self.chance.choices((self.consume, self.redrive, self.send, self.wait), (12, 4, 2, 4))[0]()
                self.check()
            self._shares = {}
            self.site.mend()
            self.start()
            self._finish()

    def send(self) -> None:
        """Have an event of some kind in the work queue, or among the dead letters."""
        draw = self.chance.randrange(6)
        if draw == 0:
            self.queues.put(WORK, json.dumps({**_KEYS, "url": self._url()}))
        elif draw <= 2:
            count = self.chance.choice((2, 8, 40, 130))
            urls = [self._item() for _ in range(count)]
            self.queues.put(WORK, json.dumps({**_KEYS, "urls": urls}))
        elif draw == 3:
            self.queues.put(WORK, json.dumps({**_KEYS, "urls_from": self._list()}))
        elif draw == 4:
            for _ in range(self.chance.randint(1, 30)):
                self.queues.put(DEAD, self._dead_letter())
        else:
            self.queues.put(DEAD, self.chance.choice(_FOREIGN))

    def consume(self) -> None:
        """Do what Lambda does with some messages: it deletes those that the function does not call failed."""
        messages = self.queues.receive(WORK, self._batch_size, 6 * _TIMEOUT_SECONDS)
        if not messages:
            return
        event = {"Records": [lambda_record(each) for each in messages]}
        failed: set[str] | None = None
        with contextlib.suppress(Death, Exception):
            answer: Any = run(event, _Context(), environ=self._environ, clients=self._clients)
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        if self.process.is_dead:
            self.start()
        elif failed is not None:
            for each in messages:
                if each["MessageId"] not in failed:
                    self.queues.delete(WORK, each["ReceiptHandle"])

    def redrive(self, *, most: int | None = None) -> None:
        """Run what `make redrive` runs, in a process of its own."""
        process = Faults(self.chance, **self._shares)
        if self._shares and self.chance.random() < 0.3:
            process.closed = "SendMessageBatch"
        self.processes.append(process)
        client: Any = MemorySqs(self.queues, process)
        is_dry = most is None and self.chance.random() < 0.1
        wanted = redrive.Wanted(most=self.chance.choice((0, 0, 3)) if most is None else most, dry_run=is_dry)
        pipeline = Pipeline(FUNCTION, arn_of(WORK), "")
        with (
            contextlib.suppress(Death, DeadThread, AwsError),
            Progress(Console(file=io.StringIO())) as progress,
        ):
            redrive.Redrive(
                Queue(client, DEAD), Queue(client, WORK), pipeline=pipeline, wanted=wanted, progress=progress
            ).run()

    def wait(self) -> None:
        """Let time pass."""
        self.queues.now += self.chance.choice((1, 20, 400, 1_000))

    def check(self) -> None:
        """Hold what is against what must be.

        Raises:
            Lost: As ``play``.
        """
        if set(_FOREIGN) & set(self.queues.bodies(WORK)):
            raise Lost("a message that is not ours was sent to the work queue")
        waiting = [json.loads(body) for body in self.queues.bodies(WORK)]
        dead = [json.loads(body) for body in self.queues.bodies(DEAD) if body not in _FOREIGN]
        to_come = {url for event in [*waiting, *dead] for url in self._urls_of(event)}
        lost = [
            url
            for url, page in self.pages.items()
            if url not in to_come and not self._is_on_stream(url, page)
        ]
        if lost:
            raise Lost(
                f"{len(lost)} of {len(self.pages)} URLs are lost, such as {lost[0]}: {self.pages[lost[0]]}"
            )
        if self.stream.foreign:
            raise Lost(f"a record that no URL has is on the stream: {self.stream.foreign[0]!r}")
        if others := to_come - self.pages.keys() - self.junk:
            raise Lost(f"a URL that was not sent is in a queue: {others}")

    def _finish(self) -> None:
        """Consume and redrive until nothing is left but what can never be ingested."""
        foreign = sum(body in _FOREIGN for body in self.queues.bodies(DEAD))
        for _ in range(_MAX_ROUNDS):
            self.queues.now += _A_DAY
            if self.queues.messages[WORK]:
                self.consume()
                continue
            self.check()
            if self._is_all_done():
                break
            self.redrive(most=0)
        else:
            raise Lost(f"not done after {_MAX_ROUNDS} rounds: {self.queues.bodies(WORK)[:3]}")
        if foreign != sum(body in _FOREIGN for body in self.queues.bodies(DEAD)):
            raise Lost("a message that is not ours has left the dead letter queue")

    def _is_all_done(self) -> bool:
        return all(
            self._is_on_stream(url, page) for url, page in self.pages.items() if page.fault != "missing"
        )

    def _is_on_stream(self, url: str, page: Page) -> bool:
        return page.fault != "missing" and len(self.stream.numbers.get(url, ())) == page.records

    def _url(self) -> str:
        url = f"https://site.test/{len(self.pages)}"
        fault = self.chance.choices(("", *_FAULTS), (85, 5, 4, 2, 4))[0]
        self.pages[url] = Page(self.chance.randint(1, 4), fault, self.chance.randint(1, 8))
        return url

    def _dead_letter(self) -> str:
        """An event as the function, Lambda or EventBridge Scheduler leaves it."""
        event = {**_KEYS, "url": self._url()}
        record = {"requestContext": {"functionArn": _ARN, "condition": "x"}, "requestPayload": event}
        request = {"QueueUrl": WORK, "MessageBody": json.dumps(event)}
        return json.dumps(self.chance.choice((event, record, request)))

    def _item(self) -> object:
        url = self._url()
        return {"url": url} if self.chance.random() < 0.3 else url

    def _list(self) -> str:
        """Upload a list; where it is."""
        lines: list[object] = []
        for _ in range(self.chance.choice((1, 30, 250))):
            if self.chance.random() < 0.05:
                self.junk.add(f"no URL {len(self.junk)}")
                lines.append(f"no URL {len(self.junk) - 1}")
            else:
                lines.append(self._item())
        uri = f"{LISTS}{len(self.lists)}.txt"
        texts = (each if isinstance(each, str) else json.dumps(each) for each in lines)
        self.lists[uri] = "".join(f"{text}\n" for text in texts).encode()
        return uri

    def _urls_of(self, event: Any) -> Iterator[str]:
        """The URLs that an event asks for."""
        event = event.get("requestPayload", event)
        event = json.loads(event["MessageBody"]) if "MessageBody" in event else event
        if "urls_from" in event:
            items = self.lists[event["urls_from"]][event.get("offset", 0) :].decode().splitlines()
            items = [json.loads(each) if each.startswith("{") else each for each in items]
        else:
            items = event.get("urls") or [event["url"]]
        for each in items:
            yield each["url"] if isinstance(each, dict) else each

    @contextlib.contextmanager
    def _seams(self) -> Iterator[None]:
        """Sources in memory, pauses of milliseconds, and now and then threads and lists in small pieces."""
        settings_of = SinkSettings.of

        def get(_: Transport, request: Request, __: object) -> Answer:
            return self.site.get(request.url, self.process)

        def quick(variables: Any) -> SinkSettings:
            return replace(settings_of(variables), first_pause_seconds=0.001, max_pause_seconds=0.01)

        with (
            mock.patch.object(Transport, "open", get),
            mock.patch.object(SinkSettings, "of", quick),
            mock.patch.object(send, "_PAUSE_SECONDS", 0.001),
            mock.patch.object(queues, "FIRST_PAUSE_SECONDS", 0.0),
            mock.patch.object(redrive, "MESSAGES_A_THREAD", self.chance.choice((3, 100))),
            mock.patch.object(url_list, "_WORK_SHARE", self.chance.choice((0.0, 0.8))),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            yield
