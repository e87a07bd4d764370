"""Limits the bytes in flight and the size of requests, and pauses after a refusal."""

import random
from collections.abc import Callable

_BACKED_OFF_SHARE = 0.05
_OVERLOADED_SHARE = 0.5
_CLEAN_ANSWERS_A_STEP = 20
_REQUESTS_A_WINDOW = 4
_MIN_REQUEST_BYTES = 64 * 1024


class CongestionWindow:
    """Additive increase, multiplicative decrease of the bytes in flight, and full-jitter pauses.

    More than 5 % refused halves the window, 20 clean answers in a row widen it by a step. A request
    is a quarter of the window, so that a small stream is asked for little at a time. Refusals also
    pause all sending, because what throttles is the stream: the pause is drawn from zero to
    a bound that doubles while more than half is refused, shrinks while less is, and ends with a
    clean answer. Requests that were on their way before the last change do not change it again.

    Args:
        request_bytes: The largest request; the window begins as four of them.
        max_bytes: The window never gets larger.
        first_pause_seconds: The bound of the first pause.
        max_pause_seconds: The bound of every pause.
        draw: Gives a number from 0 to 1; a test may pass its own.
    """

    def __init__(
        self,
        *,
        request_bytes: int,
        max_bytes: int,
        first_pause_seconds: float = 0.05,
        max_pause_seconds: float = 2.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.window_bytes = min(_REQUESTS_A_WINDOW * request_bytes, max_bytes)
        self._max_request_bytes = request_bytes
        self._min_request_bytes = min(_MIN_REQUEST_BYTES, request_bytes)
        self._max_bytes = max_bytes
        self._first_pause_seconds = first_pause_seconds
        self._longest_pause_seconds = max_pause_seconds
        self._draw = draw
        self._clean = 0
        self._streak = 0
        self._changed_at = float("-inf")
        self._resume_at = float("-inf")

    @property
    def request_bytes(self) -> int:
        """The target size of a request now."""
        return min(self._max_request_bytes, self.window_bytes // _REQUESTS_A_WINDOW)

    def pause_seconds(self, now: float) -> float:
        """The wait from ``now`` until the next request; zero or less if it may start at once."""
        return self._resume_at - now

    def observe(self, *, refused_share: float, sent_at: float, now: float) -> None:
        """Adapts the window and the pause to an answer.

        Args:
            refused_share: The part of the request's bytes that was refused, 0 to 1.
            sent_at: The time at which the request was sent, on the clock of ``now``.
            now: The time at which the answer came.
        """
        if refused_share <= _BACKED_OFF_SHARE:
            self._widen()
            if refused_share == 0.0 and sent_at >= self._changed_at:
                self._streak = 0
            return
        self._clean = 0
        if sent_at < self._changed_at:
            return
        self.window_bytes = max(_REQUESTS_A_WINDOW * self._min_request_bytes, self.window_bytes // 2)
        self._streak = self._streak + 1 if refused_share > _OVERLOADED_SHARE else max(1, self._streak - 1)
        bound = min(self._longest_pause_seconds, self._first_pause_seconds * 2.0 ** (self._streak - 1))
        self._changed_at = now
        self._resume_at = now + self._draw() * bound

    def _widen(self) -> None:
        self._clean += 1
        if self._clean == _CLEAN_ANSWERS_A_STEP:
            self._clean = 0
            self.window_bytes = min(self._max_bytes, self.window_bytes + self._max_request_bytes // 4)
