"""Reads and writes what a plan has to do with a pull request on GitHub; the workflow that plans runs it.

``python tools/plan/pull_request.py labelled LABEL`` prints 1 if the pull request has the label now, perhaps
since the event that started the job. ``… comment FILE`` writes the plan's comment, or renews it. Both need
nothing but Python, because the job comments also if nothing could be installed.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

BOT = "github-actions[bot]"
"""The author of comments that are written with a job's token; users cannot have brackets in their name."""

MAX_CHARACTERS = 65_536
"""GitHub's limit for a comment, known from its answer to a longer one."""

CUT = "\n\nThe rest is too long for a comment: see the summary of the job.\n"
PAGE = 100
TIMEOUT_SECONDS = 30
FORBIDDEN = 403


class GitHubError(RuntimeError):
    """When GitHub refuses or cannot be reached; the message says what the job needs."""


class PullRequest:
    """A pull request, by the variables of a job.

    Args:
        variables: ``GITHUB_API_URL`` and ``GITHUB_REPOSITORY``, which every job has, its number in ``NUMBER``
            and the job's token in ``GH_TOKEN``.

    Raises:
        GitHubError: When one of them is not set.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        lacking = [
            name
            for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "NUMBER", "GH_TOKEN")
            if not variables.get(name)
        ]
        if lacking:
            raise GitHubError(
                f"{', '.join(lacking)}: not set; a step of a job on pull_request has to pass it"
            )
        self._repository = f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}"
        self._issue = f"{self._repository}/issues/{int(variables['NUMBER'])}"
        self._token = variables["GH_TOKEN"]

    def is_labelled(self, label: str) -> bool:
        """Whether it has the label at this moment.

        Raises:
            GitHubError: When GitHub refuses or cannot be reached.
        """
        return any(each["name"] == label for each in self._all(f"{self._issue}/labels"))

    def comment(self, body: str) -> str:
        """The address of the comment with this text.

        An earlier one is replaced if this job's bot wrote it and it begins with the same line. Whoever else
        begins a comment so keeps it: its author could change afterwards what the plan says.

        Args:
            body: Its first line is the marker by which the next run knows it.

        Raises:
            GitHubError: When GitHub refuses or cannot be reached.
        """
        marker = body.partition("\n")[0]
        earlier = (
            each["id"]
            for each in self._all(f"{self._issue}/comments")
            if (each["user"] or {}).get("login") == BOT and each["body"].partition("\n")[0].rstrip() == marker
        )
        content = {"body": body if len(body) <= MAX_CHARACTERS else _cut(body)}
        number = next(earlier, None)
        if number is None:
            written = self._ask("POST", f"{self._issue}/comments", content)
        else:
            written = self._ask("PATCH", f"{self._repository}/issues/comments/{number}", content)
        return str(written["html_url"])

    def _all(self, url: str) -> Iterator[dict[str, Any]]:
        """The items of every page of a list."""
        for page in count(1):
            found = self._ask("GET", f"{url}?per_page={PAGE}&page={page}")
            yield from found
            if len(found) < PAGE:
                return

    def _ask(self, method: str, url: str, content: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the job's own API
            url,
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            needed = "; the job needs `pull-requests: write`, which a fork's never gets"
            needed = needed if error.code == FORBIDDEN else ""
            raise GitHubError(f"GitHub refused {method} {url} ({error.code}){needed}: {said}") from error
        except (OSError, ValueError) as error:
            raise GitHubError(f"GitHub cannot be asked for {url}: {error}") from error


def _cut(body: str) -> str:
    """As many of its first lines as fit."""
    return body[: MAX_CHARACTERS - len(CUT)].rpartition("\n")[0] + CUT


def main() -> None:
    """Do one of both and exit; an error becomes one of the job's annotations."""
    try:
        match sys.argv[1:]:
            case ["labelled", label]:
                print("1" if PullRequest(os.environ).is_labelled(label) else "")
            case ["comment", file]:
                print(PullRequest(os.environ).comment(Path(file).read_text(encoding="utf-8")))
            case _:
                sys.exit("usage: python tools/plan/pull_request.py labelled LABEL | comment FILE")
    except GitHubError as error:
        sys.exit(f"::error::{' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
