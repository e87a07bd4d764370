"""What is told of a log line, and the resume in an error's text."""

from typing import Any

import pytest

from tools.operate.failure_text import explanation, headline, resume_in

URL = "https://example.com/o"
THREAD = {
    "level": "ERROR",
    "message": "a thread ended with an error",
    "traceback": "Traceback:\n  File\nKeyError: 'a'\n",
}


@pytest.mark.parametrize(
    ("fields", "title", "told"),
    [
        ({"level": "WARNING", "message": "may have more"}, "warning", ["may have more"]),
        (THREAD, "ERROR", ["a thread ended with an error", "KeyError: 'a'"]),
        (
            {"level": "ERROR", "error_type": "E", "error": f"{URL}: no", "details": {"source_url": URL}},
            "E",
            [f"{URL}: no"],
        ),
        (
            {"level": "ERROR", "error_type": "E", "error": "no", "details": {"child_url": URL}},
            "E",
            ["no", f"URL of the child request {URL}"],
        ),
        (
            {"level": "WARNING", "message": "not told", "error": "why", "error_type": "WorkQueueRejected"},
            "WorkQueueRejected",
            ["not told: why"],
        ),
        (
            {"level": "ERROR", "error_type": "E", "error": "no", "retryable": False, "accepted": 1},
            "E",
            ["no", "1 record accepted, another attempt will not help"],
        ),
        (
            {"level": "ERROR", "error_type": "E", "error": "no", "details": "x", "offset": None, "page": [1]},
            "E",
            ["no", "page [1]"],
        ),
    ],
)
def test_it_is_told_in_words(fields: dict[str, Any], title: str, told: list[str]) -> None:
    """The reason first, then what it does not say; nothing twice."""
    assert (headline(fields), list(explanation(fields))) == (title, told)


@pytest.mark.parametrize(
    ("text", "resume"),
    [
        ('no; go on with "resume": {"page":3}', '{"page":3}'),
        ('no; go on with "resume": {"cursor":"abc', ""),
        ("no", ""),
    ],
)
def test_a_resume_is_taken_from_a_text_if_it_is_whole(text: str, resume: str) -> None:
    """That of a dead letter may be cut."""
    assert resume_in(text) == resume
