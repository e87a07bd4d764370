"""Says in words what a log line of the function tells of a failure or a warning."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.ground.text import count

HINT = '; go on with "resume": '
"""Where an error's text ends with its resume, which is shown on a line of its own."""


def headline(fields: Mapping[str, Any]) -> str:
    """The documented name of the error, or the level in small letters."""
    return str(fields.get("error_type") or fields.get("level", "")).replace("WARNING", "warning")


def facts_of(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a log line with the error's details among them."""
    details = fields.get("details")
    return {**fields, **details} if isinstance(details, dict) else fields


def explanation(fields: Mapping[str, Any]) -> Iterator[str]:
    """What happened, then where, then how to go on; each a line.

    Args:
        fields: A log line of the function, of the level ERROR or WARNING.
    """
    facts = facts_of(fields)
    text = str(facts.get("error") or facts.get("message", "")).partition(HINT)[0]
    if "error" in facts and facts.get("level") == "WARNING":
        text = f"{facts.get('message')}: {text}"
    yield text
    if "error" not in facts and facts.get("traceback"):
        yield str(facts["traceback"]).strip().rpartition("\n")[2]
    for name, title in (("source_url", "URL"), ("child_url", "URL of the child request")):
        if facts.get(name) and str(facts[name]) not in text:
            yield f"{title} {facts[name]}"
    if place := ", ".join(_place(facts)):
        yield place
    if resume := facts.get("resume"):
        yield f"resume {resume if isinstance(resume, str) else json.dumps(resume)}"


def resume_in(text: str) -> str:
    """The resume at the end of an error's text; empty if it has none, or was cut within it."""
    found = text.partition(HINT)[2]
    try:
        json.loads(found)
    except ValueError:
        return ""
    return found


def _place(facts: Mapping[str, Any]) -> Iterator[str]:
    if "page" in facts:
        yield f"page {facts['page']}"
    if isinstance(offset := facts.get("offset"), int):
        yield f"byte {offset:,}"
    if isinstance(accepted := facts.get("accepted"), int):
        yield f"{count(accepted, 'record')} accepted"
    if "attempt" in facts:
        yield f"attempt {facts['attempt']}"
    if (retryable := facts.get("retryable")) is not None:
        yield "may succeed later" if retryable else "another attempt will not help"
