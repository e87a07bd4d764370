"""GitHub's workflows, as far as they can be run or checked without GitHub."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT
from tests.github import GitHub
from tools.plan.pull_request import BOT, MAX_CHARACTERS

PLAN = ROOT / ".github" / "workflows" / "plan.yml"
LABEL = "allow-data-loss"
MARKER = "<!-- plan of prod -->"
BODY = f"{MARKER}\n### Plan of prod\n\n**No changes.**\n"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def steps(workflow: Path) -> list[dict[str, Any]]:
    """Every step of every job that does not call another workflow."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


def script(name: str, workflow: str = "plan") -> str:
    """The commands of one step of a workflow."""
    (found,) = [s["run"] for s in steps(ROOT / f".github/workflows/{workflow}.yml") if s.get("name") == name]
    return str(found)


def run(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What one step of the workflow that plans said, run in a folder as GitHub runs it."""
    (found,) = [step["run"] for step in steps(PLAN) if step.get("name") == name]
    if not (folder / "tools").exists():
        (folder / "tools").symlink_to(ROOT / "tools")
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", found],
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def bots(body: str) -> dict[str, Any]:
    """A comment by the bot of the jobs."""
    return {"user": {"login": BOT}, "body": body}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_actions_are_pinned_by_their_commit(workflow: Path) -> None:
    """A tag can be moved to other code; a commit cannot."""
    used = [step["uses"] for step in steps(workflow) if "uses" in step]

    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []


def test_what_is_called_is_there() -> None:
    """Each `make` target that a workflow calls exists in the Makefile."""
    scripts = [step.get("run", "") for workflow in WORKFLOWS for step in steps(workflow)]
    called = {target for text in scripts for target in re.findall(r"\bmake (\S+)", text)}

    assert called
    assert called <= set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE))


def test_the_jobs_that_ci_promises() -> None:
    """Check, test and build; nothing is built unless the first two pass."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]

    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "check": None,
        "test": None,
        "build": ["check", "test"],
    }


def test_only_the_job_that_releases_may_write_to_the_repository() -> None:
    """It waits for CI, runs on main only, and no other job may write contents."""
    jobs = {
        (workflow.stem, name): job
        for workflow in WORKFLOWS
        for name, job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].items()
    }
    writers = {key: job for key, job in jobs.items() if job.get("permissions", {}).get("contents") == "write"}

    assert [(key, job["needs"], job["if"]) for key, job in writers.items()] == [
        (("release", "release"), "ci", "github.ref == 'refs/heads/main'")
    ]


@pytest.mark.parametrize("expression", ["inputs.", "github."])
def test_no_script_is_made_of_what_others_write(expression: str) -> None:
    """Values from a pull request reach a script in variables, where they cannot become code."""
    scripts = [step["run"] for workflow in WORKFLOWS for step in steps(workflow) if "run" in step]

    assert [text for text in scripts if re.search(r"\$\{\{\s*" + re.escape(expression), text)] == []


@pytest.mark.parametrize(
    ("plan", "said"),
    [("**No changes.**\n", "**No changes.**"), (None, "There is no plan: see the log.")],
)
def test_the_summary_is_the_plans(tmp_path: Path, plan: str | None, said: str) -> None:
    """The job's summary is that of the plan, or says that there is no plan."""
    stack = tmp_path / "cdktf.out" / "stacks" / "data-ingestion-prod"
    other = stack.with_name("data-ingestion-dev")
    for folder in (stack, other):
        folder.mkdir(parents=True)
    (other / "plan.md").write_text("the plan of another environment", encoding="utf-8")
    if plan:
        (stack / "plan.md").write_text(plan, encoding="utf-8")
    summary = tmp_path / "summary.md"
    run("Summary", tmp_path, ENV="prod", COMMIT="0a1b2c", GITHUB_STEP_SUMMARY=str(summary)).check_returncode()

    assert summary.read_text(encoding="utf-8").splitlines() == [
        "<!-- plan of prod -->",
        "### Plan of prod",
        "",
        said,
        "",
        "Of 0a1b2c.",
    ]


def test_a_job_without_a_token_says_who_gets_one(tmp_path: Path) -> None:
    """A fork's pull request, or a caller that grants too little, ends at once and with the reason."""
    done = run("Token", tmp_path)

    assert (done.returncode, done.stdout.count("::error::")) == (1, 1)
    assert "needs id-token: write" in done.stdout
    assert "from a fork never gets one: push its branch to this repository" in done.stdout


def test_a_job_with_a_token_goes_on(tmp_path: Path) -> None:
    """GitHub sets the variable if the job may ask for a token."""
    done = run("Token", tmp_path, ACTIONS_ID_TOKEN_REQUEST_URL="https://token.example")

    assert (done.returncode, done.stdout) == (0, "")


def test_who_gets_no_token_writes_no_comment() -> None:
    """A fork's job may not comment either, nor one that a newer one has replaced."""
    (comment,) = [step for step in steps(PLAN) if step.get("name") == "Comment"]

    assert comment["if"] == (
        "${{ !cancelled() && github.event_name == 'pull_request' && steps.token.outcome == 'success' }}"
    )


@pytest.mark.parametrize(("labels", "found"), [([], ""), (["allow-data-loss-not"], ""), (["x", LABEL], "1")])
def test_the_label_is_that_of_now(tmp_path: Path, labels: list[str], found: str) -> None:
    """GitHub is asked when the job runs, whatever the event of its first run said."""
    output = tmp_path / "output"
    with GitHub(labels=labels) as github:
        run("Label", tmp_path, **github.variables, LABEL=LABEL, GITHUB_OUTPUT=str(output)).check_returncode()

    assert output.read_text(encoding="utf-8") == f"data-loss={found}\n"


def commented(tmp_path: Path, github: GitHub, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the step said that comments on a plan without changes."""
    (tmp_path / "comment.md").write_text(BODY, encoding="utf-8")
    with github:
        return run("Comment", tmp_path, **{**github.variables, **variables})


def test_the_first_plan_creates_a_comment(tmp_path: Path) -> None:
    """There is one comment for each environment."""
    github = GitHub(comments=[bots("<!-- plan of dev -->\nanother")])
    commented(tmp_path, github).check_returncode()

    assert github.written == [("POST", "/repos/a/b/issues/7/comments", BODY)]


@pytest.mark.parametrize("before", [0, 99, 100, 250])
def test_a_later_plan_renews_the_comment(tmp_path: Path, before: int) -> None:
    """It is found on whichever page it is; GitHub gives a hundred at a time."""
    github = GitHub(comments=[*[bots("chat")] * before, bots(MARKER + "\r\nearlier"), bots("chat")])
    commented(tmp_path, github).check_returncode()

    assert github.written == [("PATCH", f"/repos/a/b/issues/comments/{before}", BODY)]


@pytest.mark.parametrize(
    "comment",
    [
        {"user": {"login": "mallory"}, "body": f"{MARKER}\nMy own words, to be changed later."},
        {"user": {"login": "github-actions"}, "body": MARKER},
        {"user": None, "body": MARKER},
        {"user": {"login": BOT}, "body": f"See {MARKER}"},
        {"user": {"login": BOT}, "body": f"> quoted\n{MARKER}"},
        {"user": {"login": BOT}, "body": f"{MARKER} not"},
    ],
)
def test_a_comment_of_somebody_else_is_never_changed(tmp_path: Path, comment: dict[str, Any]) -> None:
    """Its author could edit what the plan says; only the bot's own comment with the marker is renewed."""
    github = GitHub(comments=[comment])
    commented(tmp_path, github).check_returncode()

    assert github.written == [("POST", "/repos/a/b/issues/7/comments", BODY)]


def test_a_comment_that_github_would_refuse_is_cut(tmp_path: Path) -> None:
    """It ends with a whole line and says where the rest is."""
    lines = "".join(f"| add | `aws_sqs_queue.a[{number}]` |  |\n" for number in range(3_000))
    (tmp_path / "comment.md").write_text(f"{MARKER}\n{lines}", encoding="utf-8")
    with GitHub() as github:
        run("Comment", tmp_path, **github.variables).check_returncode()
    ((_, _, body),) = github.written
    end = "|\n\nThe rest is too long for a comment: see the summary of the job.\n"

    assert (MAX_CHARACTERS - 100 < len(body) <= MAX_CHARACTERS, body.endswith(end)) == (True, True)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"GH_TOKEN": "of a fork"},
            r"GitHub refused POST .*/issues/7/comments \(403\); the job needs `pull-req",
        ),
        ({"GH_TOKEN": "wrong"}, r"GitHub refused GET .*/issues/7/comments\S* \(401\): "),
        ({"GH_TOKEN": ""}, "GH_TOKEN: not set"),
        (
            {"GITHUB_API_URL": "http://127.0.0.1:9"},
            "GitHub cannot be asked for http://127.0.0.1:9/repos/a/b/",
        ),
    ],
)
def test_a_comment_that_cannot_be_written_fails_with_the_reason(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    """Nobody may take an older comment for this plan's; the job says what it lacks, as an annotation."""
    done = commented(tmp_path, GitHub(), **variables)

    assert done.returncode == 1
    assert re.match(f"::error::{said}", done.stderr)
