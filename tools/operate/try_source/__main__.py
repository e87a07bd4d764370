"""Ingests a source on this machine, without AWS: ``make try SOURCE=… [URL=…] [MAX=…] [ENV=…]``.

The function's own code reads the source within the function's own limits, and the lines that would land in
the lake go to a file below build/try/. ``URL`` alone is a source of its own; beside ``SOURCE`` it replaces
that source's URL. A source with ``auth`` takes its secret from the environment, which is never printed:
``SECRET='{"token": "…"}'``.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import Settings
from tools.ground.ending import reported
from tools.ground.paths import BUILD, ROOT
from tools.ground.text import count, one_line, size_of
from tools.operate.progress import Progress
from tools.operate.try_source.run import Files, Outcome, run
from url_fetcher.errors import ConfigurationError
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.schema import Source

_SHOWN_LINES, _SHOWN_REASONS, _SHOWN_CHARACTERS = 3, 10, 1_000


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Ingests the source and prints the result; returns 1 if the source fails."""
    parser = argparse.ArgumentParser(prog="try", description=__doc__)
    parser.add_argument("--source", default="", help="name of a configured source; default: the first")
    parser.add_argument("--url", default="", help="any address that is allowed")
    parser.add_argument("--max", type=_number, metavar="RECORDS", help="stop after so many records")
    options = parser.parse_args(arguments)
    folder = BUILD / "try"
    left = f"the lines that came until then are below {_shown(folder)}"
    with reported("try", ConfigurationError, SettingsError, interrupted=left):
        path = Path(environ.get("PIPELINE_TOML") or ROOT / "pipeline.toml")
        settings = read(path, environ.get("ENV") or "dev")
        source = decode_settings(_chosen(settings, options.source, options.url), Source, where="the source")
        files = Files.below(folder, source.name or "url")
        with Progress(Console(stderr=True, highlight=False, soft_wrap=True)) as progress:
            outcome = run(
                source,
                settings,
                files,
                secret=environ.get("SECRET", ""),
                max_records=options.max,
                show=progress.show,
            )
    for line in _report(outcome, files):
        print(one_line(outcome.redactor.clean(line)))
    return int(outcome.failure is not None)


def _chosen(settings: Settings, name: str, url: str) -> dict[str, Any]:
    """The settings of the source.

    Raises:
        ConfigurationError: When there is no such source.
    """
    if url and not name:
        return {"url": url}
    sources: list[dict[str, Any]] = [dict(each) for each in settings.sources]
    found = next((each for each in sources if not name or each.get("name") == name), None)
    if found is None:
        names = ", ".join(str(each["name"]) for each in sources if each.get("name")) or "none"
        raise ConfigurationError(
            f"SOURCE={name!r} is not configured; configured are: {names}. Name one of them, or give URL=…"
        )
    return found | ({"url": url} if url else {})


def _report(outcome: Outcome, files: Files) -> Iterator[str]:
    """The first records as they would land, then the counts, and where everything is."""
    done = outcome.summary
    lines = list(_first_lines(files.lines)) if done.accepted else []
    yield from lines
    if lines:
        yield ""
    size = f"{size_of(done.bytes)} received"
    seconds = f"{done.fetch_seconds:.1f} s of waiting for the source"
    yield f"records      {done.fetched:,} in {count(done.pages, 'page')}, {size}, {seconds}"
    children = f"children     of {count(done.parents, 'parent')}, by {count(done.child_requests, 'request')}"
    yield from [children] if done.parents else []
    if done.requests_retried:
        yield f"retries      {count(done.requests_retried, 'request')} sent again"
    if done.accepted:
        yield f"lines        {done.accepted:,} in {_shown(files.lines)}"
    if done.dead_lettered:
        yield f"dead letters {done.dead_lettered:,} in {_shown(files.dead_letters)}"
    for reason, number in list(outcome.reasons.items())[:_SHOWN_REASONS]:
        yield f"             {number:,}: {reason}"
    for warning in outcome.warnings:
        yield f"warning      {warning}"
    if outcome.is_secret_replaced:
        yield (
            "secret       the token server has replaced the refresh token, and may refuse the old one: store "
            f"the content of {_shown(files.secret)} in Secrets Manager now, and remove the file"
        )
    if not outcome.is_whole:
        yield f"stopped      after MAX={done.fetched}; the rest of the source was not read"
    if outcome.failure:
        yield from _failure(outcome)


def _failure(outcome: Outcome) -> Iterator[str]:
    failure = outcome.failure
    place = f" on page {failure.details['page']}" if failure and "page" in failure.details else ""
    again = "may pass by itself" if failure and failure.retryable else "not worth a retry"
    yield f"failed       {type(failure).__name__}{place}, {again}: {failure}"


def _first_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in islice(file, _SHOWN_LINES):
            text = line.rstrip("\n")
            cut = f"… ({len(text):,} characters)" if len(text) > _SHOWN_CHARACTERS else ""
            yield text[:_SHOWN_CHARACTERS] + cut


def _shown(path: Path) -> str:
    """A path as a user in the checkout writes it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of records, from 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
