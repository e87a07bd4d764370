import pytest

from url_fetcher.delivery.pacing import CongestionWindow

_MIB = 1024 * 1024


def _pace(draw: float = 1.0) -> CongestionWindow:
    return CongestionWindow(request_bytes=_MIB, max_bytes=8 * _MIB, draw=lambda: draw)


def _refuse(pace: CongestionWindow, share: float, *, at: float) -> float:
    pace.observe(refused_share=share, sent_at=at, now=at)
    return pace.pause_seconds(at)


def _accept(pace: CongestionWindow, answers: int, *, at: float) -> None:
    for _ in range(answers):
        pace.observe(refused_share=0.0, sent_at=at, now=at)


def test_it_begins_with_four_requests() -> None:
    """Four requests' worth may be under way at first."""
    assert _pace().window_bytes == 4 * _MIB


def test_the_first_request_does_not_wait() -> None:
    """Before any answer there is no reason to pause."""
    assert _pace().pause_seconds(0.0) <= 0.0


def test_refusals_halve_the_window() -> None:
    """More than 5 % refused halves what may be under way."""
    pace = _pace()
    _refuse(pace, 0.06, at=1)

    assert pace.window_bytes == 2 * _MIB


def test_few_refusals_do_not_narrow_the_window() -> None:
    """Up to 5 % refused is what an even load brings."""
    pace = _pace()
    _refuse(pace, 0.05, at=1)

    assert pace.window_bytes == 4 * _MIB


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


@pytest.mark.parametrize(("answers", "steps"), [(19, 0), (20, 1), (39, 1), (40, 2)])
def test_twenty_clean_answers_widen_the_window_by_a_quarter_of_a_request(answers: int, steps: int) -> None:
    """Recovery is additive, and one answer less is no step."""
    pace = _pace()
    _accept(pace, answers, at=1)

    assert pace.window_bytes == 4 * _MIB + steps * _MIB // 4


@pytest.mark.parametrize(("answers", "steps"), [(19, 0), (20, 1)])
def test_a_refusal_begins_the_count_of_clean_answers_again(answers: int, steps: int) -> None:
    """The twenty clean answers come in a row."""
    pace = _pace()
    _accept(pace, 19, at=1)
    _refuse(pace, 1.0, at=2)
    _accept(pace, answers, at=3)

    assert pace.window_bytes == 2 * _MIB + steps * _MIB // 4


def test_the_window_has_a_largest_size() -> None:
    """However clean the answers, memory stays bounded."""
    pace = _pace()
    _accept(pace, 1_000, at=1)

    assert pace.window_bytes == 8 * _MIB


def test_answers_to_requests_from_before_a_change_do_not_change_it_again() -> None:
    """One burst of refusals halves the window once."""
    pace = _pace()
    for _ in range(4):
        pace.observe(refused_share=1.0, sent_at=1, now=2)

    assert pace.window_bytes == 2 * _MIB


def test_a_request_begun_at_the_change_is_one_from_after_it() -> None:
    """A clock that stands still between a change and the next request hides no refusal."""
    pace = _pace()
    for _ in range(2):
        pace.observe(refused_share=1.0, sent_at=2, now=2)

    assert pace.window_bytes == _MIB


def test_pauses_double_up_to_a_bound() -> None:
    """While most is refused each pause may be twice as long, up to two seconds."""
    pace = _pace()

    assert [_refuse(pace, 1.0, at=10 * n) for n in range(1, 9)] == pytest.approx(
        [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    )


@pytest.mark.parametrize(
    ("share", "sent_at", "pause_seconds"),
    [
        pytest.param(0.0, 5, 0.05, id="clean"),
        pytest.param(0.0, 4, 0.05, id="clean, begun at the change"),
        pytest.param(0.0, 3, 1.6, id="clean, but begun before the last change"),
        pytest.param(0.05, 5, 1.6, id="nearly clean"),
    ],
)
def test_a_clean_answer_ends_the_doubling(share: float, sent_at: float, pause_seconds: float) -> None:
    """The shortest pause comes back after an answer that shows that the stream takes everything again."""
    pace = _pace()
    for second in range(5):
        _refuse(pace, 1.0, at=second)
    pace.observe(refused_share=share, sent_at=sent_at, now=9)

    assert _refuse(pace, 1.0, at=10) == pytest.approx(pause_seconds)


def test_pauses_are_drawn_from_zero_on() -> None:
    """Full jitter: the pause is a share of the bound, none included."""
    assert _refuse(_pace(draw=0.0), 1.0, at=1) == 0


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_while_most_is_accepted_pauses_shrink(share: float) -> None:
    """Refusals of up to a half are answered by shorter pauses again, down to the shortest."""
    pace = _pace()
    for second in range(3):
        _refuse(pace, 1.0, at=second)

    assert [_refuse(pace, share, at=10 * n) for n in range(1, 5)] == pytest.approx([0.1, 0.05, 0.05, 0.05])
