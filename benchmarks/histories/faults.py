"""What goes wrong at a call of AWS: it is refused, its answer is lost, or the process dies there."""

import threading
from collections.abc import Callable
from random import Random
from typing import TypeVar

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

T = TypeVar("T")


class Death(BaseException):
    """The end of the process, which no code survives."""


class DeadThread(RuntimeError):
    """The same on another thread than the main one, whose end would otherwise be waited for."""


class Faults:
    """Draws what happens at each call.

    Once the process is dead, no call has an effect until the next one is started.

    Args:
        chance: Draws.
        faults: Share of calls that fail.
        refusals: Share of the entries of calls that are refused.
        deaths: Share of calls at which the process dies.
    """

    def __init__(
        self, chance: Random, *, faults: float = 0.0, refusals: float = 0.0, deaths: float = 0.0
    ) -> None:
        self.is_dead = False
        self.closed = ""
        """An operation of which every entry is refused."""
        self.calls = self.failed = self.died = 0
        self.faults, self.refusals, self.deaths = faults, refusals, deaths
        self.lock = threading.RLock()
        self._chance = chance

    def call(self, operation: str, act: Callable[[], T]) -> T:
        """Does what a call of AWS does, if it gets there, and returns its answer, if that gets back.

        Raises:
            Death: When the process is dead; `DeadThread` on another thread.
            ClientError: When AWS refuses the call; it had no effect.
            HTTPClientError: When there is no answer; it may have had its effect.
        """
        with self.lock:
            self._go_on()
            self.calls += 1
            is_before = self._chance.random() < 0.5
            if self._chance.random() < self.deaths:
                if not is_before:
                    act()
                self.die()
            if self._chance.random() < self.faults:
                self.failed += 1
                if not is_before:
                    act()
                    raise ReadTimeoutError(endpoint_url="https://aws.test")
                if self._chance.random() < 0.5:
                    raise EndpointConnectionError(endpoint_url="https://aws.test")
                raise refusal(operation, "InternalFailure", 500)
            return act()

    def is_refused(self, operation: str) -> bool:
        """Whether AWS refuses one of the entries of a call."""
        return operation == self.closed or self._chance.random() < self.refusals

    def die(self) -> None:
        """End the process."""
        self.is_dead = True
        self.died += 1
        self._go_on()

    def _go_on(self) -> None:
        if self.is_dead:
            raise Death if threading.current_thread() is threading.main_thread() else DeadThread("dead")


def refusal(operation: str, code: str, status: int, message: str = "no") -> ClientError:
    """What boto3 raises when AWS refuses a call."""
    answer: dict[str, object] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)  # type: ignore[arg-type]
