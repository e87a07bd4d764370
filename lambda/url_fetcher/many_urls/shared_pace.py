"""Limits the rate of requests to a host over all threads and invocations."""

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit


class SharedPace:
    """Schedules each request to a host, for all threads of this invocation.

    It also bounds all invocations that run at once, on average: they do not communicate, so that all may ask
    at one moment. Each uses 1/n of the rate, and waits one interval first: the invocation before it may just
    have sent a request.

    Args:
        concurrency: Most invocations at once.
        clock: Returns monotonic seconds.
    """

    def __init__(self, *, concurrency: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._concurrency = concurrency
        self._clock = clock
        self._began = clock()
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, url: str, min_interval_seconds: float, *, until: float = float("inf")) -> float | None:
        """Takes and returns the next start of a request; None if that is after ``until``.

        Args:
            url: The URL to request; only its host counts.
            min_interval_seconds: The mean time between two requests, whoever sends them.
            until: A time on the same clock.
        """
        interval = min_interval_seconds * self._concurrency
        with self._lock:
            now = self._clock()
            if not interval:
                return now
            host = urlsplit(url).netloc.rpartition("@")[2].lower()
            due = max(now, self._due.get(host, self._began + interval))
            if due > until:
                return None
            self._due[host] = due + interval
            return due
