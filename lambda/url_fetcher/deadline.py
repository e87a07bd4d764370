"""The time at which fetching and delivering must end."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from url_fetcher.errors import DeadlineExceeded

T = TypeVar("T")


class Deadline:
    """The time that is left, counted down on a clock that never jumps.

    Args:
        seconds: From now until the deadline; a negative number means that it has passed.
        clock: Returns monotonic seconds; a test may pass its own.
        sleep: Waits that many seconds; a test may pass its own.
    """

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._clock())

    @property
    def passed(self) -> bool:
        """True if no time is left."""
        return self.remaining == 0.0

    def earlier(self, seconds: float) -> "Deadline":
        """Returns a deadline on the same clock, ``seconds`` from now but not later than this one."""
        return Deadline(min(seconds, self.remaining), clock=self._clock, sleep=self._sleep)

    def wait(self, seconds: float, *, reason: str) -> None:
        """Sleeps, or raises at once if the sleep would end after the deadline.

        Raises:
            DeadlineExceeded: When fewer than ``seconds`` are left; retryable.
        """
        if seconds >= self.remaining:
            raise DeadlineExceeded(
                f"{reason}: a wait of {seconds:.1f} s does not fit into the {self.remaining:.1f} s left",
                wait_seconds=round(seconds, 3),
                remaining_seconds=round(self.remaining, 3),
            )
        self._sleep(seconds)

    def bounded(self, function: Callable[[], T]) -> T:
        """Returns the result of ``function`` if it comes in time.

        The function runs in a thread of its own, because socket timeouts bound neither the resolution of a
        name nor an answer that comes byte by byte. A late thread is left to its own timeouts.

        Raises:
            TimeoutError: At the deadline.
            Exception: Whatever ``function`` raises.
        """
        ended: SimpleQueue[tuple[T] | Exception] = SimpleQueue()

        def work() -> None:
            try:
                ended.put((function(),))
            except Exception as error:  # raised again below, on the caller's thread
                ended.put(error)

        try:
            if self.passed:
                raise Empty
            threading.Thread(target=work, name="bounded", daemon=True).start()
            found = ended.get(timeout=min(self.remaining, threading.TIMEOUT_MAX))
        except Empty:
            raise TimeoutError("no answer before the deadline") from None
        if isinstance(found, Exception):
            raise found
        return found[0]


def unbounded() -> Deadline:
    """A deadline that never comes."""
    return Deadline(float("inf"))
