"""Requests: what an SDK repeats is answered as it was the first time.

On a busy machine the emulator's server now and then closes a connection after a request was carried out and
before it is answered. The SDK repeats the request, and is told that what it makes exists already. An SDK
marks all attempts of one request with the same ``amz-sdk-invocation-id``, so that the second attempt can
get the answer of the first. This stands for a network that loses nothing; it proves nothing about AWS's.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack import app

from local_aws.emulator.patches import patch_point

ID, ATTEMPT = b"amz-sdk-invocation-id", b"amz-sdk-request"
MAX_ANSWERS = 4_096
MAX_BODY_BYTES = 65_536
MAX_WAIT_SECONDS = 30

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]


class _Answer:
    """The answer to the first attempt."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_over = asyncio.Event()
        self._bytes = 0

    def note(self, message: Message) -> None:
        """Keeps a part of the answer; of an answer that is too large nothing is kept."""
        self._bytes += len(message.get("body", b""))
        self.messages.append(message)
        if self._bytes > MAX_BODY_BYTES:
            self.messages.clear()

    @property
    def is_good(self) -> bool:
        """True if the answer was kept, is whole and is a success."""
        if not self.messages or self._bytes > MAX_BODY_BYTES:
            return False
        return self.messages[0].get("status", 500) < 300 and not self.messages[-1].get("more_body", False)


def apply() -> None:
    """Answers repeated requests from memory."""
    patch_point.wrap(app, "app", _answer_once, OrderedDict())


async def _answer_once(
    original: App,
    answers: OrderedDict[bytes, _Answer],
    scope: Mapping[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    headers = dict(scope.get("headers", ()))
    name = headers.get(ID, b"")
    if not name or scope.get("method") == "GET":
        return await original(scope, receive, send)
    former = answers.get(name)
    if former and b"attempt=1;" not in headers.get(ATTEMPT, b"attempt=1;") and await _is_kept(former):
        for message in former.messages:
            await send(message)
        return None
    answer = answers[name] = _Answer()
    if len(answers) > MAX_ANSWERS:
        answers.popitem(last=False)

    async def noting(message: Message) -> None:
        answer.note(message)
        await send(message)

    try:
        await original(scope, receive, noting)
    finally:
        answer.is_over.set()
    return None


async def _is_kept(answer: _Answer) -> bool:
    """True if the first attempt ends with a success within 30 seconds."""
    try:
        await asyncio.wait_for(answer.is_over.wait(), MAX_WAIT_SECONDS)
    except TimeoutError:
        return False
    return answer.is_good
