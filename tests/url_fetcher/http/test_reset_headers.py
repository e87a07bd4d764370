"""How long an answer asks to wait, in the usual spellings of a limit that is used up."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from url_fetcher.http.retry import asked_seconds, is_retried

NOW = datetime(2026, 11, 23, 1, 18, 8, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


def asked(status: int, **headers: str) -> float | None:
    """What an answer asks for at that time; a header's hyphens are underscores."""
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return asked_seconds(status, named, now=lambda: NOW)


@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X_RateLimit_Reset": str(EPOCH + 90)}, 90),
        ({"X_RateLimit_Reset": str(1000 * EPOCH + 90_000)}, 90),
        ({"x_ratelimit_reset": "90"}, 90),
        ({"X_Rate_Limit_Reset": f"{EPOCH + 90}.5"}, 90.5),
        ({"RateLimit_Reset": "90"}, 90),
        ({"RateLimit": '"default";r=0;t=90'}, 90),
        ({"RateLimit": '"a";r=5;t=900, "b"; r=0 ;t=90'}, 90),
        ({"RateLimit": '"a";t=30;r=0, "b";r=0;t=90'}, 90),
        ({"RateLimit": "limit=100, remaining=0, reset=90"}, 90),
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(EPOCH + 90)}, 90),
        ({"X_RateLimit_Reset": str(EPOCH + 90), "Retry_After": "7"}, 7),
        ({"X_RateLimit_Reset": str(EPOCH + 9), "RateLimit_Reset": "90"}, 90),
        ({"Retry_After": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"X_RateLimit_Reset": "2026-11-23T01:19:38Z"}, 90),
        ({"X_RateLimit_Reset": "Mon Nov 23 2026 01:19:38 GMT+0000 (Coordinated Universal Time)"}, 90),
        ({"X_RateLimit_Reset": "1m30s"}, 90),
        ({"X_RateLimit_Reset_After": "90.0"}, 90),
        ({"X_RateLimit_Reset_Requests": "1m30s"}, 90),
        (
            {
                "X_RateLimit_Remaining_A": "0",
                "X_RateLimit_Reset_A": "90s",
                "X_RateLimit_Remaining_B": "5",
                "X_RateLimit_Reset_B": "6m0s",
            },
            90,
        ),
        (
            {
                "anthropic_ratelimit_requests_remaining": "0",
                "anthropic_ratelimit_requests_reset": "2026-11-23T01:19:38Z",
            },
            90,
        ),
        ({"X_RateLimit_Reset": "90", "Retry_After": "0"}, 90),
        ({"X_RateLimit_Reset": "90", "Retry_After": "Mon, 23 Nov 2026 01:18:07 GMT"}, 90),
        ({"X_RateLimit_Reset": "9" * 400}, 1e9),
        ({"X_RateLimit_Reset": "253402300799"}, 1e9),
        ({"X_RateLimit_Reset": "253402300799000"}, 1e9),
        ({"RateLimit": '"default";r=0;t=999999999999999'}, 1e9),
    ],
)
def test_a_reset_is_read_in_every_spelling(status: int, headers: dict[str, str], seconds: float) -> None:
    """Seconds from now, and epochs in seconds or milliseconds; Retry-After counts more, else the latest."""
    assert asked(status, **headers) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_RateLimit_Reset": str(EPOCH - 5)},
        {"X_RateLimit_Reset": "0"},
        {"X_RateLimit_Remaining": "37", "X_RateLimit_Reset": str(EPOCH + 90)},
        {"RateLimit": '"default";r=5;t=90'},
        {"RateLimit": '"default";r=0'},
        {"RateLimit": "limit=100, remaining=0"},
        {"Retry_After": "0"},
        {"Retry_After": "Mon, 23 Nov 2026 01:18:07 GMT"},
        {"X_RateLimit_Reset": "2026-11-23T01:18:07Z"},
        {"X_Reset": "90"},
        *({"X_RateLimit_Reset": text} for text in ("NaN", "inf", "-1", "1e9", "soon", "²", "1,5")),
    ],
)
def test_what_says_nothing_of_a_reset_asks_for_nothing(headers: dict[str, str]) -> None:
    """A reset that is past, one of a limit with something left, and what is no number."""
    assert asked(429, **headers) is None


def test_a_reset_is_of_a_limit_only() -> None:
    """A 500 tells when the limit is reset, too, but that is not what it waits for."""
    assert asked(500, X_RateLimit_Reset=str(EPOCH + 90)) is None


@pytest.mark.parametrize("status", [400, 403, 409, 420, 423])
@pytest.mark.parametrize(
    ("headers", "retried"),
    [
        ({}, False),
        ({"Retry-After": "60"}, True),
        ({"Retry-After": "soon"}, False),
        ({"X-RateLimit-Remaining": "0"}, True),
        ({"X-RateLimit-Remaining": "1"}, False),
        ({"X-Rate-Limit-Remaining": "0"}, True),
        ({"RateLimit": '"default";r=0;t=30'}, True),
        ({"RateLimit": '"default";r=3;t=30'}, False),
        ({"X-RateLimit-Reset": "1"}, False),
    ],
)
def test_these_statuses_are_retried_only_when_a_limit_is_used_up(
    status: int, headers: dict[str, str], *, retried: bool
) -> None:
    """Any other one, such as a 403 for denied access, is the same next time."""
    assert is_retried(status, CaseInsensitiveDict(headers)) is retried


@given(
    value=st.text(max_size=60) | st.from_regex(r'("?[a-z]"?;?\s?([rt]=\d{0,20}[;, .]?){0,4},?){0,4}'),
    status=st.sampled_from([403, 429, 503]),
)
def test_any_text_asks_for_a_wait_that_json_can_hold_or_for_none(value: str, status: int) -> None:
    """Headers are the source's: no text of theirs breaks anything."""
    for name in ("X-RateLimit-Reset", "RateLimit-Reset", "RateLimit", "X-RateLimit-Remaining", "Retry-After"):
        headers = CaseInsensitiveDict({name: value})
        seconds = asked_seconds(status, headers)

        assert isinstance(is_retried(status, headers), bool)
        assert seconds is None or 0 <= seconds <= 1e12
