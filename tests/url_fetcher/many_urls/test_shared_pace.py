"""When requests to one host may start, whoever sends them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from url_fetcher.many_urls.shared_pace import SharedPace

URL = "https://example.com/a"


class Clock:
    """A clock that stands still unless it is set."""

    now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@given(st.integers(1, 20), st.floats(0.001, 60), st.lists(st.floats(0, 100), min_size=2, max_size=20))
def test_each_takes_its_share_of_the_rate(concurrency: int, interval: float, waits: list[float]) -> None:
    """Two requests of one invocation are as many intervals apart as invocations may run."""
    clock = Clock()
    pace = SharedPace(concurrency=concurrency, clock=clock)
    starts = [clock.now]
    for wait in waits:
        clock.now += wait
        starts.append(pace.take(URL, interval) or 0.0)
    apart = [later - earlier for earlier, later in pairwise(starts)]

    assert min(apart) >= concurrency * interval * (1 - 1e-9)


def test_hosts_do_not_wait_for_each_other() -> None:
    """The rate is one host's."""
    pace = SharedPace(concurrency=2, clock=Clock())
    hosts = ["a.test", "b.test", "A.test", "b.test:8443"]
    starts = [pace.take(f"https://{host}/x", 5.0) for host in hosts]

    assert starts == [110.0, 110.0, 120.0, 110.0]


def test_what_is_too_late_is_not_taken() -> None:
    """A time that would be after the end stays free."""
    pace = SharedPace(concurrency=1, clock=Clock())

    assert [pace.take(URL, 5.0, until=104.0), pace.take(URL, 5.0, until=105.0)] == [None, 105.0]


def test_without_a_rate_nothing_waits() -> None:
    """Requests start at once."""
    pace = SharedPace(concurrency=10, clock=Clock())

    assert [pace.take(URL, 0.0), pace.take(URL, 0.0)] == [100.0, 100.0]
