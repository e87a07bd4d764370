import pytest

from url_fetcher.delivery.pacing import CongestionWindow

_MIB = 1024 * 1024


def _pace(draw: float = 1.0) -> CongestionWindow:
    return CongestionWindow(
        request_bytes=_MIB,
        max_bytes=8 * _MIB,
        first_pause_seconds=0.05,
        max_pause_seconds=2.0,
        draw=lambda: draw,
    )


def _refuse(pace: CongestionWindow, share: float, *, at: float) -> float:
    pace.observe(refused_share=share, sent_at=at, now=at)
    return pace.pause_seconds(at)


def test_it_begins_with_four_requests() -> None:
    """Four requests' worth may be under way at first."""
    assert _pace().window_bytes == 4 * _MIB


def test_refusals_halve_the_window() -> None:
    """More than 5 % refused halves what may be under way."""
    pace = _pace()
    _refuse(pace, 0.06, at=1)

    assert pace.window_bytes == 2 * _MIB


def test_requests_shrink_with_the_window() -> None:
    """While the stream refuses it is asked for less at a time."""
    pace = _pace()
    _refuse(pace, 1.0, at=1)

    assert pace.request_bytes == _MIB // 2


def test_requests_never_get_smaller_than_64_kib() -> None:
    """Sending never stops altogether, nor does it crumble."""
    pace = _pace()
    for second in range(10):
        _refuse(pace, 1.0, at=second)

    assert pace.request_bytes == 64 * 1024


def test_twenty_clean_answers_widen_the_window_by_a_quarter_of_a_request() -> None:
    """Recovery is additive."""
    pace = _pace()
    for second in range(20):
        pace.observe(refused_share=0, sent_at=second, now=second)

    assert pace.window_bytes == 4 * _MIB + _MIB // 4


def test_the_window_has_a_largest_size() -> None:
    """However clean the answers, memory stays bounded."""
    pace = _pace()
    for second in range(1_000):
        pace.observe(refused_share=0, sent_at=second, now=second)

    assert pace.window_bytes == 8 * _MIB


def test_answers_to_requests_from_before_a_change_do_not_change_it_again() -> None:
    """One burst of refusals halves the window once."""
    pace = _pace()
    for _ in range(4):
        pace.observe(refused_share=1.0, sent_at=1, now=2)

    assert pace.window_bytes == 2 * _MIB


def test_pauses_double_up_to_a_bound() -> None:
    """While most is refused each pause may be twice as long, up to two seconds."""
    pace = _pace()

    assert [_refuse(pace, 1.0, at=10 * n) for n in range(1, 9)] == pytest.approx(
        [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    )


def test_a_clean_answer_ends_the_doubling() -> None:
    """Progress begins again with the shortest pause."""
    pace = _pace()
    for second in range(5):
        _refuse(pace, 1.0, at=second)
    pace.observe(refused_share=0.0, sent_at=9, now=9)

    assert _refuse(pace, 1.0, at=10) == pytest.approx(0.05)


def test_pauses_are_drawn_from_zero_on() -> None:
    """Full jitter: the pause is a share of the bound, none included."""
    assert _refuse(_pace(draw=0.0), 1.0, at=1) == 0


def test_while_most_is_accepted_pauses_shrink() -> None:
    """Refusals of a smaller part are answered by shorter pauses again."""
    pace = _pace()
    for second in range(4):
        _refuse(pace, 1.0, at=second)

    assert _refuse(pace, 0.2, at=10) == pytest.approx(0.2)
