"""Checks that the required tools are installed in a supported version.

``python3 tools/ground/prerequisites.py`` prints nothing, or what is missing and where to get it. With
``--without terraform``, Terraform may be missing. It runs on an old Python too, to say that it is too old, so
it uses nothing newer than Python 3.6.
"""

import re
import shutil
import subprocess
import sys

# name, command, lowest version, first version that is too new, where to get it
TOOLS = (
    (
        "Node.js",
        ("node", "--version"),
        (20, 0),
        (24, 0),
        "https://nodejs.org/en/download (20 or 22; cdktf-cli 0.21 does not start on 24)",
    ),
    ("npm", ("npm", "--version"), (9, 0), None, "comes with Node.js"),
    (
        "Terraform",
        ("terraform", "version"),
        (1, 10),
        None,
        "https://developer.hashicorp.com/terraform/install (1.10 is the first with S3 lock files)",
    ),
)
PYTHON, PYTHON_TOO_NEW = (3, 11), (3, 14)
PYTHON_SOURCE = "https://www.python.org/downloads/; another one: make PYTHON=python3.12"


def check(unneeded=()):
    # type: (tuple[str, ...] | list[str]) -> list[str]
    """One line for each problem, with where to get the tool; empty if there is none.

    Args:
        unneeded: Commands that may be missing.
    """
    problems = []
    if not PYTHON <= sys.version_info[:2] < PYTHON_TOO_NEW:
        problems.append(
            "Python is version %s, but 3.11 to 3.13 is needed: %s" % (sys.version.split()[0], PYTHON_SOURCE)
        )
    for name, command, lowest, too_new, source in TOOLS:
        if command[0] in unneeded:
            continue
        found = version(command)
        wanted = "%d.%d or newer" % lowest + (", below %d" % too_new[0] if too_new else "")
        if found is None:
            problems.append("%s (%s) is missing, %s is needed: %s" % (name, command[0], wanted, source))
        elif found < lowest or (too_new and found >= too_new):
            problems.append(
                "%s is version %s, but %s is needed: %s" % (name, ".".join(map(str, found)), wanted, source)
            )
    return problems


def version(command):
    # type: (tuple[str, ...]) -> tuple[int, ...] | None
    """The version that a command prints, or None if it cannot be run."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout.decode("utf-8", "replace"))
    return tuple(int(part) for part in match.groups()) if match else None


def main():
    # type: () -> None
    """Exit with all problems on stderr, or print nothing."""
    problems = check(sys.argv[2:] if sys.argv[1:2] == ["--without"] else ())
    if problems:
        sys.exit("Something is missing on this machine:\n" + "\n".join("  - " + line for line in problems))


if __name__ == "__main__":
    main()
