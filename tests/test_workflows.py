"""GitHub's workflows, as far as they can be run or checked without GitHub."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT

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
    stack.mkdir(parents=True)
    if plan:
        (stack / "plan.md").write_text(plan, encoding="utf-8")
    summary = tmp_path / "summary.md"
    subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script("Summary")],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "ENV": "prod", "GITHUB_STEP_SUMMARY": str(summary)},
        check=True,
        capture_output=True,
    )

    assert summary.read_text(encoding="utf-8").splitlines() == [
        "<!-- plan of prod -->",
        "### Plan of prod",
        "",
        said,
    ]


@pytest.mark.parametrize(("earlier", "method"), [("", "POST"), ("41", "PATCH")])
def test_the_comment_is_renewed(tmp_path: Path, earlier: str, method: str) -> None:
    """The first plan of a pull request creates a comment; later ones update it."""
    gh = tmp_path / "gh"
    gh.write_text(
        f'#!/bin/sh\necho "$@" >> calls\ncase "$*" in *--jq*) echo "{earlier}";; esac\n', encoding="utf-8"
    )
    gh.chmod(0o755)
    subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script("Comment")],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "ENV": "prod", "GITHUB_REPOSITORY": "a/b", "NUMBER": "7"},
        check=True,
    )
    last = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[-1]

    target = f"repos/a/b/issues/comments/{earlier}" if earlier else "repos/a/b/issues/7/comments"
    assert last == f"api --method {method} {target} --field body=@comment.md"
